"""What each record of a run becomes: the gauges that a scrape right after it would have shown of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import ClassVar, NamedTuple

from llmtrain_exporter.analyse import run_series
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Layout, Record, RowKind, Series, series
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.clock_notes import seconds_of

LAYOUTS_KEPT = 64
"""Layouts remembered at once; a run has three or four, a broken log thousands."""

STEP, ELAPSED, RESUMES = series(c.STEP), series(c.ELAPSED), series(c.RESUMES)
_JUDGED = (RowKind.TRAIN, RowKind.EVAL)


class Sampled(NamedTuple):
    """What a record says, and when. `values`: empty where it says nothing but how far the run is.

    `number`: among those of its log, from 1. `arrived`: Unix time at which it was written, as well as one
    can know; `elapsed`: seconds by the trainer's own clock, NaN where the record does not have it.
    """

    number: int
    arrived: float
    elapsed: float
    values: dict[Series, float]


class Sampler:
    """The observer that samples the records of a run. For one thread at a time."""

    reads_state: ClassVar[bool] = True

    def __init__(self, run: Run, chosen: ChosenMetrics) -> None:
        self._run = run
        self._chosen = chosen
        self._left_out: dict[Layout, list[Series]] = {}
        self.number = 0  # records seen
        self._elapsed: float | None = None  # where the trainer's clock stood last
        self._sampled: list[Sampled] = []

    def choose(self, chosen: ChosenMetrics) -> None:
        """Sample these metrics from the next record on."""
        self._chosen = chosen
        self._left_out.clear()

    def count(self, record: Record, _: Analysis | None, /) -> None:
        """Count a record that is not to be sampled."""
        self.number += 1
        elapsed = record.get(c.ELAPSED)
        self._elapsed = self._elapsed if elapsed is None else elapsed

    def note(self, record: Record, analysis: Analysis | None, /) -> None:
        """Sample a record that was folded."""
        self.count(record, analysis)
        arrived, values = self._run.arrived or 0.0, self._values(record, analysis)
        self._sampled.append(Sampled(self.number, arrived, seconds_of(record), values))

    def take(self) -> list[Sampled]:
        """The records that were sampled since the last call."""
        taken, self._sampled = self._sampled, []
        return taken

    def _values(self, record: Record, analysis: Analysis | None) -> dict[Series, float]:
        if not record.values:
            return {}
        layout = record.layout
        values = dict(zip(layout.series, record.values, strict=True))
        concluded = list(self._concluded(record, values, analysis))
        for key in self._left_out_of(layout):
            values.pop(key, None)
        values.update(concluded if self._chosen.all else self._wanted(concluded))
        if values:
            values.update(self._place())
        return values

    def _place(self) -> Iterator[tuple[Series, float]]:
        """Where the run stands, by which records are drawn: whatever is left out, each of them has it."""
        yield RESUMES, float(len(self._run.position.resumes))
        if self._elapsed is not None:
            yield ELAPSED, self._elapsed
        if self._run.position.last_step is not None:
            yield STEP, float(self._run.position.last_step)

    def _concluded(
        self, record: Record, values: Mapping[Series, float], analysis: Analysis | None
    ) -> Iterator[tuple[Series, float]]:
        """What follows from a record and those before it."""
        kind = record.kind
        for metric, value in self._run.ratios(values):
            yield _series(metric), value
        if kind is RowKind.EVAL:
            for metric, value in self._run.evaluations.values():
                yield _series(metric), value
        if analysis is not None and kind in _JUDGED:
            if kind is RowKind.TRAIN:
                yield from run_series.spike_gauges(analysis)
            yield from run_series.flags(analysis)

    def _left_out_of(self, layout: Layout) -> Sequence[Series]:
        """The columns that are not wanted, and those of which the run has too many."""
        found = self._left_out.get(layout)
        if found is None:
            if len(self._left_out) >= LAYOUTS_KEPT:
                self._left_out.clear()
            found = [
                key for key in layout.series if not (key.metric in self._chosen and self._run.keeps(key))
            ]
            self._left_out[layout] = found
        return found

    def _wanted(self, found: Iterable[tuple[Series, float]]) -> Iterator[tuple[Series, float]]:
        return (sample for sample in found if sample[0].metric in self._chosen)


@cache
def _series(metric: Metric) -> Series:
    return series(metric)
