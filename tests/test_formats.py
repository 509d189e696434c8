"""Real excerpts of what programs print: each is known by its content, and read as somebody did by eye."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.recognise import SNIFFED, recognise
from llmtrain_exporter.ingest.source import read_lines
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Record, RowKind, series

TRAIN, EVAL = RowKind.TRAIN, RowKind.EVAL


class Excerpt(NamedTuple):
    """What is right of a file: its dialect, the records, and some values of the last training record."""

    dialect: str
    steps: Sequence[tuple[RowKind, int]]
    planned: int | None
    last: dict[Metric, float]


EXCERPTS = {
    "litgpt.log": Excerpt("litgpt", [(TRAIN, 1)], None, {c.LOSS: 3.724}),
    "megatron-bridge.log": Excerpt(
        "megatron", [(TRAIN, 29)], 6069, {c.LOSS: 0.8716962, c.GRAD_NORM: 0.852, c.LEARNING_RATE: 5.8e-05}
    ),
    "megatron-nan.log": Excerpt(
        "megatron",
        [(TRAIN, 3383), (TRAIN, 3384), (TRAIN, 5426)],
        250000,
        {c.GRAD_NORM: math.nan, c.LEARNING_RATE: 2.999e-04},
    ),
    "minimind-dpo.log": Excerpt(
        "minimind", [(TRAIN, step) for step in (20, 40, 60)], 4292, {c.LOSS: 0.7372, c.REMAINING: 420.0}
    ),
    "minimind-grpo.log": Excerpt(
        "minimind", [(TRAIN, step) for step in (1, 2, 3)], 9751, {c.REWARD: -1.4468, c.KL: 0.0409}
    ),
    "mlx-lm-lora.log": Excerpt(
        "mlx_lm",
        [(EVAL, 1), *((TRAIN, step) for step in (25, 50, 75, 100, 125))],
        None,
        {c.LOSS: 5.478, c.LEARNING_RATE: 7e-05, c.TOKENS: 49374.0, c.MEMORY: 8.626e9},
    ),
    "nanotron.log": Excerpt(
        "nanotron", [(TRAIN, 327281)], 378950, {c.LOSS: 2.38, c.GRAD_NORM: 1.25, c.TOKENS: 85.8e9}
    ),
    "nemo-automodel.log": Excerpt(
        "nemo_automodel", [(TRAIN, 8), (TRAIN, 9)], None, {c.LOSS: 0.71, c.GRAD_NORM: 1.5766, c.EPOCH: 0.0}
    ),
    "notebook-table-unsloth.txt": Excerpt(
        "notebook_table", [(TRAIN, step) for step in (1, 2, 3)], None, {c.REWARD: 0.0, c.KL: 1e-05}
    ),
    "torchtitan.log": Excerpt(
        "torchtitan", [(TRAIN, 14), (TRAIN, 15)], None, {c.LOSS: 3.1068, c.GRAD_NORM: 0.8587}
    ),
    "torchtune.log": Excerpt(
        "torchtune", [(TRAIN, step) for step in (1, 2, 3)], None, {c.LOSS: 1.1732845306396484}
    ),
    "xtuner-mmengine.log": Excerpt(
        "xtuner",
        [(TRAIN, step) for step in (230, 240, 250)],
        None,
        {c.LOSS: 2.4566, c.GRAD_NORM: math.nan, c.LEARNING_RATE: 1.9797e-04},
    ),
    "verl-console-3-decimals.log": Excerpt(
        "verl", [(TRAIN, 83)], None, {c.GRAD_NORM: 0.006, c.REWARD: 0.906}
    ),
    "verl-console-np-float64-ansi.log": Excerpt(
        "verl",
        [(TRAIN, 1), (TRAIN, 2), (TRAIN, 3)],
        None,
        {c.LEARNING_RATE: 6.666666666666667e-07, c.REWARD: 0.07930262386798859},
    ),
    "verl-console-old.log": Excerpt(
        "verl", [(EVAL, 0), (TRAIN, 1), (TRAIN, 2)], None, {c.GRAD_NORM: 0.335, c.REWARD: 0.047}
    ),
}


@pytest.fixture
def excerpts(cases: Path) -> Path:
    """The folder of real excerpts, which stays outside of the project."""
    return cases / "formats"


def read(path: Path) -> tuple[str, list[Record]]:
    """The dialect by the content alone, and the records."""
    data = path.read_bytes()
    dialect = recognise(data[:SNIFFED], registered().values())
    found, _ = read_lines(Readers().reader(dialect), data.splitlines())
    return dialect.name, found


@pytest.mark.parametrize("name", EXCERPTS)
def test_a_real_excerpt_is_read_as_it_says(excerpts: Path, name: str) -> None:
    """Its dialect, the kinds and steps of its records, the steps that are planned, and some values."""
    expected = EXCERPTS[name]
    dialect, found = read(excerpts / name)
    assert dialect == expected.dialect
    assert [(record.kind, record.step) for record in found] == list(expected.steps)
    assert found[-1].max_steps == expected.planned
    trained = [record for record in found if record.kind is TRAIN]
    assert {metric: value(trained[-1], metric) for metric in expected.last} == pytest.approx(
        expected.last, nan_ok=True
    )


def value(record: Record, metric: Metric) -> float:
    """The value of a metric in a training record."""
    own = {series(metric), series(metric, ("split", "train"))}
    found = zip(record.layout.series, record.values, strict=True)
    return next((number for each, number in found if each in own), math.inf)


def test_each_real_excerpt_is_looked_at(excerpts: Path) -> None:
    """A new one is no use without what is right of it."""
    assert {path.name for path in excerpts.iterdir()} <= EXCERPTS.keys()
