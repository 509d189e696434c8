"""What the rules share: the record that they look at, what they read in it, and when they need not look."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.analyse.baseline import UNLIMITED, Level, Ring
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import mismatch, objective, reward, rollout, value
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.own_level import OUTLYING_SIGMAS
from llmtrain_exporter.knowledge.signal import Bound, Severity, Signal
from llmtrain_exporter.model import Record, Series, series
from llmtrain_exporter.model.blocks import RecordInBlock

TRAIN = ("split", "train")
EVAL = ("split", "eval")
MEAN = ("stat", "mean")

LOSS = series(c.LOSS, TRAIN)
EVAL_LOSS = series(c.LOSS, EVAL)
GRAD_NORM = series(c.GRAD_NORM)
LEARNING_RATE = series(c.LEARNING_RATE)
KL = series(c.KL, TRAIN)
ENTROPY = series(c.ENTROPY, MEAN, TRAIN)
TOKEN_ACCURACY = series(c.TOKEN_ACCURACY, TRAIN)
EVAL_ACCURACY = series(c.TOKEN_ACCURACY, EVAL)
REWARD = series(c.REWARD, TRAIN)
EVAL_REWARD = series(c.REWARD, EVAL)
REWARD_STD = series(c.REWARD_STD, TRAIN)
REWARD_ZERO_STD = series(c.REWARD_ZERO_STD, TRAIN)
GROUPS_ALL_RIGHT, GROUPS_ALL_WRONG = (
    series(reward.GROUP_OUTCOMES, ("outcome", outcome), TRAIN) for outcome in ("all", "none")
)
LENGTH = series(c.COMPLETION_LENGTH, MEAN, TRAIN)
LONGEST = series(c.COMPLETION_LENGTH, ("stat", "max"), TRAIN)
CLIPPED = series(c.COMPLETION_CLIPPED, TRAIN)
MISMATCH_KLS = tuple(series(mismatch.MISMATCH_KL, ("estimator", name), TRAIN) for name in ("kl", "k3_kl"))
LOGP_DIFFERENCE = series(mismatch.LOGP_DIFFERENCE, MEAN, TRAIN)
PERPLEXITY_DIFFERENCE = series(mismatch.LOG_PERPLEXITY_DIFFERENCE, ("stat", "mean_absolute"), TRAIN)
IMPORTANCE_RATIO = series(mismatch.IMPORTANCE_RATIO, MEAN, TRAIN)
EFFECTIVE_SAMPLES = series(mismatch.EFFECTIVE_SAMPLES, TRAIN)
STALENESS = series(rollout.STALENESS, MEAN)
DROPPED_SAMPLES = tuple(series(rollout.DROPPED_SAMPLES, ("reason", why)) for why in ("stale", "oversize"))
MARGIN = series(c.PREFERENCE_MARGIN, TRAIN)
PREFERENCE_ACCURACY = series(c.PREFERENCE_ACCURACY, TRAIN)
EVAL_PREFERENCE_ACCURACY = series(c.PREFERENCE_ACCURACY, EVAL)
SIDES_REWARDS, SIDES_LOGPS = (
    tuple(series(metric, ("side", side), TRAIN) for side in ("chosen", "rejected"))
    for metric in (c.PREFERENCE_REWARD, c.LOGPS)
)
PREFERENCES = (MARGIN, *SIDES_REWARDS, *SIDES_LOGPS)
CLIP_RATIOS = tuple(
    series(c.CLIP_RATIO, ("bound", bound), TRAIN) for bound in ("region_mean", "low_mean", "high_mean")
)

RESPONSE_KL = series(objective.RESPONSE_KL, TRAIN)
POLICY_RATIO = series(objective.POLICY_RATIO, MEAN, TRAIN)
POLICY_LOSS = series(objective.POLICY_LOSS, TRAIN)
VALUE_LOSS = series(value.VALUE_LOSS, TRAIN)
VALUE_CLIP_RATIO = series(value.VALUE_CLIP_RATIO, TRAIN)
EXPLAINED_VARIANCE = series(value.VALUE_EXPLAINED_VARIANCE, TRAIN)

Interval = tuple[float, float]
ANY: Interval = (-UNLIMITED, UNLIMITED)


def up_to(highest: float) -> Interval:
    """Everything that is no higher."""
    return -UNLIMITED, highest


def down_to(lowest: float) -> Interval:
    """Everything that is no lower."""
    return lowest, UNLIMITED


class SignalReading(NamedTuple):
    """What a rule read: a signal's score, held against its limits, and what it was found in.

    `size` is held against the bounds' floors. `unit` and `offset` turn a limit into the metric's own unit;
    `limit` is that limit where the value crossed another one than the bounds have. `began`: the step at which
    an incident began that shows in it now, where that is an earlier one.
    """

    score: float
    value: float
    where: Series
    size: float = UNLIMITED
    unit: float = 1.0
    offset: float = 0.0
    baseline: float | None = None
    force: Severity | None = None  # holds whatever the score
    began: int | None = None
    limit: float | None = None


class RecordView:
    """One record as the rules see it: beside the run's levels and the training records before it."""

    __slots__ = (
        *("_columns", "_levelled", "_means", "_medians", "_recent", "_ring"),
        *("index", "levels", "progress", "record", "step", "values"),
    )

    def __init__(
        self,
        record: Record | RecordInBlock,
        step: int,
        index: int,
        values: Mapping[Series, float],
        levels: Mapping[Series, Level],
        ring: Ring,
        columns: Mapping[Series, int],
        levelled: dict[Metric, Sequence[Series]],
    ) -> None:
        """`levelled`: what was found before in as many levels."""
        self.record = record
        self.step = step
        self.index = index  # training records since the baselines began, this one included if it is one
        self.values = values  # of watched series, where a training record is examined
        self.levels = levels
        self.progress = step / record.max_steps if record.max_steps else None
        self._ring = ring
        self._columns = columns
        self._means: dict[tuple[Series, int], float] = {}  # several rules ask for the same
        self._medians: dict[tuple[Series, int], float] = {}
        self._recent: dict[tuple[Series, int], Sequence[float]] = {}
        self._levelled = levelled

    def levelled(self, metric: Metric) -> Sequence[Series]:
        """The training series of a metric that have a level."""
        known = self._levelled.get(metric)
        if known is None:
            alike = [of for of in self.levels if of.metric is metric]
            known = self._levelled[metric] = [of for of in alike if TRAIN in of.labels]
        return known

    def recent(self, of: Series, count: int) -> Sequence[float]:
        """The last values before this record, oldest first."""
        known = self._recent.get((of, count))
        if known is None:
            column = self._columns.get(of)
            known = self._recent[of, count] = () if column is None else self._ring.recent(column, count)
        return known

    def median(self, of: Series, count: int) -> float:
        """The median of those, of which there must be one."""
        known = self._medians.get((of, count))
        if known is None:
            known = self._medians[of, count] = median(self.recent(of, count))
        return known

    def pairs(self, first: Series, second: Series, count: int) -> list[tuple[float, float]]:
        """The values of two series in the last records that have both, oldest first."""
        column, other = self._columns.get(first), self._columns.get(second)
        return [] if column is None or other is None else self._ring.pairs(column, other, count)

    def mean(self, of: Series, count: int) -> float:
        """The mean of those, NaN where one is missing."""
        known = self._means.get((of, count))
        if known is None:
            column = self._columns.get(of)
            known = self._means[of, count] = math.nan if column is None else self._ring.mean(column, count)
        return known


