"""Any log as the `log_history` of a `trainer_state.json`, which all of the doctors read.

The keys stay as they were logged: TRL, ms-swift and LLaMA-Factory write the names of the Trainer. Only what
that file always has is added or renamed: `step` as a number, `learning_rate` where LLaMA-Factory says `lr`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialect import Dialect, Shape
from llmtrain_exporter.ingest.python_dict import UNREADABLE, dicts
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.model import HyperParameters, Record, RowKind

RENAMED = {"lr": "learning_rate"}
WRITTEN = (RowKind.TRAIN, RowKind.EVAL, RowKind.FINAL)

HistoryRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """The rows of a run, and where its training ends, 0 where the log does not say."""

    rows: tuple[HistoryRow, ...]
    max_steps: int

    @property
    def train(self) -> tuple[int, ...]:
        """For each training record, the number of rows up to it."""
        return tuple(at + 1 for at, row in enumerate(self.rows) if "loss" in row or "reward" in row)


def history(log: bytes, dialect: Dialect) -> History:
    """The history that a log of a dialect holds."""
    if dialect.shape is Shape.DOCUMENT:
        state = json.loads(log)
        return History(tuple(state["log_history"]), int(state.get("max_steps") or 0))
    reader, run = Readers().reader(dialect), Run(RunOptions(), HyperParameters())
    rows: list[HistoryRow] = []
    max_steps = 0
    for line in log.split(b"\n"):
        records = [found for found in reader.read(line) if isinstance(found, Record)]
        for record in records:
            run.fold(record, 0.0)
            max_steps = record.max_steps or max_steps
        if any(record.kind in WRITTEN for record in records):
            rows += [_row(logged, run.position.last_step or 0) for logged in _logged(line)]
    return History(tuple(rows), max_steps or run.position.last_step or 0)


def _logged(line: bytes) -> Iterator[HistoryRow]:
    """What a line states as data, in JSON or as Python prints it."""
    with_brace = line.strip()
    if with_brace.startswith(b'{"'):
        yield json.loads(with_brace)
    else:
        yield from (found.pairs for found in dicts(line.decode("latin-1")) if found.complete)


def _row(logged: HistoryRow, step: int) -> HistoryRow:
    numbers = {RENAMED.get(key, key): _number(value) for key, value in logged.items()}
    return {key: value for key, value in numbers.items() if value is not None} | {"step": step}


def _number(value: object) -> float | None:
    """A number, of a text too, as transformers 5 prints them; None for what is none."""
    if value is UNREADABLE or isinstance(value, bool):
        return None
    try:
        return float(str(value))
    except ValueError:
        return None
