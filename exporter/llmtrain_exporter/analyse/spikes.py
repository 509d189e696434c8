"""Spikes in the sense of OLMo 2's spike score: records far outside of a metric's own recent values."""

from __future__ import annotations

import math
from collections.abc import Mapping

from llmtrain_exporter.analyse.baseline import UNLIMITED, Level
from llmtrain_exporter.analyse.signals.rule import ANY, GRAD_NORM, KL, LENGTH, LOSS, REWARD, Interval
from llmtrain_exporter.knowledge.metric import PREFIX
from llmtrain_exporter.knowledge.own_level import FLOOR_SPREADS, RELATIVE_SPREAD, SPIKE_SIGMAS
from llmtrain_exporter.knowledge.spikes import SPIKES, SpikeMeasure
from llmtrain_exporter.model import Series

MEASURES: Mapping[Series, SpikeMeasure] = {
    watched: SPIKES[watched.metric] for watched in (LOSS, GRAD_NORM, KL, LENGTH, REWARD)
}
"""How the spikes of each series are told that has them."""

NAMES = {watched: watched.metric.name.removeprefix(PREFIX) for watched in MEASURES}
"""What the exposition calls them."""


def score(watched: Series, value: float, level: Level) -> float:
    """Robust z of a value, of its logarithm where the metric is positive and heavy-tailed."""
    measure = MEASURES[watched]
    if measure.logarithmic:
        return level.log_score(value, RELATIVE_SPREAD)
    return level.score(value, _spread(measure, level))


def ordinary(watched: Series, level: Level | None) -> Interval:
    """The values that are no spikes, given the level of those before."""
    measure = MEASURES.get(watched)
    if measure is None or level is None:
        return ANY
    sigmas = SPIKE_SIGMAS * level.caution
    if measure.logarithmic:
        reach = level.median * math.expm1(level.exponent(sigmas, RELATIVE_SPREAD))
    else:
        reach = sigmas * level.sigma(_spread(measure, level))
    reach = max(reach, measure.floor)
    return (level.median - reach, UNLIMITED) if measure.downwards else (-UNLIMITED, level.median + reach)


def is_spike(watched: Series, value: float, level: Level) -> bool:
    """Whether a value is far out on the bad side, by a size that means something."""
    low, high = ordinary(watched, level)
    return not low <= value <= high


def _spread(measure: SpikeMeasure, level: Level) -> float:
    return max(RELATIVE_SPREAD * abs(level.median), measure.floor / FLOOR_SPREADS)
