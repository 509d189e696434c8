"""Loops that people write themselves, with Lightning or without: other names, no steps, and no training."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from llmtrain_exporter.ingest.discover import ALONE, SearchOptions, discover
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.tags import key_of
from llmtrain_exporter.ingest.tracked_rows import RowsByKey, TrackedRow, TrackedRun
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import objective
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Record, RowKind

Logged = Sequence[tuple[int, Mapping[str, float]]]

MLFLOW = """
    CREATE TABLE experiments (experiment_id, name);
    CREATE TABLE runs (run_uuid, name, status, start_time, experiment_id, lifecycle_stage);
    CREATE TABLE params (key, value, run_uuid);
    CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan);
    CREATE TABLE latest_metrics (key, timestamp, run_uuid);
    INSERT INTO experiments VALUES (1, 'lab');
"""


def read(logged: Logged) -> Iterator[Record]:
    """What a tracker kept value by value, as records."""
    rows, run = RowsByKey(), TrackedRun(Normaliser())
    values = [(step, key, value) for step, cells in logged for key, value in cells.items()]
    whole = [row for step, key, value in values for row in rows.add(TrackedRow(step, 0.0, {key: value}))]
    for row in (*whole, *rows.end()):
        yield from (record for record in run.read(row) if isinstance(record, Record))


def values_of(record: Record) -> dict[Metric, float]:
    """By their metrics."""
    pairs = zip(record.layout.series, record.values, strict=True)
    return {series.metric: value for series, value in pairs}


@pytest.mark.parametrize("name", ["train_loss", "train/train_loss", "training_loss", "train_loss_step"])
def test_the_loss_of_loops_of_ones_own_is_the_loss(name: str) -> None:
    """Beside their `val_loss`, which is an evaluation's."""
    records = list(read([(step, {name: 2.0 - step / 10, "val_loss": 2.1}) for step in range(1, 4)]))
    kinds = [record.kind for record in records]
    assert kinds == [RowKind.TRAIN, RowKind.EVAL] * 3
    assert [values_of(record)[c.LOSS] for record in records[::2]] == [1.9, 1.8, 1.7]


@pytest.mark.parametrize("end", ["train_runtime", "total_flos", "loss"])
def test_the_mean_over_a_whole_run_is_no_loss(end: str) -> None:
    """Transformers logs it with what it logs when it ends."""
    rows = Normaliser().rows({"train_loss": 1.5, end: 2.0, "step": 5})
    for record in rows:
        if isinstance(record, Record) and end != "loss":
            assert c.LOSS not in values_of(record)
        elif isinstance(record, Record):
            assert values_of(record) == {objective.TRAIN_MEAN_LOSS: 1.5, c.LOSS: 2.0}


@pytest.mark.parametrize("name", ["lr-AdamW", "lr-SGD/pg1", "lr-DeepSpeedCPUAdam"])
def test_the_learning_rate_is_known_as_lightning_calls_it(name: str) -> None:
    """By the optimizer; its momentum and its decay are none."""
    (record,) = read([(1, {"train_loss": 1.0, name: 1e-4, f"{name}-momentum": 0.9})])
    assert values_of(record)[c.LEARNING_RATE] == 1e-4


def test_what_stable_baselines_counts_are_no_seconds_of_a_phase() -> None:
    """It calls them `time/fps` and so."""
    cells = {"train/loss": 0.5, "time/fps": 100.0, "time/iterations": 5.0, "time/total_timesteps": 10240.0}
    (record,) = read([(1, cells)])
    assert {series.metric for series in record.layout.series} == {c.LOSS, c.OTHER}


def test_tags_that_name_the_split_last_are_of_that_split() -> None:
    """As the examples of SummaryWriter have them."""
    tags = ("Loss/train", "loss/training", "Loss/val", "Loss/test", "Accuracy/valid", "perplexity/eval")
    assert [key_of(tag) for tag in tags] == [
        *("loss", "loss", "eval_loss", "eval_loss", "eval_accuracy", "eval_perplexity")
    ]
    assert key_of("loss/train_extra") == "loss/train_extra"


def test_rows_without_a_step_are_counted() -> None:
    """MLflow puts 0 for each."""
    logged: list[tuple[int, Mapping[str, float]]] = [(0, {"loss": 2.0 - at / 10}) for at in range(4)]
    logged.append((0, {"eval_loss": 2.2}))
    found = [(record.kind, record.step) for record in read(logged)]
    assert found == [*((RowKind.TRAIN, step) for step in range(4)), (RowKind.EVAL, 3)]


def test_a_run_that_begins_at_step_0_is_not_counted() -> None:
    """Its steps are as it states them."""
    assert [record.step for record in read([(step, {"loss": 1.0}) for step in (0, 10, 20)])] == [0, 10, 20]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("actor/pg_loss", "verl"),
        ("critic/score/mean", "verl"),
        ("rollout/raw_reward", "slime"),
        ("loss", None),
    ],
)
def test_keys_of_one_trainer_alone_tell_who_logs_to_a_tracker(key: str, name: str | None) -> None:
    """Its advice is in that trainer's words, whatever the settings are called."""
    run = TrackedRun(Normaliser())
    for step in (1, 2):
        run.read(TrackedRow(step, None, {key: 0.5}))
    assert (run.writer.name if run.writer else None) == name


def mlflow(folder: Path, runs: Mapping[str, Sequence[str]]) -> None:
    """A database with runs, each with a value of these metrics at two steps."""
    database = sqlite3.connect(folder / "mlflow.db")
    database.executescript(MLFLOW)
    for name, keys in runs.items():
        database.execute("INSERT INTO runs VALUES (?, ?, 'RUNNING', 1e12, 1, 'active')", (name, name))
        rows = [(key, 0.5, 1e12, name, step, 0) for step in (1, 2) for key in keys]
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        latest = [(key, 1e12, name) for key in keys]
        database.executemany("INSERT INTO latest_metrics VALUES (?, ?, ?)", latest)
    database.commit()
    database.close()


def test_what_is_no_training_in_a_store_is_no_run(tmp_path: Path) -> None:
    """MLflow keeps what anybody logs, and the parents of runs."""
    mlflow(tmp_path, {"sft": ["loss", "lr"], "own": ["train_loss"], "sklearn": ["accuracy", "f1"], "up": []})
    found = discover([str(tmp_path)], SearchOptions(ignore_older=None), 1e9, ALONE, None).found
    assert sorted(each.run for each in found) == ["lab/own", "lab/sft"]
