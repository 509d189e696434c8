"""A run as a diagnosis sees it: its trouble, and the levels of its metrics before and in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import takewhile
from statistics import fmean

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge.evidence import When
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Courses, Episode, Incident, Point, RowKind, Series, Snapshot

NO_COURSES = Courses((), {})

_PARTS = ("mean", "chosen", "region_mean")


class Stretch:
    """Some points in a row: from which step, to which, and how high on average."""

    __slots__ = ("first", "last", "value")

    def __init__(self, points: Sequence[Point]) -> None:
        self.first, self.last = points[0].step, points[-1].step
        self.value = fmean(point.value for point in points)


class Case:
    """One run and what is asked of it. All levels are None where the run does not log the metric."""

    def __init__(self, run: Snapshot) -> None:
        self.run = run

    @cached_property
    def serious(self) -> Sequence[Episode]:
        """The episodes that speak against the run."""
        return [episode for episode in self.run.episodes if episode.severity is not Severity.INFO]

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
        """The step at which the trouble was over; None: it lasts, or there is none."""
        return None if self.incident is None else self.incident.recovery_step

    def series(self, metric: Metric, split: str = "train") -> list[Series]:
        """The series of a metric that were followed: its mean where it has parts, each reward function."""
        known = self._courses(split).values
        found = [key for key in known if key.metric is metric]
        if metric.label in ("", "function"):
            return found
        return [key for key in found if dict(key.labels).get(metric.label) in _PARTS]

    def longest_lengths(self) -> list[Series]:
        """The series of the longest completions, those that ended by themselves first."""
        known = self._courses("train").values
        lengths = {dict(key.labels)["stat"]: key for key in known if key.metric is c.COMPLETION_LENGTH}
        return [lengths[stat] for stat in ("max", "max_terminated", "mean") if stat in lengths]

    def points(self, key: Series) -> list[Point]:
        """The course of a series."""
        return self._courses(dict(key.labels).get("split", "train")).of(key)

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

    def _courses(self, split: str) -> Courses:
        return self.run.courses.get(RowKind.EVAL if split == "eval" else RowKind.TRAIN, NO_COURSES)


def smoothed(points: Sequence[Point]) -> list[Point]:
    """The means of neighbours, where there are enough of them that single outliers must not count."""
    width = max(1, min(3, len(points) // 12))
    return [
        Point(points[at].step, fmean(point.value for point in points[at : at + width]))
        for at in range(len(points) - width + 1)
    ]


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
        best = highest(smoothed(points)).step
        return [point for point in points if point.step >= best][:1]
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


def always(points: Sequence[Point], low: float, high: float) -> bool:
    """Whether all points but for outliers lie between two values."""
    outside = sum(not low <= point.value <= high for point in points)
    return bool(points) and outside <= math.floor(limits.OUTLIERS * len(points))
