"""The values of a run by step: all that its log says, in columns."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Layout, Record, RowKind, Series, Snapshot
from llmtrain_exporter.watching.history.packed import PackedColumn

BLOCK = 1024
"""Rows that are turned into columns at once."""

MOST_CELLS = 64_000_000
"""Cells of a table, 8 bytes each. A run has some 40 columns; only a broken log has enough to meet this."""

_NAN = math.nan


@dataclass(frozen=True, slots=True)
class RecordTable:
    """The rows of one kind, in the order of the log; all sequences are as long as `steps`.

    `columns`: series to values in base units, NaN where a row lacks the key. `non_finite`: series to the rows
    in which the log itself says NaN or infinity. `times`: Unix time of each row by the trainer's own clock,
    None where it logs none; a pause between two processes of a run is logged nowhere, and counts as none.
    `superseded`: 1 for rows whose steps a resumed process took again.
    """

    steps: array[int]
    times: array[float] | None
    columns: Mapping[Series, Sequence[float]]
    non_finite: Mapping[Series, array[int]]
    superseded: bytearray

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class History:
    """A run as it stands, and how it came there.

    `spikes`: series to the rows of `train` whose value was a spike (see `analyse.spikes`). `baselines`:
    series to the median that each value in `train` was held against, NaN where there was none yet.
    """

    run: Snapshot
    train: RecordTable
    evaluations: RecordTable
    spikes: Mapping[Series, array[int]]
    baselines: Mapping[Series, Sequence[float]]


class _Rows:
    """A table while it is being filled."""

    def __init__(self, keeps: Callable[[Series], bool]) -> None:
        """`keeps`: whether the run takes a series in, or has too many of its kind."""
        self._keeps = keeps
        self.steps = array("q")
        self._clock = PackedColumn()
        self._columns: dict[Series, PackedColumn] = {}
        self._non_finite: dict[Series, array[int]] = {}
        self._superseded = bytearray()
        self._live = array("q")  # rows that are not superseded; their steps rise
        self._layout: Layout | None = None
        self._waiting: list[tuple[float, ...]] = []

    def add(self, record: Record, step: int, clock: float) -> None:
        """Take a row in. `clock`: seconds on the trainer's own clock."""
        if record.layout is not self._layout or len(self._waiting) >= BLOCK:
            self._settle()
            self._layout = record.layout
        self._waiting.append(record.values)
        self._live.append(len(self.steps))
        self.steps.append(step)
        self._clock.append(clock)
        self._superseded.append(0)

    def supersede(self, step: int) -> None:
        """The steps from `step` on are taken again."""
        while self._live and self.steps[self._live[-1]] >= step:
            self._superseded[self._live.pop()] = 1

    def table(self, known: Collection[Series], end: float | None) -> RecordTable:
        """The table, of the series `known`. `end`: Unix time at 0 of the clock, None: nobody knows."""
        self._settle()
        for column in self._columns.values():
            _pad(column, len(self.steps))
        return RecordTable(
            self.steps,
            None if end is None else array("d", (end + clock for clock in self._clock)),
            {series: column.plain() for series, column in self._columns.items() if series in known},
            self._non_finite,
            self._superseded,
        )

    def _settle(self) -> None:
        """Turn the waiting rows, which share their keys, into columns."""
        if self._layout is None or not self._waiting:
            return
        begin = len(self.steps) - len(self._waiting)
        for series, values in zip(self._layout.series, zip(*self._waiting, strict=True), strict=True):
            if not self._keeps(series):  # thousands of keys of a few rows each would be columns of nothing
                continue
            column = self._columns.get(series) or self._columns.setdefault(series, PackedColumn())
            _pad(column, begin)
            column.extend(values)
            if not math.isfinite(sum(values)):
                self._mark(series, values, begin)
        self._waiting.clear()
        self._shed()

    def _mark(self, series: Series, values: tuple[float, ...], begin: int) -> None:
        rows = [begin + at for at, value in enumerate(values) if not math.isfinite(value)]
        self._non_finite.setdefault(series, array("q")).extend(rows)

    def _shed(self) -> None:
        """Leave out the emptiest columns of a log that has far too many."""
        most = max(MOST_CELLS // max(len(self.steps), 1), 1)
        if len(self._columns) > most:
            fullest = sorted(self._columns, key=lambda series: -_known(self._columns[series]))
            self._columns = {series: self._columns[series] for series in fullest[:most]}


def _pad(column: PackedColumn, length: int) -> None:
    """Fill a column up with NaN."""
    while len(column) < length:
        column.extend(array("d", [_NAN]) * min(length - len(column), BLOCK))


def _known(values: Sequence[float]) -> int:
    return sum(value == value for value in values)


class Recorder:
    """The observer that keeps every value of a run."""

    reads_state: ClassVar[bool] = True

    def __init__(self, run: Run) -> None:
        self._train = _Rows(run.keeps)
        self._evaluations = _Rows(run.keeps)
        self._step = 0
        self._planned: int | None = None
        self._elapsed = 0.0  # of the present process
        self._before = 0.0  # of those before it
        self._clocked = False
        self._spikes: dict[Series, array[int]] = {}
        self._counted: dict[Series, int] = {}
        self._levels: Mapping[Series, Level] = {}
        self._baselines: dict[Series, PackedColumn] = {}

    def note(self, record: Record, analysis: Analysis | None, /) -> None:
        """See a record that was folded."""
        elapsed = record.get(c.ELAPSED)
        if elapsed is not None and math.isfinite(elapsed):
            self._tick(elapsed)
        if record.kind is RowKind.TRAIN:
            self._note_training(record, analysis)
        elif record.kind is RowKind.EVAL:
            if record.max_steps in (None, self._planned):  # else it counts steps of its own
                self._step = max(record.step or 0, self._step)
            self._evaluations.add(record, self._step, self._before + self._elapsed)

    def history(self, run: Snapshot) -> History:
        """All of it, with the run as it stands by now."""
        end = run.last_record if self._clocked else None
        zero = None if end is None else end - self._before - self._elapsed
        train = self._train.table(run.samples.keys(), zero)
        for column in self._baselines.values():
            _pad(column, len(train))
        evaluations = self._evaluations.table(run.samples.keys(), zero)
        baselines = {series: column.plain() for series, column in self._baselines.items()}
        return History(run, train, evaluations, self._spikes, baselines)

    def _tick(self, elapsed: float) -> None:
        self._clocked = True
        if elapsed < self._elapsed:  # another process, whose clock began anew
            self._before += self._elapsed
        self._elapsed = elapsed

    def _note_training(self, record: Record, analysis: Analysis | None) -> None:
        row = len(self._train.steps)
        step = row + 1 if record.step is None else record.step
        if step < self._step:
            self._train.supersede(step)
            self._evaluations.supersede(step)
        self._step = step
        self._planned = record.max_steps or self._planned
        self._train.add(record, step, self._before + self._elapsed)
        if analysis is not None:
            self._note_judgement(row, analysis)

    def _note_judgement(self, row: int, analysis: Analysis) -> None:
        if analysis.spikes != self._counted:
            for series, count in analysis.spikes.items():
                if count != self._counted.get(series):
                    self._spikes.setdefault(series, array("q")).append(row)
            self._counted = dict(analysis.spikes)
        for series, level in self._levels.items():
            column = self._baselines.get(series) or self._baselines.setdefault(series, PackedColumn())
            _pad(column, row)
            column.append(level.median)
        self._levels = dict(analysis.levels)
