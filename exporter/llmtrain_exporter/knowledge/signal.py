"""The words in which signals and their limits are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text


class Severity(str, Enum):
    """How much a signal matters. `info` says something of a run and nothing against it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    def __init__(self, _: str) -> None:
        self.rank = len(type(self).__members__)  # the worse, the higher: they stand in this order


class Family(str, Enum):
    """What part of a run a signal is about. The first four are an incident's stages."""

    KL = "kl"
    GRADIENT = "gradient"
    LENGTH = "length"
    REWARD = "reward"
    FIT = "fit"
    PROGRESS = "progress"


class Measure(str, Enum):
    """What a signal's limit is in."""

    VALUE = "value"  # the metric's own unit
    RATIO = "ratio"  # times the run's own baseline
    FALL = "fall"  # share of the run's own baseline that is lost
    SIGMA = "sigma"  # robust standard deviations from the run's own baseline
    TRUTH = "truth"  # none: it is there or it is not
    GAPS = "gaps"  # the run's own median gaps between records


@dataclass(frozen=True, slots=True)
class Signal:
    """A named condition on a run's records. `below`: it holds at or below its limit, else at or above.

    `clear_after`: records in which the condition does not hold, after which the signal is cleared.
    """

    name: str
    family: Family
    metrics: tuple[Metric, ...]
    measure: Measure = Measure.VALUE
    below: bool = False
    clear_after: int = 5


@dataclass(frozen=True, slots=True)
class Bound:
    """From where on a signal has a severity: when the limit is met in `records` of the last `within` records.

    `floor`: the metric's own value, or its distance from the baseline, has to be at least this as well.
    """

    limit: float
    source: Text
    records: int = 1
    within: int = 0  # 0: as many as `records`, so all in a row
    floor: float = 0.0


Limits = Mapping[str, Mapping[Severity, Bound]]
"""A profile's bounds by signal; within a signal from the least severe to the most."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of training and where its limits lie. `base`: the built-in one that it comes from, maybe itself.

    Whatever is known of a kind of training, texts and rules alike, goes by the base.
    """

    name: str
    base: str
    limits: Limits
