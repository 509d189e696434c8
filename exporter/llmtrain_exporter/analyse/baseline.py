"""A run's own normal: robust, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from llmtrain_exporter.knowledge.own_level import MATURE, YOUNG, YOUNG_CAUTION

UNLIMITED = 3.0e38
"""Almost the largest 32-bit float: a bound that only infinities and what cannot be kept do not meet."""

SIGMA = 0.7413
"""Standard deviation of a normal distribution over its interquartile range."""

STEP = 0.954
"""Median of how far a normal distribution's values are from the one before, in standard deviations."""

_TINY = 1e-12
_MOST_EXPONENT = 50.0


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
    known = sorted(present(values))
    count = len(known)
    if count < YOUNG:
        return None
    return Level(count, known[count // 4], known[count // 2], known[3 * count // 4], known[9 * count // 10])


def present(values: list[float]) -> list[float]:
    """Without those that are absent, for which NaN stands."""
    return [value for value in values if value == value] if math.isnan(sum(values)) else values
