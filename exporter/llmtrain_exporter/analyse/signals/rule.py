"""What the rules share: the record that they look at, what they read in it, and when they need not look."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from llmtrain_exporter.analyse.baseline import Level, Ring
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import limits
from llmtrain_exporter.knowledge.limits import SIGNALS
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Bound, Severity
from llmtrain_exporter.model import Record, Series, series

TRAIN = ("split", "train")
MEAN = ("stat", "mean")

LOSS = series(c.LOSS, TRAIN)
GRAD_NORM = series(c.GRAD_NORM)
LEARNING_RATE = series(c.LEARNING_RATE)
KL = series(c.KL, TRAIN)
ENTROPY = series(c.ENTROPY, MEAN, TRAIN)
TOKEN_ACCURACY = series(c.TOKEN_ACCURACY, TRAIN)
REWARD = series(c.REWARD, TRAIN)
REWARD_STD = series(c.REWARD_STD, TRAIN)
REWARD_ZERO_STD = series(c.REWARD_ZERO_STD, TRAIN)
LENGTH = series(c.COMPLETION_LENGTH, MEAN, TRAIN)
CLIPPED = series(c.COMPLETION_CLIPPED, TRAIN)
CLIP_RATIOS = tuple(
    series(c.CLIP_RATIO, ("bound", bound), TRAIN) for bound in ("region_mean", "low_mean", "high_mean")
)

UNLIMITED = 3.0e38
"""Almost the largest 32-bit float: a bound that only infinities and what cannot be kept do not meet."""

Interval = tuple[float, float]
ANY: Interval = (-UNLIMITED, UNLIMITED)


class Reading(NamedTuple):
    """What a rule read: a signal's score, held against its limits, and what it was found in.

    `size` is held against the bounds' floors. `unit` and `offset` turn a limit into the metric's own unit.
    """

    score: float
    value: float
    where: Series
    size: float = UNLIMITED
    unit: float = 1.0
    offset: float = 0.0
    baseline: float | None = None
    force: Severity | None = None  # holds whatever the score


class Row:
    """One training record as the rules see it."""

    __slots__ = ("_columns", "_ring", "index", "levels", "progress", "record", "step", "values")

    def __init__(
        self,
        record: Record,
        step: int,
        index: int,
        values: Mapping[Series, float],
        levels: Mapping[Series, Level],
        ring: Ring,
        columns: Mapping[Series, int],
    ) -> None:
        self.record = record
        self.step = step
        self.index = index  # training records since the baselines began, this one included
        self.values = values
        self.levels = levels
        self.progress = step / record.max_steps if record.max_steps else None
        self._ring = ring
        self._columns = columns

    def recent(self, one: Series, count: int) -> list[float]:
        """The last values before this record, oldest first."""
        column = self._columns.get(one)
        return [] if column is None else self._ring.recent(column, count)

    def mean(self, one: Series, count: int) -> float:
        """The mean of those, NaN where one is missing."""
        column = self._columns.get(one)
        return math.nan if column is None else self._ring.mean(column, count)


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule knows of its run from the start."""

    bounds: Mapping[str, Mapping[Severity, Bound]]
    numbers: Mapping[str, float]  # the run's own hyper-parameters


class Rule:
    """Reads one signal, in training records, in blocks of them, in evaluations, or in several of these."""

    __slots__ = ("bounds", "first", "least", "numbers", "signal")

    name: ClassVar[str]
    watched: ClassVar[tuple[Series, ...]] = ()
    watched_metric: ClassVar[Metric | None] = None  # all of its training series, whatever their labels

    def __init__(self, context: Context) -> None:
        self.signal = SIGNALS[self.name]
        self.bounds = context.bounds[self.name]
        self.least, self.first = next(iter(self.bounds.items()))  # the least severity and its bound
        self.numbers = context.numbers

    @property
    def examines(self) -> bool:
        """Whether the rule looks at training records one by one."""
        return bool(self.watched) or self.watched_metric is not None

    def watches(self, one: Series) -> bool:
        """Whether the rule looks at a series of training records."""
        return one in self.watched or (one.metric is self.watched_metric and TRAIN in one.labels)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """The values of a series that the rule need not look at, given the level of the values before."""
        return ANY

    def meets(self, reading: Reading) -> bool:
        """Whether a reading meets the first bound."""
        return reading.force is not None or reaches(reading, self.first, self.signal.below)

    def follow(self, one: Series, level: Level, index: int) -> None:
        """The level of a series was taken anew, at the run's `index`th record."""

    def read(self, row: Row) -> Reading | None:  # noqa: ARG002
        """What a training record says; None: the signal does not hold."""
        return None

    def block(self, row: Row) -> Iterator[Reading | None]:  # noqa: ARG002
        """What the last BLOCK records say, nothing where they do not tell."""
        yield from ()

    def evaluate(self, record: Record, row: Row | None) -> Iterator[Reading | None]:  # noqa: ARG002
        """What an evaluation says beside the last training record, nothing where it does not tell."""
        yield from ()

    def pending(self) -> bool:
        """Whether the rule has to see the next record even if that is an ordinary one."""
        return False

    def reset(self) -> None:
        """Another process goes on with the run, from an earlier step."""


def reaches(reading: Reading, bound: Bound, below: bool) -> bool:
    """Whether a reading meets a bound; `below`: by being as small."""
    reached = reading.score <= bound.limit if below else reading.score >= bound.limit
    return reached and reading.size >= bound.floor


BLOCK = 16
"""Training records after which slow changes are looked at."""


def widened(limit: float, level: Level) -> float:
    """A limit on a ratio, twice as far from 1 while the baseline is young."""
    return 1 + (limit - 1) * level.caution


def outlying(level: Level) -> float:
    """Robust standard deviations that are out of range for a length or a reward."""
    return limits.OUTLYING_SIGMAS * level.caution
