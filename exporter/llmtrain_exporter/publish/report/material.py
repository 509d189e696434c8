"""What a report needs of a run's history, so that the history itself can go."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.draw.chart import Marks
from llmtrain_exporter.draw.from_history import Object, marks
from llmtrain_exporter.model import Diagnosis, Episode, Series, Snapshot
from llmtrain_exporter.story.ranges import band_of
from llmtrain_exporter.story.run_object import run_object
from llmtrain_exporter.watching.history.columns import History, RecordTable
from llmtrain_exporter.watching.history.document import history_object

POINTS = 700
"""Rows of a chart in a report: about its width on paper, in dots."""

NEIGHBOURS = 10
"""Values that say what was before, and after."""


@dataclass(frozen=True, slots=True)
class Stats:
    """The values of a series in the records that were not taken again, in its own unit; finite ones alone.

    `usual`: 10th and 90th percentile. `began`, `ended`: medians of the first and the last tenth of the
    records. `outside`: records outside of the healthy range.
    """

    records: int
    low: float
    low_step: int
    median: float
    high: float
    high_step: int
    usual: tuple[float, float]
    began: float
    ended: float
    outside: int


@dataclass(frozen=True, slots=True)
class Excursion:
    """A signal that came up: values before, at and after, None where nobody knows; `share` of the run."""

    episode: Episode
    before: float | None
    after: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Material:
    """A run, and what its values say. `drawn`: the thinned history, as it is served."""

    run: Snapshot
    found: Diagnosis
    drawn: Object
    marks: Marks
    stats: Mapping[Series, Stats]
    excursions: tuple[Excursion, ...]
    odd: Mapping[Series, int]  # records that say NaN or infinity
    spikes: Mapping[Series, int]
    superseded: int
    seconds: float | None  # on the trainer's clock


def material(history: History) -> Material:
    """Look through the history of a run."""
    run, train = history.run, history.train
    times, found = train.times, diagnose(run)
    return Material(
        run=run,
        found=found,
        drawn=history_object(history, POINTS),
        marks=marks(run_object(run, found)),
        stats={**_stats(history.evaluations, run), **_stats(train, run)},  # clocks are in both
        excursions=tuple(_excursions(history)),
        odd={
            series: len(rows)
            for table in (train, history.evaluations)
            for series, rows in table.non_finite.items()
        },
        spikes={series: len(rows) for series, rows in history.spikes.items()},
        superseded=sum(train.superseded) + sum(history.evaluations.superseded),
        seconds=times[-1] - times[0] if times else None,
    )


def share(step: int, run: Snapshot) -> float | None:
    """How far a run is at a step."""
    whole = run.max_steps or run.last_step
    return step / whole if whole else None


def _stats(table: RecordTable, run: Snapshot) -> dict[Series, Stats]:
    import numpy
    import pandas

    live = numpy.frombuffer(table.superseded, dtype=numpy.uint8) == 0
    steps = numpy.array(table.steps)[live]
    found = {}
    with numpy.errstate(over="ignore", invalid="ignore"):  # of what no float can hold
        for series, column in table.columns.items():
            values = pandas.Series(numpy.array(column)[live], index=steps)
            values = values[numpy.isfinite(values)]
            if len(values):
                found[series] = _described(values, band_of(series, run))
    return found


def _described(values: Any, band: tuple[float | None, float | None]) -> Stats:
    """What a pandas Series over steps holds, which is not empty."""
    low, high = band
    usual = values.quantile([0.1, 0.5, 0.9])
    outside = (values < low if low is not None else values != values) | (
        values > high if high is not None else values != values
    )
    return Stats(
        records=len(values),
        low=float(values.min()),
        low_step=int(values.index[int(values.argmin())]),
        median=float(usual[0.5]),
        high=float(values.max()),
        high_step=int(values.index[int(values.argmax())]),
        usual=(float(usual[0.1]), float(usual[0.9])),
        began=float(values.iloc[: math.ceil(len(values) / 10)].median()),
        ended=float(values.iloc[-math.ceil(len(values) / 10) :].median()),
        outside=int(outside.sum()),
    )


def _excursions(history: History) -> list[Excursion]:
    run = history.run
    episodes = run.episodes
    wanted = {step for episode in episodes for step in (episode.first_step, episode.last_step)}
    rows: dict[int, list[int]] = {}
    for row, step in enumerate(history.train.steps):
        if step in wanted:
            rows.setdefault(step, []).append(row)
    return [_excursion(episode, history, rows) for episode in episodes]


def _excursion(episode: Episode, history: History, rows: Mapping[int, Sequence[int]]) -> Excursion:
    column = history.train.columns.get(episode.metric)
    before, after = episode.baseline, None
    begin = rows.get(episode.first_step, ())
    if column is not None and begin:
        if before is None:
            before = _middle(column[max(begin[0] - NEIGHBOURS, 0) : begin[0]])
        ends = rows.get(episode.last_step, ())
        end = ends[min(bisect_right(ends, begin[0]), len(ends) - 1)] if ends else begin[0]
        after = None if episode.active else _middle(column[end + 1 : end + 1 + NEIGHBOURS])
    return Excursion(episode, before, after, share(episode.first_step, history.run))


def _middle(values: Sequence[float]) -> float | None:
    known = [value for value in values if math.isfinite(value)]
    return median(known) if known else None
