"""What says that it is the data that changed, and not the model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.analyse.diagnosis.case import Case, end_value, typical
from llmtrain_exporter.analyse.diagnosis.found import Found
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.signal import Family
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import Point, Proof

LOST_REWARD = ("reward_drop", "reward_function_drop")
RISEN_LOSS = ("loss_unstable", "loss_spike", "loss_diverged")
"""Signals of what steps to a worse level."""

BROKEN = frozenset((Family.KL, Family.GRADIENT, Family.LENGTH))
"""Where a model goes wrong, one of these does as well."""


def data_changed(case: Case) -> Found:
    """The loss or the reward steps to a worse level at once, is calm there, and nothing else breaks."""
    worse, sign = (LOST_REWARD, -1.0) if case.run.base in POLICIES else (RISEN_LOSS, 1.0)
    if any(_breaks(episode.signal) for episode in case.troubling if episode.signal not in worse):
        return None
    found = []
    for key in dict.fromkeys(episode.metric for episode in case.troubling if episode.signal in worse):
        points = case.points(key)
        at = _stepped(points, sign)
        if at is None:
            continue
        before, after = typical(_before(points, at)), typical(_behind(points, at))
        if not (_is_learnable(points, before, after, sign) and _stays_calm(points, at, sign)):
            return None
        found.append(Proof(key, before.step, after.step, before.value, after.value))
    return found or None


def _breaks(signal: str) -> bool:
    return SIGNALS[signal].family in BROKEN or signal == "non_finite"


def _stepped(points: Sequence[Point], sign: float) -> int | None:
    """The point at which a series gets worse at once by much more than its noise; None: it never does."""
    room = range(limits.STEPPED, len(points) - limits.STEPPED + 1)
    at = max(room, key=lambda place: sign * _height(points, place, limits.STEPPED_AT_ONCE), default=None)
    if at is None:
        return None
    height = sign * _height(points, at, limits.STEPPED)
    noise = max(_noise(_before(points, at)), _noise(_behind(points, at)))
    known = abs(typical(_before(points, at)).value)
    far = height >= max(limits.STEPPED_NOISE * noise, limits.STEPPED_LEAST * known, limits.NOTHING)
    at_once = sign * _height(points, at, limits.STEPPED_AT_ONCE) >= limits.STEPPED_SHARE * height
    return at if far and at_once else None


def _height(points: Sequence[Point], at: int, count: int) -> float:
    before, behind = points[at - count : at], points[at : at + count]
    return median(point.value for point in behind) - median(point.value for point in before)


def _before(points: Sequence[Point], at: int) -> Sequence[Point]:
    return points[at - limits.STEPPED : at]


def _behind(points: Sequence[Point], at: int) -> Sequence[Point]:
    return points[at : at + limits.STEPPED]


def _noise(points: Sequence[Point]) -> float:
    return median(abs(later.value - earlier.value) for earlier, later in pairwise(points))


def _is_learnable(points: Sequence[Point], before: Point, after: Point, sign: float) -> bool:
    """Whether new data explain the level: no loss above that of an untrained model, no reward of nothing."""
    if sign > 0:
        return after.value <= limits.STEPPED_UNTRAINED * typical(points[: limits.STEPPED_AT_ONCE]).value
    return before.value > 0 and after.value >= limits.STEPPED_EARNS * before.value


def _stays_calm(points: Sequence[Point], at: int, sign: float) -> bool:
    """Whether it gets no worse from there to the end."""
    after = typical(_behind(points, at)).value
    return sign * (end_value(points) - after) <= limits.STEPPED_CALM * abs(after)
