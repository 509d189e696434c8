"""A run's own normal: robust, in bounded memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from llmtrain_exporter.knowledge.own_level import MATURE, WINDOW, YOUNG, YOUNG_CAUTION

UNLIMITED = 3.0e38
"""Almost the largest 32-bit float: a bound that only infinities and what cannot be kept do not meet."""

SIGMA = 0.7413
"""Standard deviation of a normal distribution over its interquartile range."""

STEP = 0.954
"""Median of how far a normal distribution's values are from the one before, in standard deviations."""

_TINY = 1e-12
_MOST_EXPONENT = 50.0
_ABSENT = math.nan


class Level(NamedTuple):
    """Where a metric's last values lay: quartiles, and the 90th percentile. `values`: how many there were."""

    values: int
    low: float
    median: float
    high: float
    top: float

    @property
    def young(self) -> bool:
        """Whether it rests on few values."""
        return self.values < MATURE

    @property
    def caution(self) -> int:
        """By how much limits are widened."""
        return YOUNG_CAUTION if self.values < MATURE else 1

    @property
    def deviation(self) -> float:
        """Half of the interquartile range, which is the median absolute deviation of a symmetrical sample."""
        return (self.high - self.low) / 2

    def sigma(self, floor: float) -> float:
        """Robust standard deviation, at least `floor`."""
        return max(SIGMA * (self.high - self.low), floor)

    def log_sigma(self, floor: float) -> float:
        """The same of the logarithms, for positive metrics with heavy tails."""
        return max(SIGMA * math.log(max(self.high, _TINY) / max(self.low, _TINY)), floor)

    def exponent(self, sigmas: float, floor: float) -> float:
        """The power of e by which a value that far above the median is more; no more than a float holds."""
        return min(sigmas * self.log_sigma(floor), _MOST_EXPONENT)

    def score(self, value: float, floor: float) -> float:
        """Robust z."""
        return (value - self.median) / self.sigma(floor)

    def log_score(self, value: float, floor: float) -> float:
        """Robust z of the logarithm."""
        return math.log(max(value, _TINY) / max(self.median, _TINY)) / self.log_sigma(floor)


def top_of(values: Sequence[float]) -> float:
    """The 90th percentile."""
    return sorted(values)[9 * len(values) // 10]


def level_of(values: list[float]) -> Level | None:
    """The level of some values, NaN standing for absent ones; None where they are too few."""
    known = sorted(_known(values))
    count = len(known)
    if count < YOUNG:
        return None
    return Level(count, known[count // 4], known[count // 2], known[3 * count // 4], known[9 * count // 10])


def _known(values: list[float]) -> list[float]:
    """Without the absent ones."""
    return [value for value in values if value == value] if math.isnan(sum(values)) else values


class Ring:
    """The last WINDOW rows of some columns, as 32-bit floats, NaN where a row lacks one."""

    __slots__ = ("at", "cells", "filled", "width")

    def __init__(self, width: int) -> None:
        self.width = width  # columns
        self.at = 0  # index of the cell that is written next
        self.filled = 0  # rows
        self.cells = array("f", [_ABSENT]) * (width * WINDOW)

    def put(self, row: Sequence[float]) -> None:
        """Add a row, which takes the place of the oldest."""
        self.cells[self.at : self.at + self.width] = array("f", row)
        self.advance()

    def advance(self) -> None:
        """The cells of a row have been written."""
        self.at = (self.at + self.width) % max(len(self.cells), 1)  # a run may log nothing that is watched
        self.filled = min(self.filled + 1, WINDOW)

    def column(self, index: int) -> list[float]:
        """The values of a column, in no particular order; NaN for what is absent."""
        return self.cells[index : self.filled * self.width : self.width].tolist()

    def recent(self, index: int, count: int) -> list[float]:
        """The last values of a column that were there, oldest first."""
        return _known(self._newest(index, count).tolist())

    def pairs(self, index: int, other: int, count: int) -> list[tuple[float, float]]:
        """The values of two columns in those of the last rows that have both, oldest first."""
        rows = zip(self._newest(index, count), self._newest(other, count), strict=True)
        return [(value, beside) for value, beside in rows if value == value and beside == beside]

    def mean(self, index: int, count: int) -> float:
        """The mean of its last values, NaN where one of them was not there."""
        since = self.at - count * self.width
        if since < 0:
            return sum(self._newest(index, count)) / count
        return sum(self.cells[since + index : self.at : self.width]) / count

    def _newest(self, index: int, count: int) -> array[float]:
        since = self.at - min(count, WINDOW) * self.width
        newest = self.cells[max(since, 0) + index : self.at : self.width]
        if since < 0:
            newest = self.cells[since + index :: self.width][: -since // self.width] + newest
        return newest

    def widened(self, width: int) -> Ring:
        """The same rows with more columns, which they lack."""
        wide = Ring(width)
        missing = [_ABSENT] * (width - self.width)
        for start in range(0, len(self.cells), self.width):
            at = start // self.width * width
            wide.cells[at : at + width] = self.cells[start : start + self.width] + array("f", missing)
        wide.at, wide.filled = self.at // self.width * width, self.filled
        return wide
