"""A run as a diagnosis sees it: its trouble, and the levels of its metrics before and in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise, takewhile

from llmtrain_exporter.analyse.averages import median_low
from llmtrain_exporter.analyse.guarded import stopped_at
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge.evidence import When
from llmtrain_exporter.knowledge.meaning import number
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Measure, Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import (
    Courses,
    Episode,
    Incident,
    Point,
    Proof,
    RowKind,
    Series,
    Snapshot,
    State,
    series,
)

SILENT_SINCE = series(c.LAST_RECORD)
"""What tells how long a run has been silent: the Unix time of its last record."""

NO_COURSES = Courses((), 0, (), ())

_PARTS = ("mean", "chosen", "region_mean")


class Stretch:
    """Some points in a row: from which step, to which, and the one of them that is as high as the median."""

    __slots__ = ("first", "last", "step", "value")

    def __init__(self, points: Sequence[Point]) -> None:
        self.first, self.last = points[0].step, points[-1].step
        self.step, self.value = typical(points)


class Case:
    """One run and what is asked of it. All levels are None where the run does not log the metric."""

    def __init__(self, run: Snapshot) -> None:
        self.run = run

    @cached_property
    def silent(self) -> bool:
        """Whether no record comes any more, and nobody knows why: its guard has not stopped the run."""
        return self.run.state is State.STALLED and stopped_at(self.run) is None

    @cached_property
    def serious(self) -> Sequence[Episode]:
        """The episodes that speak against the run."""
        return [episode for episode in self.run.episodes if episode.severity is not Severity.INFO]

    @cached_property
    def informing(self) -> Sequence[Episode]:
        """The episodes that say something of the run and nothing against it."""
        return [episode for episode in self.run.episodes if episode.severity is Severity.INFO]

    @cached_property
    def troubling(self) -> Sequence[Episode]:
        """Those of the incident to explain, or all; what was over before it explains nothing."""
        if self.incident is None:
            return self.serious
        since, until = self.onset or 0, self.recovered
        lasting = [episode for episode in self.serious if episode.active or episode.last_step >= since]
        return [episode for episode in lasting if until is None or episode.first_step <= until]

    @cached_property
    def incident(self) -> Incident | None:
        """The incident to explain: the one that lasts, else the last collapse, else the last one."""
        incidents = self.run.incidents
        lasting = [incident for incident in incidents if incident.active]
        collapses = [incident for incident in incidents if incident.collapse]
        return next(iter((*lasting[-1:], *collapses[-1:], *incidents[-1:])), None)

    @cached_property
    def onset(self) -> int | None:
        """The step at which the trouble began."""
        if self.incident is not None:
            return min((self.incident.onset_step, *self._begun_before(self.incident)))
        episodes = self.run.episodes
        worst = max((episode.severity.rank for episode in episodes), default=None)
        return min((e.first_step for e in episodes if e.severity.rank == worst), default=None)

    def _begun_before(self, incident: Incident) -> Iterable[int]:
        """Where what is critical in an incident began, if that was before it."""
        critical = (episode for episode in self.serious if episode.severity is Severity.CRITICAL)
        return (
            episode.first_step
            for episode in critical
            if episode.first_step < incident.onset_step <= episode.last_step
            and episode.signal in incident.signals
        )

    @cached_property
    def recovered(self) -> int | None:
        """The step at which the trouble was over; None: it lasted, or there is none."""
        return None if self.incident is None or self.went_back else self.incident.recovery_step

    @cached_property
    def went_back(self) -> bool:
        """Whether the trouble ended because a checkpoint from before it was loaded again."""
        incident = self.incident
        if incident is None or incident.recovery_step is None:
            return False
        return incident.recovery_step < incident.onset_step

    def series(self, metric: Metric, split: str = "train") -> list[Series]:
        """The series of a metric that were followed: its mean where it has parts, each reward function."""
        known = self._courses(split).series
        found = [key for key in known if key.metric is metric]
        if metric.label in ("", "function"):
            return found
        return [key for key in found if dict(key.labels).get(metric.label) in _PARTS]

    def longest_lengths(self) -> list[Series]:
        """The series of the longest completions, those that ended by themselves first."""
        known = self._courses("train").series
        lengths = {dict(key.labels)["stat"]: key for key in known if key.metric is c.COMPLETION_LENGTH}
        return [lengths[stat] for stat in ("max", "max_terminated", "mean") if stat in lengths]

    def points(self, key: Series) -> list[Point]:
        """The course of a series, up to where the run went back: what came then was no longer the trouble."""
        points = self.whole(key)
        if not self.went_back or self.onset is None:
            return points
        return points[: _end_of_row(points, self.onset)]

    def whole(self, key: Series) -> list[Point]:
        """The course of a series to the end of the log."""
        return self._courses(dict(key.labels).get("split", "train")).of(key)

    def highest_healthy(self, metric: Metric) -> float:
        """The most that a metric is in healthy runs of this kind; infinite where nothing says."""
        healthy = MEANINGS[metric].healthy.get(self.run.base)
        high = None if healthy is None else number(healthy.high, self.run.limits)
        return math.inf if high is None else high

    def stretch(self, key: Series, when: When) -> Stretch | None:
        """How high a series was in a stretch of the run; None where it has no value there."""
        points = _chosen(self.points(key), when, self.onset, self.recovered)
        return Stretch(points) if points else None

    def trouble(self, key: Series) -> list[Point]:
        """The points from the onset until the run has recovered; all behind the start where there is none."""
        points = self.points(key)
        if self.onset is None:
            return points[_ends(points) :]
        behind = points[_before(points, self.onset) :]
        if self.recovered is None:
            return behind
        over = self.recovered
        return list(takewhile(lambda point: point.step <= over, behind)) or behind[:1]

    def worst(self, key: Series, rises: bool) -> Point:
        """The highest record of a series in its trouble, or the lowest; those that signals name go along."""
        told = (
            Point(episode.peak_step, episode.peak)
            for episode in self.serious
            if episode.metric == key and _tells_a_value(episode) and self._is_in_trouble(episode.peak_step)
        )
        found = [*self.trouble(key), *(point for point in told if math.isfinite(point.value))]
        return highest(found) if rises else lowest(found)

    def usual(self, episode: Episode) -> Point | None:
        """The record before an episode that shows best where its series lay; None where nothing tells.

        What an evaluation is held against is another metric, so that says nothing of the series itself.
        """
        level = episode.baseline
        if level is None or dict(episode.metric.labels).get("split") == "eval":
            return None
        before = [point for point in self.points(episode.metric) if point.step < episode.first_step]
        latest = [point for point in before if abs(point.value - level) <= limits.USUAL * abs(level)]
        return latest[-1] if latest else min(before, key=lambda point: abs(point.value - level), default=None)

    def _is_in_trouble(self, step: int) -> bool:
        since = -math.inf if self.onset is None else self.onset
        return since <= step <= (math.inf if self.recovered is None else self.recovered)

    def _courses(self, split: str) -> Courses:
        return self.run.courses.get(RowKind.EVAL if split == "eval" else RowKind.TRAIN, NO_COURSES)


def _tells_a_value(episode: Episode) -> bool:
    """Whether its worst is a value of its metric; of what is there or not it may be a count."""
    return SIGNALS[episode.signal].measure is not Measure.TRUTH


def silent_since(case: Case) -> Sequence[Proof]:
    """When the last record was written, as far as that is known."""
    run = case.run
    silent = [] if run.last_record is None else [run.last_record]
    return [Proof(SILENT_SINCE, run.last_step, run.last_step, None, at) for at in silent]


def as_logged(value: float) -> float:
    """A value of a course, which is a 32-bit float, with the digits that the log had."""
    return float(f"{value:.7g}")


def typical(points: Sequence[Point]) -> Point:
    """The point that is as high as the median: a record that was logged, unlike a mean."""
    middle = median_low(point.value for point in points)
    return next(point for point in points if point.value == middle)


def smoothed(points: Sequence[Point]) -> list[Point]:
    """Of neighbours the one in the middle, where there are enough that single outliers must not count."""
    if len(points) < limits.SMOOTHED:
        return list(points)
    return [typical(points[at : at + 3]) for at in range(len(points) - 2)]


def highest(points: Iterable[Point]) -> Point:
    """The point with the largest value."""
    return max(points, key=lambda point: point.value)


def lowest(points: Iterable[Point]) -> Point:
    """The point with the smallest value."""
    return min(points, key=lambda point: point.value)


def _chosen(points: Sequence[Point], when: When, onset: int | None, recovered: int | None) -> Sequence[Point]:
    if not points:
        return ()
    ends = _ends(points)
    if when is When.START:
        return points[:ends]
    if when is When.END:
        over = points if recovered is None else [point for point in points if point.step <= recovered]
        return (over or points)[-ends:]
    if when is When.BEST:
        return [highest(points)]
    if when is When.BEFORE:
        at = 0 if onset is None else _before(points, onset)
        return points[max(0, at - limits.BEFORE) : at] or points[:ends]
    return points


def _ends(points: Sequence[Point]) -> int:
    return max(1, min(limits.ENDS_MOST, len(points) // limits.ENDS))


def _before(points: Sequence[Point], onset: int) -> int:
    """How many points lie before the onset; after a resume the last row of steps counts."""
    found = [at for at in range(1, len(points)) if points[at - 1].step < onset <= points[at].step]
    if found:
        return found[-1]
    return 0 if points and points[0].step >= onset else len(points)


def _end_of_row(points: Sequence[Point], step: int) -> int:
    """How many points there are until steps go back, once they are past `step`."""
    pairs = enumerate(pairwise(points), 1)
    return next((at for at, (one, later) in pairs if later.step < one.step >= step), len(points))


def always(points: Sequence[Point], low: float, high: float) -> bool:
    """Whether all points but for outliers lie between two values."""
    outside = sum(not low <= point.value <= high for point in points)
    return bool(points) and outside <= math.floor(limits.OUTLIERS * len(points))


def until(end: Stretch, points: Sequence[Point]) -> Sequence[Point]:
    """What comes after a stretch is not what was before it."""
    return [point for point in points if point.step <= end.last]


def end_value(points: Sequence[Point]) -> float:
    """Where a series lies at its end."""
    return typical(points[-limits.ENDS_MOST :]).value
