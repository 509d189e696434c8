"""What the completions earn: in all, by function, and whether that still tells good from bad."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from statistics import fmean

from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.rule import (
    ANY,
    BLOCK,
    REWARD,
    REWARD_STD,
    REWARD_ZERO_STD,
    TRAIN,
    UNLIMITED,
    Context,
    Interval,
    Reading,
    Row,
    Rule,
    outlying,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series

DRIFT = 1.5
"""Robust standard deviations by which a record must be low to count towards a lasting drop."""
BEGIN = 3.0
"""Robust standard deviations by which the first of them must be low."""
MOST = 6.0
"""More of them do not count: one record alone cannot make a lasting drop."""
LASTING = 8.0
"""Sum from which on a drop lasts. Of a normal variable such a sum is met once in e to the 24th records."""
LASTING_YOUNG = 12.0
BELOW = 0.6
"""Share of its baseline up to which a function's record can begin a drop, and go on with it."""
BLOCK_SIGMAS = 5.0
"""Robust standard deviations of its mean by which a block of records must be low."""
RECOVERED = 0.8
"""Share of its baseline at which a drop is forgotten."""
SPREADLESS = 1e-9
"""A spread of the reward below this is none."""
SPREAD, SPREAD_YOUNG = 0.1, 0.25
"""A function's spread is not taken to be smaller than this share of its baseline."""


class RewardDrop(Rule):
    """The total reward falls out of its own range, and by a good share of its baseline."""

    __slots__ = ()

    name = "reward_drop"
    watched = (REWARD,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Down to where share, deviations and floor are all met."""
        if level is None:
            return ANY
        share = self.first.limit * abs(level.median) * level.caution
        return level.median - max(share, self._depth(level)), UNLIMITED

    def read(self, row: Row) -> Reading | None:
        """The share of the baseline that is lost."""
        reward, level = row.values.get(REWARD), row.levels.get(REWARD)
        if reward is None or level is None:
            return None
        lost = level.median - reward
        if lost < self._depth(level):
            return None
        unit = max(abs(level.median) * level.caution, self.first.floor)
        return Reading(lost / unit, reward, REWARD, lost, -unit, level.median, level.median)

    def _depth(self, level: Level) -> float:
        return max(outlying(level) * level.deviation, self.first.floor)


class RewardFunctionDrop(Rule):
    """One reward function falls to a fraction of its own, in one of three ways.

    At once and far; record after record, by a cumulative sum of how far each is below its baseline, less what
    chance explains; and, where single records are too noisy for both, by the mean of a block of them.
    """

    __slots__ = ("_means", "_sums")

    name = "reward_function_drop"
    watched_metric = c.REWARD_FUNCTION_MEAN

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sums: dict[Series, float] = {}
        self._means: dict[Series, float] = {}  # of functions whose last block was low

    def reset(self) -> None:
        """Nothing has dropped yet."""
        self._sums.clear()
        self._means.clear()

    def pending(self) -> bool:
        """While a sum is above 0, or a mean is low."""
        return bool(self._sums or self._means)

    @property
    def falling(self) -> Collection[Series]:
        """The functions that may be in the course of a drop."""
        return self._sums.keys() | self._means.keys()

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Down to where a drop can begin."""
        if level is None or level.median < self.first.floor:
            return ANY
        return min(BELOW * level.median, level.median - BEGIN * _sigma(level)), UNLIMITED

    def block(self, row: Row) -> Iterator[Reading | None]:
        """Begin to follow the mean of each function whose last block is far too low to be chance."""
        for one, level in row.levels.items():
            if one.metric is c.REWARD_FUNCTION_MEAN and level.median >= self.first.floor and not level.young:
                mean, count = self._mean(one, row)
                score = (mean - level.median) / _sigma(level) * count**0.5
                if mean <= BELOW * level.median and score <= -BLOCK_SIGMAS:
                    self._means.setdefault(one, mean)
        yield from ()

    def _mean(self, one: Series, row: Row) -> tuple[float, int]:
        """The mean of a block and its size, or of what there is of it; NaN where that is little."""
        mean = row.mean(one, BLOCK)
        if mean == mean:
            return mean, BLOCK
        recent = row.recent(one, BLOCK)
        return (fmean(recent), len(recent)) if len(recent) >= BLOCK // 2 else (mean, 0)

    def read(self, row: Row) -> Reading | None:
        """Of the functions that drop, the one of which least is left."""
        found = None
        for one, value in row.values.items():
            if one.metric is c.REWARD_FUNCTION_MEAN and TRAIN in one.labels:
                level = row.levels.get(one)
                left = None if level is None else self._left(one, value, level)
                if level is not None and left is not None and (found is None or left < found.score):
                    median = level.median
                    found = Reading(min(left, self.first.limit), value, one, median, median, baseline=median)
        return found

    def _left(self, one: Series, value: float, level: Level) -> float | None:
        """The share of a function's baseline that is left; None: it has not dropped."""
        if level.median < self.first.floor:
            self._sums.pop(one, None)
            self._means.pop(one, None)
            return None
        left, score = value / level.median, (value - level.median) / _sigma(level)
        total = self._count(one, left, score)
        if left <= BELOW and total >= (LASTING_YOUNG if level.young else LASTING):
            return left
        if left <= self.first.limit / level.caution and score <= -outlying(level):
            return left
        return self._follow_mean(one, value, level)

    def _count(self, one: Series, left: float, score: float) -> float:
        total = self._sums.get(one, 0.0)
        if not total and (left > BELOW or score > -BEGIN):
            return 0.0
        total = min(total + min(-score, MOST) - DRIFT, 2 * LASTING_YOUNG)
        if total > 0 and left < RECOVERED:
            self._sums[one] = total
        else:
            self._sums.pop(one, None)
        return total

    def _follow_mean(self, one: Series, value: float, level: Level) -> float | None:
        if one not in self._means:
            return None
        mean = self._means[one] = self._means[one] + (value - self._means[one]) / (BLOCK / 2)
        if mean > BELOW * level.median:
            del self._means[one]
            return None
        return mean / level.median


def _sigma(level: Level) -> float:
    share = SPREAD_YOUNG if level.young else SPREAD
    return level.sigma(share * abs(level.median))


class RewardFlat(Rule):
    """All completions of a group earn the same, so that there is nothing to learn from."""

    __slots__ = ()

    name = "reward_flat"
    watched = (REWARD_ZERO_STD, REWARD_STD)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Some spread, and some groups with one."""
        return (SPREADLESS, UNLIMITED) if one is REWARD_STD else (-UNLIMITED, self.first.limit)

    def read(self, row: Row) -> Reading | None:
        """The share of groups without a spread; all of them where the spread is 0."""
        spread, share = row.values.get(REWARD_STD), row.values.get(REWARD_ZERO_STD)
        if spread is not None and spread < SPREADLESS:
            return Reading(1.0, spread, REWARD_STD) if share is None else Reading(1.0, share, REWARD_ZERO_STD)
        return None if share is None else Reading(share, share, REWARD_ZERO_STD)
