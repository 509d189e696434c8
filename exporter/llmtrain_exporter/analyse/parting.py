"""Where two runs part: the first step from which a metric differs by more than its noise.

Both runs are looked at in the steps that both have logged; d is the difference of a metric at such a step, or
of its logarithms where it is above 0 in all of them: what is small varies little.
They part where the median of the next n differences, n being 16, 64 or 256, is more than `ERRORS` of its
standard errors away from 0, and more than a thousandth of the metric's own level, which is arithmetic. A
lasting difference is so found though it is smaller than the noise of single steps, and a spike is none.

The standard error of a median of n values is 1.25 * s * sqrt(t / n). s: how far d had wandered in up to
`BEFORE` steps before (the median distance from its median), or how much it jumps in the window (the median
jump, over the square root of 2), whichever is more; both scaled to a standard deviation. t: over how many
steps d is alike, (1 + r) / (1 - r) as of a first order autoregressive process, whose r follows from how
much d had jumped and wandered before. In the first steps the window stands for what was before, and t is 16
at least.

The step is where the change is most likely, in the window or in the steps right before it: where the sum of
all differences from there on, each less half of what it comes to in the end, is largest (CUSUM).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf, isfinite, log, sqrt
from operator import sub

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.knowledge.parting import ARITHMETIC, DEVIATION, ERROR_OF_A_MEDIAN, ERRORS
from llmtrain_exporter.model import Series

WINDOWS = (16, 64, 256)

BEFORE = 256

FEWEST = 32
"""Steps that both runs must have logged."""

MOST = 20_000
"""Of more common steps so many are looked at, all as far apart."""

_STRIDE = WINDOWS[0]

Course = tuple[Sequence[int], Sequence[float]]
"""The steps of a run, which rise, and the values of a metric at them."""


Row = tuple[int, float, float]
"""A step that both have, and their values there."""


@dataclass(frozen=True, slots=True)
class Parting:
    """Where a metric of one run left another one's: the step, and what it comes to in both from there on."""

    step: int
    one: float
    other: float


def partings(
    one: Mapping[Series, Course], other: Mapping[Series, Course]
) -> Sequence[tuple[Series, Parting]]:
    """Where the metrics that both have part, the earliest first; at the same step in the order of `one`."""
    found = ((series, parting(one[series], other[series])) for series in one if series in other)
    return sorted(((series, at) for series, at in found if at), key=lambda each: each[1].step)


def parting(one: Course, other: Course) -> Parting | None:
    """Where a metric of two runs parts; None where it does not, or where they have too few common steps."""
    rows = list(_common(one, other))
    rows = rows[:: max(-(-len(rows) // MOST), 1)]
    if len(rows) < FEWEST:
        return None
    differences, levels = _differences(rows)
    for begin in range(0, len(rows) - _STRIDE + 1, _STRIDE):
        before = differences[max(begin - BEFORE, 0) : begin]
        known = _scatter(before) if len(before) >= BEFORE // 2 else None
        for end in (begin + length for length in WINDOWS if begin + length <= len(rows)):
            if _parts(differences[begin:end], median(levels[begin:end]), known):
                first = max(begin - BEFORE // 2, 0)
                return _told(rows[first:end], differences[first:end], end - begin)
    return None


def _common(one: Course, other: Course) -> Iterator[Row]:
    there = dict(zip(*other, strict=True))
    for step, value in zip(*one, strict=True):
        known = there.get(step)
        if known is not None and isfinite(known) and isfinite(value):
            yield step, value, known


def _differences(rows: Sequence[Row]) -> tuple[Sequence[float], Sequence[float]]:
    """How much the metric differs at each step, and what a thousandth of it is a thousandth of."""
    if all(here > 0 and there > 0 for _, here, there in rows):
        return [log(there) - log(here) for _, here, there in rows], [1.0] * len(rows)
    return [there - here for _, here, there in rows], [max(abs(here), abs(there)) for _, here, there in rows]


def _parts(window: Sequence[float], level: float, known: tuple[float, float] | None) -> bool:
    """`known`: the scatter of the differences before, None where there are too few to know it."""
    away = abs(median(window))
    if away <= ARITHMETIC * level:
        return False
    here = _scatter(window)
    wander, jumps = known or here
    apart = min(jumps / wander, 1.0) ** 2 if wander else 1.0  # 1 - r
    alike = max((2 - apart) / apart if apart else inf, 1 if known else _STRIDE)
    spread = max(wander, here[1])
    return spread == 0 or away > ERRORS * ERROR_OF_A_MEDIAN * spread * sqrt(alike / len(window))


def _scatter(differences: Sequence[float]) -> tuple[float, float]:
    """How far they wander, how far they jump."""
    return _wander(differences), _jumps(differences)


def _wander(differences: Sequence[float]) -> float:
    middle = median(differences)
    return DEVIATION * median(abs(value - middle) for value in differences)


def _jumps(differences: Sequence[float]) -> float:
    jumps = map(abs, map(sub, differences[1:], differences))
    return DEVIATION * median(jumps) / sqrt(2)


def _told(rows: Sequence[Row], differences: Sequence[float], length: int) -> Parting:
    """The most likely step of the change among these rows. `length`: of the window that they end with."""
    away = median(differences[-length // 2 :])
    beyond = (min(max(value / away, -1.0), 2.0) - 0.5 for value in reversed(differences))
    sums = list(accumulate(beyond))
    rest = rows[len(rows) - 1 - sums.index(max(sums)) :]
    one, other = median(here for _, here, _ in rest), median(there for *_, there in rest)
    return Parting(rest[0][0], one, other)
