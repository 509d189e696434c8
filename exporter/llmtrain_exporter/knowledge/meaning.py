"""What a metric means to somebody who looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Limits, Severity
from llmtrain_exporter.knowledge.text import Text


class Good(str, Enum):
    """Which way a metric should go."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


class Worry(str, Enum):
    """On which side of its healthy range a value is worth a look."""

    ABOVE = "above"
    BELOW = "below"
    OUTSIDE = "outside"


class LimitOf(NamedTuple):
    """A bound that is the limit of a signal, whatever it is in the profile in force."""

    signal: str
    severity: Severity


Edge = float | LimitOf


class Healthy(NamedTuple):
    """The healthy range of a metric in one profile, in the metric's unit; a bound of None is open.

    A value outside of it is worth a look, and no signal. `very_good`: from here on a value is better than
    healthy. `note`: how to read the range.
    """

    low: Edge | None = None
    high: Edge | None = None
    worry: Worry = Worry.OUTSIDE
    very_good: float | None = None
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric is, which way is good, what is healthy by profile, and what to look at with it.

    `parts`: pattern of the metric's own label (as of fnmatch) to what that part of it means.
    """

    what: Text
    good: Good
    sources: tuple[Text, ...]
    healthy: Mapping[str, Healthy] = field(default_factory=dict)
    related: tuple[Metric, ...] = ()
    parts: Mapping[str, Meaning] = field(default_factory=dict)


def is_healthy(healthy: Healthy, value: float, limits: Limits) -> bool:
    """Whether a value gives no reason to look, under the limits of the profile in force. NaN never does."""
    low, high = number(healthy.low, limits), number(healthy.high, limits)
    below = low is not None and value < low and healthy.worry is not Worry.ABOVE
    above = high is not None and value > high and healthy.worry is not Worry.BELOW
    return value == value and not below and not above


def number(edge: Edge | None, limits: Limits) -> float | None:
    """The number that an edge is; None where the profile has no such limit."""
    if not isinstance(edge, LimitOf):
        return edge
    bound = limits.get(edge.signal, {}).get(edge.severity)
    return None if bound is None else bound.limit
