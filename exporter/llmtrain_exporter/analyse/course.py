"""How the metrics of a run went from its first record to its last, in bounded memory.

A course has a number of points, however long the run: first each record is one, and whenever there are as
many as are kept, neighbours are joined, so that from then on a point stands for twice as many records.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

from llmtrain_exporter.analyse.baseline import UNLIMITED
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.evidence_limits import COURSE_POINTS, COURSE_SERIES
from llmtrain_exporter.model import Courses, Layout, Series

GATHERED = 8
"""Rows that wait to be taken in together."""

PLANS_KEPT = 8
"""Layouts remembered; a run has two or three."""

FOLLOWED = frozenset(
    (
        *(c.LOSS, c.GRAD_NORM, c.LEARNING_RATE, c.KL, c.ENTROPY, c.TOKEN_ACCURACY),
        *(c.REWARD, c.REWARD_STD, c.REWARD_FUNCTION_MEAN, c.REWARD_ZERO_STD),
        *(c.COMPLETION_LENGTH, c.COMPLETION_CLIPPED),
        *(c.PREFERENCE_REWARD, c.PREFERENCE_MARGIN),
    )
)
"""Metrics whose courses a diagnosis can ask for."""

PARTS = frozenset(("", "mean", "max", "max_terminated", "chosen"))
"""Parts that are followed, of metrics with several; of reward functions each one is."""

FREE = frozenset(("function",))
"""Labels whose values are the run's own."""

PEAKS = frozenset(("max", "max_terminated"))
"""Parts of a metric of which a point holds the largest value, and not the mean."""

_NAN = math.nan


class _Column(NamedTuple):
    """A column of a layout that is followed."""

    at: int
    series: Series
    peak: bool


class CourseKeeper:
    """Takes the rows of one kind of record in, and keeps the courses of what is followed."""

    __slots__ = ("_columns", "_each", "_plans", "_point", "_rows", "_steps")

    def __init__(self) -> None:
        self._each = 1  # records of a point
        self._rows: list[tuple[int, Layout, tuple[float, ...]]] = []  # not yet taken in
        self._point = _Gathering()  # the point that is not complete
        self._steps = array("q")
        self._columns: dict[Series, array[float]] = {}
        self._plans: dict[Layout, tuple[_Column, ...]] = {}

    def put(self, step: int, layout: Layout, values: tuple[float, ...]) -> None:
        """Take a row in."""
        self._rows.append((step, layout, values))
        if len(self._rows) >= GATHERED:
            self._settle()

    def courses(self) -> Courses:
        """The courses so far; what is yet to come changes nothing in them."""
        self._settle()
        steps, columns = self._steps[:], {series: column[:] for series, column in self._columns.items()}
        if self._point.rows:
            _append(steps, columns, self._point)
        return Courses(steps, columns)

    def _settle(self) -> None:
        rows, self._rows = self._rows, []
        while rows:
            taken = rows[: self._each - self._point.rows]
            del rows[: len(taken)]
            for layout, alike in groupby(taken, itemgetter(1)):
                self._point.add(list(alike), self._followed(layout))
            if self._point.rows >= self._each:
                _append(self._steps, self._columns, self._point)
                self._point = _Gathering()
                if len(self._steps) >= COURSE_POINTS:
                    self._join()

    def _followed(self, layout: Layout) -> tuple[_Column, ...]:
        """The columns of a layout that are followed."""
        plan = self._plans.get(layout)
        if plan is None:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            wanted = (
                _Column(at, series, is_peak(series))
                for at, series in enumerate(layout.series)
                if _is_followed(series)
            )
            plan = self._plans[layout] = tuple(islice(wanted, COURSE_SERIES))
        return plan

    def _join(self) -> None:
        """Make one point of each two."""
        self._each *= 2
        self._steps = self._steps[::2]
        for series, column in self._columns.items():
            join = _larger if is_peak(series) else _mean
            self._columns[series] = array("f", map(join, column[::2], column[1::2]))


class _Gathering:
    """Records on the way to a point: of each series the sum or the largest value, and of how many."""

    __slots__ = ("rows", "step", "totals")

    def __init__(self) -> None:
        self.rows = 0
        self.step = 0  # of the first record
        self.totals: dict[Series, tuple[float, int]] = {}

    def add(
        self,
        rows: Sequence[tuple[int, Layout, tuple[float, ...]]],
        followed: Sequence[_Column],
    ) -> None:
        """Add rows of one layout, of which those columns are followed."""
        if not self.rows:
            self.step = rows[0][0]
        self.rows += len(rows)
        columns = list(zip(*(values for _, _, values in rows), strict=True))
        for at, series, peak in followed:
            column: Sequence[float] = columns[at]
            total = sum(column)
            if total - total != 0:  # NaN or an infinity among them
                column = [value for value in column if math.isfinite(value)]
                total = sum(column)
            if not column:
                continue
            known, count = self.totals.get(series, (0.0, 0))
            if peak:
                self.totals[series] = max(known, *column) if count else max(column), 1
            else:
                self.totals[series] = known + total, count + len(column)


def is_peak(series: Series) -> bool:
    """Whether a point of this series holds the largest value, and not the mean."""
    return _part(series) in PEAKS


def _is_followed(series: Series) -> bool:
    metric = series.metric
    return metric in FOLLOWED and (metric.label in FREE or _part(series) in PARTS)


def _part(series: Series) -> str:
    """Which part of its metric it is; empty where that has none."""
    return dict(series.labels).get(series.metric.label, "") if series.metric.label else ""


def _append(steps: array[int], columns: dict[Series, array[float]], point: _Gathering) -> None:
    """Add a point to all columns; what it lacks is NaN there."""
    for series in point.totals.keys() - columns.keys():
        columns[series] = array("f", [_NAN]) * len(steps)
    steps.append(point.step)
    for series, column in columns.items():
        total, count = point.totals.get(series, (_NAN, 1))
        value = total / count
        # Of what 32 bits cannot hold as much as they can.
        column.append(math.copysign(UNLIMITED, value) if abs(value) > UNLIMITED else value)


def _mean(first: float, second: float) -> float:
    """The mean of two points; of one where the other has no value."""
    if first != first:
        return second
    return first if second != second else (first + second) / 2


def _larger(first: float, second: float) -> float:
    return second if first != first or second > first else first
