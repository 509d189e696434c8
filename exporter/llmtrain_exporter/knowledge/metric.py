"""The words in which the catalogue is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

PREFIX = "llmtrain_"


class Group(str, Enum):
    """What a metric tells about; the order is the order of the exposition and of every page."""

    OPTIMISATION = "optimisation"
    REWARD = "reward"
    LENGTH = "length"
    PREFERENCE = "preference"
    OBJECTIVE = "objective"
    VALUE = "value"
    MISMATCH = "mismatch"
    DISTILLATION = "distillation"
    ROLLOUT = "rollout"
    EVALUATION = "evaluation"
    PROGRESS = "progress"
    SPEED = "speed"
    DERIVED = "derived"
    SPIKES = "spikes"
    SIGNALS = "signals"
    INCIDENTS = "incidents"
    STATE = "state"
    OTHER = "other"


CLOCKS = frozenset((Group.PROGRESS, Group.SPEED))
"""Groups of what differs between two writers of one record: clocks and speeds."""


class Type(str, Enum):
    """The metric types of the Prometheus text format that are in use here."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"


class Unit(str, Enum):
    """How a producer writes a quantity, where that differs from the base unit in which it is exposed."""

    PLAIN = "plain"
    PERCENT = "percent"  # 1.67 or "1.67%" -> 0.0167
    GIBIBYTES = "gibibytes"  # -> bytes
    GIGABYTES = "gigabytes"  # of a billion bytes -> bytes
    MILLI = "milli"  # thousandths of it
    BILLIONS = "billions"  # a thousand millions of them
    TERA = "tera"  # a million millions of them
    DURATION = "duration"  # "18h 37m 22s", "3 days, 17:51:32", 12.5 -> seconds
    PER_SECOND = "per_second"  # iterations per second -> seconds per iteration


class Key(NamedTuple):
    """A log key: exact, or a pattern whose variable parts `{}` become the value of the metric's own label.

    Several parts are joined by a slash. `fixed` is that value where the key itself does not carry it, and
    stands before the parts of a pattern. A word that means different things feeds a metric only in rows that
    have a key of `beside` too, whatever their prefix, and none of `unless`. `evaluation`: the number is of an
    evaluation though its name does not begin as such.
    """

    pattern: str
    unit: Unit = Unit.PLAIN
    fixed: str = ""
    beside: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    evaluation: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric family. `name` is the full exposed name; `label` the one label it has besides run and split.

    `split`: the metric exists for training and for evaluation rows, told apart by split="train"|"eval".
    `essential`: a row that has it is a training record; progress and the learning rate alone make none.
    """

    name: str
    group: Group
    help: str
    keys: tuple[Key, ...] = ()
    type: Type = Type.GAUGE
    label: str = ""
    split: bool = False
    essential: bool = False

    @property
    def sample_name(self) -> str:
        """What its samples are called in an exposition."""
        return f"{self.name}_info" if self.type is Type.INFO else self.name

    @property
    def family_name(self) -> str:
        """What OpenMetrics calls the family."""
        return self.name.removesuffix("_total") if self.type is Type.COUNTER else self.name
