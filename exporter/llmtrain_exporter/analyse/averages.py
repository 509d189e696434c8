"""Means and medians. The library's `statistics` gives the same and takes longer to load than all rules."""

from __future__ import annotations

from collections.abc import Collection
from math import fsum


def mean(values: Collection[float]) -> float:
    """Of at least one value."""
    return fsum(values) / len(values)


def median(values: Collection[float]) -> float:
    """Of at least one value; between the two in the middle where there are two."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
