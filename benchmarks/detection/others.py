"""What others do, on the same records: OLMo 2's spike score, ZClip's z, and three standard deviations."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.detection.simulation import Row

WATCHED = ("loss", "grad_norm", "kl", "length", "reward")


def olmo(values: Sequence[float], window: int = 1000, sigmas: float = 7.0) -> set[int]:
    """Records at least 7 standard deviations from the rolling mean of the last 1,000 (arXiv 2501.00656)."""
    return _rolling(values, window, sigmas, fewest=64)


def three_sigma(values: Sequence[float]) -> set[int]:
    """Records three standard deviations from the mean of the last 100."""
    return _rolling(values, 100, 3.0, fewest=20)


def zclip(values: Sequence[float], alpha: float = 0.97, limit: float = 2.5, warm_up: int = 25) -> set[int]:
    """Records with a z above 2.5 by moving averages; these take the clipped value (arXiv 2504.02507)."""
    first = values[:warm_up]
    if len(first) < warm_up:
        return set()
    mean = sum(first) / warm_up
    variance = sum((value - mean) ** 2 for value in first) / warm_up
    found = set()
    for at in range(warm_up, len(values)):
        deviation = math.sqrt(variance) + 1e-12
        value, score = values[at], (values[at] - mean) / deviation
        if score > limit:
            found.add(at)
            value = mean + limit * deviation * limit / score
        mean = alpha * mean + (1 - alpha) * value
        variance = alpha * variance + (1 - alpha) * (value - mean) ** 2
    return found


def _rolling(values: Sequence[float], window: int, sigmas: float, fewest: int) -> set[int]:
    kept: deque[float] = deque(maxlen=window)
    total = squares = 0.0
    found = set()
    for at, value in enumerate(values):
        if len(kept) >= fewest:
            mean = total / len(kept)
            deviation = math.sqrt(max(squares / len(kept) - mean * mean, 0.0))
            if deviation > 0 and abs(value - mean) >= sigmas * deviation:
                found.add(at)
        if len(kept) == window:
            total, squares = total - kept[0], squares - kept[0] ** 2
        kept.append(value)
        total, squares = total + value, squares + value * value
    return found


Rule = Callable[[Sequence[float]], set[int]]
"""The records of one metric that are far off."""

Detector = Callable[[Sequence[Row]], list[int]]
"""The records of a run at which it would alarm."""


def _on(names: Iterable[str], rule: Rule) -> Detector:
    def alarms(rows: Sequence[Row]) -> list[int]:
        found: set[int] = set()
        for name in names:
            if all(name in row for row in rows):
                found |= rule([row[name] for row in rows])
        return sorted(found)

    return alarms


DETECTORS: Mapping[str, Detector] = {
    "OLMo 2 spike score, loss and gradient": _on(("loss", "grad_norm"), olmo),
    "ZClip z, gradient": _on(("grad_norm",), zclip),
    "3 sigma, five metrics": _on(WATCHED, three_sigma),
}
"""By name: the records of a run at which it would alarm."""
