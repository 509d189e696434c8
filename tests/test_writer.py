"""Who printed a log: trainers on Transformers print the same rows, and some say who they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from llmtrain_exporter.ingest.writer import LINES_LOOKED_AT

from tests import training
from tests.test_corpus import runs

SWIFT_ROW = str({"loss": 0.5, "grad_norm": 1.0, "epoch": 0.1, "global_step/max_steps": "1/9"})
ROWS = [training.printed(step) for step in (1, 2, 3)]


@pytest.mark.parametrize(
    ("lines", "producer", "dialect"),
    [
        (["[INFO:swift] Global seed set to 42", *ROWS], "swift", "swift"),
        (["run sh: `/usr/bin/python3.11 /venv/swift/cli/sft.py --model x`", *ROWS], "swift", "swift"),
        ([SWIFT_ROW, *ROWS], "swift", "swift"),
        (["(worker pid=7) [rank0]: text", f"[rank0]: {SWIFT_ROW}"], "swift", "swift"),
        ([json.dumps({"log": f"{SWIFT_ROW}\n", "stream": "stdout"})], "swift", "swift"),
        (
            ["[INFO|2026-11-20 10:26:59] llamafactory.hparams.parser:523 >> Process rank: 0", *ROWS],
            "llamafactory",
            "llamafactory",
        ),
        (["12/01/2023 10:26:59 - INFO - llmtuner.tuner.core.parser - Process rank: 0", *ROWS],)
        + 2 * ("llamafactory",),
        (["[2026-11-20 10:26:59] [INFO] [axolotl.train] [PID:7] go", *ROWS], "axolotl", "transformers"),
        (
            [str({"loss": 0.5, "memory/max_active (GiB)": 1.5, "epoch": 0.1}), *ROWS],
            "axolotl",
            "transformers",
        ),
        (["🦥 Unsloth: Will patch your computer to enable 2x faster.", *ROWS], "unsloth", "transformers"),
        (["==((====))==  Unsloth - 2x faster | Num GPUs used = 1", *ROWS], "unsloth", "transformers"),
        (["a text about swift, axolotl, llamafactory and Unsloth", *ROWS], "transformers", "transformers"),
        (["/venv/swift/cli/sft.py", *ROWS], "transformers", "transformers"),
        (ROWS, "transformers", "transformers"),
        ([*(["."] * LINES_LOOKED_AT), *ROWS, "[INFO:swift] late"], "transformers", "transformers"),
        (["[INFO:swift] first", "Unsloth: Will patch your computer", *ROWS], "swift", "swift"),
    ],
)
def test_a_printed_log_is_its_writers(tmp_path: Path, lines: list[str], producer: str, dialect: str) -> None:
    """By its own lines, where they are certain; the dialect is the one under which people know it."""
    (run,) = runs(training.append(tmp_path / "train.log", *lines))
    assert (run.producer.name, run.dialect) == (producer, dialect)


def test_arguments_beside_a_log_name_its_writer(tmp_path: Path) -> None:
    """ms-swift's have its version; others' say nothing."""
    training.append(tmp_path / "a" / "trainer_state.json", training.trainer_state((1, 2)))
    training.append(tmp_path / "b" / "trainer_state.json", training.trainer_state((1, 2)))
    training.append(tmp_path / "a" / "args.json", json.dumps({"swift_version": "4.6.0"}))
    training.append(tmp_path / "b" / "args.json", json.dumps({"model": "x"}))
    assert {run.run: run.dialect for run in runs(tmp_path)} == {"a": "swift", "b": "transformers"}


def test_rows_of_the_megatron_path_name_its_trainer(tmp_path: Path) -> None:
    """Its arguments are Megatron's; people know its log as ms-swift's."""
    rows = [json.dumps({"loss": 1.0, "iteration": f"{step}/9"}) for step in (1, 2)]
    (run,) = runs(training.append(tmp_path / "v0" / "logging.jsonl", *rows))
    assert (run.producer.name, run.dialect, run.last_step) == ("megatron-swift", "swift", 2)
    (run,) = runs(training.append(tmp_path / "v1" / "logging.jsonl", training.swift(1)))
    assert run.producer.name == "swift"
