"""Metrics whose spikes are counted, and from which size on a spike of them means something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text


class SpikeMeasure(NamedTuple):
    """How a metric's spikes are told. `floor`: the least distance from the baseline, in the metric's unit.

    `logarithmic`: by the logarithm, for positive metrics with heavy tails. `downwards`: what falls is bad.
    """

    floor: float
    source: Text
    logarithmic: bool = True
    downwards: bool = False


SPIKES: Mapping[Metric, SpikeMeasure] = {
    c.LOSS: SpikeMeasure(0.1, src.RUNS, logarithmic=False),
    c.GRAD_NORM: SpikeMeasure(0.1, src.RUNS),
    c.KL: SpikeMeasure(0.1, src.RUNS),
    c.COMPLETION_LENGTH: SpikeMeasure(1.0, src.RUNS),
    c.REWARD: SpikeMeasure(0.05, src.RUNS, logarithmic=False, downwards=True),
}
"""By metric, in the order in which they are exposed."""