class Renewal(NamedTuple):
    """The level of a series, taken anew at the run's `record`th training record."""

    level: Level
    record: int


class Context(NamedTuple):
    """What a rule knows of its run from the start."""

    bounds: Mapping[str, Mapping[Severity, Bound]]
    numbers: Mapping[str, float]  # the run's own hyper-parameters
    kl_clamp: float = UNLIMITED  # above which its trainer lets no kl of a token rise


Readings = Iterable["SignalReading | None"]
"""What was read of a signal that may have several answers, or none: where nothing comes, nothing is known."""


class Rule:
    """Finds one signal in training records, in blocks of them, in evaluations, or in several of these.

    A rule has those of the hooks that it needs; the others are None. `profiles`: the built-in ones in which
    it reads the signal; without any, those in which no other rule does.
    """

    __slots__ = ("bounds", "first", "least", "name")

    signal: ClassVar[Signal]
    profiles: ClassVar[tuple[str, ...]] = ()
    watched: ClassVar[tuple[Series, ...]] = ()  # what `read` looks at
    watched_metric: ClassVar[Metric | None] = None  # the same: all of its training series, each with a level
    compared: ClassVar[tuple[Series, ...]] = ()  # whose levels and last values it asks for

    read: ClassVar[Callable[[Any, RecordView], SignalReading | None] | None] = None
    """What a training record says; None: the signal does not hold."""

    ordinary: ClassVar[Callable[[Any], Mapping[Series, Interval]] | None] = None
    """Between which values of a series `read` need not look, whatever they were before.

    Asked once, unless the rule can `follow` levels or `moves_bounds`: only these change it.
    """

    ordinary_at: ClassVar[Callable[[Any, Level], Interval] | None] = None
    """The same for each watched series, given the level of its values before."""

    follow: ClassVar[Callable[[Any, Renewal], None] | None] = None
    """The level of a watched series was taken anew."""

    jumped: ClassVar[Callable[[Any, RecordView], bool] | None] = None
    """Whether a record alone is a sign of an incident, before the signal holds for long enough."""

    is_sign: ClassVar[Callable[[Any, SignalReading], bool] | None] = None
    """Whether a reading that is bad enough is a sign of an incident; None: always."""

    look_back: ClassVar[Callable[[Any, RecordView], Readings] | None] = None
    """What the last BLOCK training records say. Not asked while no row had one of `compared`."""

    moves_bounds: ClassVar[bool] = False
    """Whether what is `ordinary` is another after a `look_back`."""

    evaluate: ClassVar[Callable[[Any, RecordView], Readings] | None] = None
    """What an evaluation says beside the training records before it."""

    def __init__(self, context: Context) -> None:
        self.name = self.signal.name
        self.bounds = context.bounds[self.name]
        self.least, self.first = next(iter(self.bounds.items()))  # the least severity and its bound

    @classmethod
    def watches(cls, logged: Series) -> bool:
        """Whether the rule looks at a series of training records."""
        return logged in cls.watched or (logged.metric is cls.watched_metric and TRAIN in logged.labels)

    def meets(self, reading: SignalReading) -> bool:
        """Whether a reading meets the first bound."""
        return reading.force is not None or reaches(reading, self.first, self.signal.below)

    @property
    def is_settled(self) -> bool:
        """Whether what is `ordinary` stays so."""
        return self.follow is None and not self.moves_bounds

    def pending(self) -> bool:
        """Whether the rule has to see the next record even if that is an ordinary one."""
        return False

    def doubts(self) -> bool:
        """Whether values in which it finds the signal are kept out of the baselines."""
        return True

    def suspects(self) -> Collection[Series]:
        """Series whose values may not be normal, though the signal does not hold yet."""
        return ()

    def reset(self) -> None:
        """Another process goes on with the run, from an earlier step."""


def reaches(reading: SignalReading, bound: Bound, below: bool) -> bool:
    """Whether a reading meets a bound; `below`: by being as small."""
    reached = reading.score <= bound.limit if below else reading.score >= bound.limit
    return reached and reading.size >= bound.floor


def widened(limit: float, level: Level) -> float:
    """A limit on a ratio, as much farther from 1 as a young baseline asks for."""
    return 1 + (limit - 1) * level.caution


def outlying(level: Level) -> float:
    """Robust standard deviations that are out of range for a length or a reward."""
    return OUTLYING_SIGMAS * level.caution
