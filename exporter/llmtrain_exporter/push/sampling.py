"""What each record of a run becomes: the gauges that a scrape right after it would have shown of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from llmtrain_exporter.analyse import run_series
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Layout, Record, RowKind, Series, series
from llmtrain_exporter.push.chosen import ChosenMetrics

LAYOUTS_KEPT = 64
"""Layouts remembered at once; a run has three or four, a broken log thousands."""

STEP = series(c.STEP)
_JUDGED = (RowKind.TRAIN, RowKind.EVAL)


class Sampled(NamedTuple):
    """What a record says, and when. `values`: empty where it says nothing but how far the run is.

    `number`: among those of its log, from 1. `arrived`: Unix time at which it was written, as well as one
    can know; `elapsed`: seconds by the trainer's own clock, NaN where the record does not have it.
    """

    number: int
    arrived: float
    elapsed: float
    values: Mapping[Series, float]


class Sampler:
    """The observer that samples the records of a run. For one thread at a time."""

    def __init__(self, run: Run, chosen: ChosenMetrics) -> None:
        self._run = run
        self._chosen = chosen
        self._left_out: dict[Layout, list[Series]] = {}
        self.number = 0  # records seen
        self._sampled: list[Sampled] = []

    def count(self, _: Record, __: Analysis | None, /) -> None:
        """Count a record that is not to be sampled."""
        self.number += 1

    def note(self, record: Record, analysis: Analysis | None, /) -> None:
        """Sample a record that was folded."""
        self.number += 1
        arrived = self._run.arrived or 0.0
        elapsed = record.get(c.ELAPSED)
        values = self._values(record, analysis)
        self._sampled.append(Sampled(self.number, arrived, math.nan if elapsed is None else elapsed, values))

    def take(self) -> list[Sampled]:
        """The records that were sampled since the last call."""
        taken, self._sampled = self._sampled, []
        return taken

    def _values(self, record: Record, analysis: Analysis | None) -> Mapping[Series, float]:
        if not record.values:
            return {}
        logged = dict(zip(record.layout.series, record.values, strict=True))
        values = self._taken(record.layout, logged)
        values.update(self._wanted(_plain(self._run.ratios(logged))))
        if record.kind is RowKind.EVAL:
            values.update(self._wanted(_plain(self._run.evaluations.values())))
        if analysis is not None and record.kind in _JUDGED:
            values.update(self._wanted(_judged(record, analysis)))
        if values and self._run.last_step is not None:
            values[STEP] = float(self._run.last_step)
        return values

    def _taken(self, layout: Layout, logged: Mapping[Series, float]) -> dict[Series, float]:
        if layout not in self._left_out:
            if len(self._left_out) >= LAYOUTS_KEPT:
                self._left_out.clear()
            self._left_out[layout] = [key for key in layout.series if not self._takes(key)]
        values = dict(logged)
        for key in self._left_out[layout]:
            values.pop(key, None)
        return values

    def _takes(self, key: Series) -> bool:
        """Whether a series is wanted, and none of those of which the run has too many."""
        return key.metric in self._chosen and self._run.keeps(key)

    def _wanted(self, found: Iterable[tuple[Series, float]]) -> Iterator[tuple[Series, float]]:
        return (sample for sample in found if sample[0].metric in self._chosen)


def _judged(record: Record, analysis: Analysis) -> Iterator[tuple[Series, float]]:
    if record.kind is RowKind.TRAIN:
        yield from run_series.spike_gauges(analysis)
    yield from run_series.flags(analysis)


def _plain(found: Iterable[tuple[Metric, float]]) -> Iterator[tuple[Series, float]]:
    return ((_series(metric), value) for metric, value in found)


@cache
def _series(metric: Metric) -> Series:
    return series(metric)
