"""Rank correlation."""

from __future__ import annotations

from collections.abc import Sequence


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's, from -1 to 1, of two rows of equal length; 0 where one of them does not change."""
    ours, theirs = _ranks(first), _ranks(second)
    middle = (len(first) - 1) / 2
    spread = sum((rank - middle) ** 2 for rank in ours) * sum((rank - middle) ** 2 for rank in theirs)
    together = sum((one - middle) * (other - middle) for one, other in zip(ours, theirs, strict=True))
    return together / spread**0.5 if spread > 0 else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """The place of each among all, from 0 on; equal ones share the mean of their places."""
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values)):
        places.setdefault(value, []).append(place)
    return [sum(places[value]) / len(places[value]) for value in values]
