"""Means, medians and deviations, as `statistics` has them, which takes longer to load than all rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import fsum, sqrt


def mean(values: Collection[float]) -> float:
    """Of at least one value."""
    return fsum(values) / len(values)


def median(values: Iterable[float]) -> float:
    """Of at least one value; between the two in the middle where there are two."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def median_low(values: Iterable[float]) -> float:
    """The same, but one of them: the lower of the two in the middle."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def deviation(values: Collection[float]) -> float:
    """Standard deviation of the distribution that at least two values were drawn from."""
    middle = mean(values)
    return sqrt(fsum((value - middle) ** 2 for value in values) / (len(values) - 1))
