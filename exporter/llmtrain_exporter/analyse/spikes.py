"""Spikes in the sense of OLMo 2's spike score: records far outside of a metric's own recent values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.gradient import RELATIVE_SPREAD
from llmtrain_exporter.analyse.signals.rule import (
    ANY,
    GRAD_NORM,
    KL,
    LENGTH,
    LOSS,
    REWARD,
    UNLIMITED,
    Interval,
)
from llmtrain_exporter.knowledge.limits import SPIKE_SIGMAS
from llmtrain_exporter.model import Series


class Kind(NamedTuple):
    """How a metric's spikes are told. `floor`: from which size on they mean something, in its own unit."""

    name: str
    floor: float
    logarithmic: bool = True
    downwards: bool = False


KINDS: Mapping[Series, Kind] = {
    LOSS: Kind("loss", 0.1, logarithmic=False),
    GRAD_NORM: Kind("grad_norm", 0.1),
    KL: Kind("kl", 0.1),
    LENGTH: Kind("completion_length_tokens", 1.0),
    REWARD: Kind("reward", 0.05, logarithmic=False, downwards=True),
}


def score(one: Series, value: float, level: Level) -> float:
    """Robust z of a value, of its logarithm where the metric is positive and heavy-tailed."""
    kind = KINDS[one]
    if kind.logarithmic:
        return level.log_score(value, RELATIVE_SPREAD)
    return level.score(value, _spread(kind, level))


def calm(one: Series, level: Level | None) -> Interval:
    """The values that are no spikes, given the level of those before."""
    kind = KINDS.get(one)
    if kind is None or level is None:
        return ANY
    sigmas = SPIKE_SIGMAS * level.caution
    if kind.logarithmic:
        reach = level.median * math.expm1(min(sigmas * level.log_sigma(RELATIVE_SPREAD), 50.0))
    else:
        reach = sigmas * level.sigma(_spread(kind, level))
    reach = max(reach, kind.floor)
    return (level.median - reach, UNLIMITED) if kind.downwards else (-UNLIMITED, level.median + reach)


def is_spike(one: Series, value: float, level: Level) -> bool:
    """Whether a value is far out on the bad side, by a size that means something."""
    low, high = calm(one, level)
    return not low <= value <= high


def _spread(kind: Kind, level: Level) -> float:
    return max(RELATIVE_SPREAD * abs(level.median), kind.floor / 100)
