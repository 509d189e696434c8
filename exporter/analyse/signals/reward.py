"""What the completions earn: in all, by function, and whether that still tells good from bad."""

from __future__ import annotations

from collections.abc import Collection

from exporter.analyse.baseline import Level
from exporter.analyse.signals.rule import (
    ANY,
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
from exporter.knowledge import catalogue as c
from exporter.model import Series

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
RECOVERED = 0.8
"""Share of its baseline at which a drop is forgotten."""
SPREADLESS = 1e-9
"""A spread of the reward below this is none."""
SPREAD, SPREAD_YOUNG = 0.1, 0.25
"""A function's spread is not taken to be smaller than this share of its baseline."""


class RewardDrop(Rule):
    """The total reward falls out of its own range, and by a good share of its baseline."""

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
    """One reward function falls to a fraction of its own: at once and far, or record after record.

    The second is a cumulative sum: how far each record is below its baseline, less what chance explains.
    """

    name = "reward_function_drop"
    watched_metric = c.REWARD_FUNCTION_MEAN

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sums: dict[Series, float] = {}

    def reset(self) -> None:
        """Nothing has dropped yet."""
        self._sums.clear()

    def pending(self) -> bool:
        """While a sum is above 0."""
        return bool(self._sums)

    @property
    def falling(self) -> Collection[Series]:
        """The functions that may be in the course of a drop."""
        return self._sums.keys()

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Down to where a drop can begin."""
        if level is None or level.median < self.first.floor:
            return ANY
        return min(BELOW * level.median, level.median - BEGIN * _sigma(level)), UNLIMITED

    def read(self, row: Row) -> Reading | None:
        """Of the functions that drop, the one of which least is left."""
        found = None
        for one, value in row.values.items():
            if one.metric is c.REWARD_FUNCTION_MEAN and TRAIN in one.labels:
                level = row.levels.get(one)
                reading = None if level is None else self._judge(one, value, level)
                if reading is not None and (found is None or reading.score < found.score):
                    found = reading
        return found

    def _judge(self, one: Series, value: float, level: Level) -> Reading | None:
        if level.median < self.first.floor or value >= RECOVERED * level.median:
            self._sums.pop(one, None)
            return None
        left, score = value / level.median, (value - level.median) / _sigma(level)
        total = self._count(one, left, score)
        lasting = left <= BELOW and total >= (LASTING_YOUNG if level.young else LASTING)
        at_once = left <= self.first.limit / level.caution and score <= -outlying(level)
        if not (lasting or at_once):
            return None
        left = min(left, self.first.limit)
        return Reading(left, value, one, level.median, level.median, baseline=level.median)

    def _count(self, one: Series, left: float, score: float) -> float:
        total = self._sums.get(one, 0.0)
        if not total and (left > BELOW or score > -BEGIN):
            return 0.0
        total = min(total + min(-score, MOST) - DRIFT, 2 * LASTING_YOUNG)
        if total > 0:
            self._sums[one] = total
        else:
            self._sums.pop(one, None)
        return total


def _sigma(level: Level) -> float:
    share = SPREAD_YOUNG if level.young else SPREAD
    return level.sigma(share * abs(level.median))


class RewardFlat(Rule):
    """All completions of a group earn the same, so that there is nothing to learn from."""

    name = "reward_flat"
    watched = (REWARD_ZERO_STD, REWARD_STD)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Some spread, and some groups with one."""
        return (SPREADLESS, UNLIMITED) if one is REWARD_STD else (-UNLIMITED, self.first.limit)

    def read(self, row: Row) -> Reading | None:
        """The share of groups without a spread; all of them where the spread is 0."""
        spread, share = row.values.get(REWARD_STD), row.values.get(REWARD_ZERO_STD)
        if spread is not None and spread < SPREADLESS:
            return Reading(1.0, 0.0 if share is None else share, REWARD_STD if share is None else REWARD_ZERO_STD)
        return None if share is None else Reading(share, share, REWARD_ZERO_STD)


