"""The course of each metric over a whole run, in as many values as a line of text has room for."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from typing import ClassVar

from llmtrain_exporter.analyse import derived
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Layout, NoRun, Record, RowKind, Series, Snapshot, series
from llmtrain_exporter.model.blocks import RecordBlock
from llmtrain_exporter.story.metrics import JUDGED, Courses, metric_rows
from llmtrain_exporter.watching.observer import unobserved
from llmtrain_exporter.watching.on_demand import open_log, read_once
from llmtrain_exporter.write.courses import thinned
from llmtrain_exporter.write.terminal_table import LONGEST_COURSE

LARGEST_DRAWN = 256 << 20
"""Bytes of a log whose values are all kept for a moment; a larger one is told without courses."""

BLOCK = 256
"""Rows that are turned into columns at once."""

SCALED = {
    series(c.COMPLETION_LENGTH_LIMIT): derived.MEAN_LENGTH,
    series(c.GRAD_NORM_CLIP): derived.GRAD_NORM,
}
"""What is a logged value over a setting has the course of that value."""


class CoursesKept:
    """Reads logs to their end, and keeps the courses that the verdict on a run shows, by run."""

    def __init__(self) -> None:
        self.courses: dict[str, Courses] = {}

    def read(self, found: Found, options: RunOptions, readers: Readers, now: float) -> Snapshot | NoRun:
        """One log; see `read_once`."""
        drawn = found.size <= LARGEST_DRAWN
        log = open_log(found, options, readers, SeenValues if drawn else unobserved)
        outcome = read_once(log, now)
        if isinstance(outcome, Snapshot):
            self.courses[outcome.run] = log.observer.courses(outcome) if log.observer else {}
        return outcome


class SeenValues:
    """The values of the series that a table of metrics can show, without the rows that lack them."""

    reads_state: ClassVar[bool] = False

    def __init__(self, _: Run) -> None:
        self._columns: dict[Series, array[float]] = {}
        self._layout: Layout | None = None
        self._waiting: list[tuple[float, ...]] = []

    def note(self, record: Record, _: Analysis | None, /) -> None:
        """See a record that was folded."""
        if record.kind not in (RowKind.TRAIN, RowKind.EVAL):
            return
        if record.layout is not self._layout or len(self._waiting) >= BLOCK:
            self._settle()
            self._layout = record.layout
        self._waiting.append(record.values)

    def note_block(self, block: RecordBlock, _: Analysis | None, /) -> None:
        """See the records of a block."""
        self._settle()
        self._extend(block.layout, block.columns)

    def courses(self, run: Snapshot) -> Courses:
        """Those of the series that the table of the run shows."""
        self._settle()
        logged = {
            row.series: SCALED.get(row.series, row.series) for row in metric_rows(run, Lang.EN) if row.matters
        }
        return {
            shown: thinned(self._columns[source], LONGEST_COURSE)
            for shown, source in logged.items()
            if source in self._columns
        }

    def _settle(self) -> None:
        if self._layout is None or not self._waiting:
            return
        self._extend(self._layout, list(zip(*self._waiting, strict=True)))
        self._waiting.clear()

    def _extend(self, layout: Layout, columns: Sequence[Sequence[float]]) -> None:
        for recorded, values in zip(layout.series, columns, strict=True):
            if recorded.metric.group in JUDGED:
                # An array that is given numbers grows with each, and parses it as an argument.
                cells = struct.pack(f"{len(values)}d", *values)
                self._columns.setdefault(recorded, array("d")).frombytes(cells)
