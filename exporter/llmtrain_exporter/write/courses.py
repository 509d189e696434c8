"""The course of a metric in a line of text: a bar for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"
FLAT = BARS[3]
NO_NUMBER = "x"


def course(values: Sequence[float]) -> str:
    """A character for each value, between the lowest and the highest of them; NaN and infinities are an x."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_bar(value, low, high) if math.isfinite(value) else NO_NUMBER for value in values)


def _bar(value: float, low: float, high: float) -> str:
    if low == high:
        return FLAT
    share = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves: the difference of two floats can be none
    return BARS[min(int(share * len(BARS)), len(BARS) - 1)]


def thinned(values: Sequence[float], most: int) -> Sequence[float]:
    """At most so many values instead of all: the means of as many stretches; NaN if one is no number."""
    if len(values) <= most:
        return values
    ends = [len(values) * part // most for part in range(most + 1)]
    return [sum(values[begin:end]) / (end - begin) for begin, end in pairwise(ends)]
