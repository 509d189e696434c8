"""What the completions earn: in all, by function, and whether that still tells good from bad."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.rule import (
    ANY,
    REWARD,
    REWARD_STD,
    REWARD_ZERO_STD,
    TRAIN,
    Context,
    Interval,
    Readings,
    RecordView,
    Rule,
    SignalReading,
    down_to,
    outlying,
    up_to,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.reward import (
    DROP_BEGINS,
    DROP_BELOW,
    DROP_BLOCK,
    DROP_DRIFT,
    DROP_LASTS,
    DROP_LASTS_YOUNG,
    DROP_MOST,
    DROP_OVER,
    FUNCTION_SPREAD,
    FUNCTION_SPREAD_YOUNG,
    REWARD_DROP,
    REWARD_FLAT,
    REWARD_FUNCTION_DROP,
    SPREADLESS,
)
from llmtrain_exporter.model import Series


class RewardDrop(Rule):
    """The total reward falls out of its own range, and by a good share of its baseline."""

    __slots__ = ()

    signal = REWARD_DROP
    watched = compared = (REWARD,)

    def ordinary_at(self, level: Level) -> Interval:
        """Down to where share, deviations and floor are all met."""
        share = self.first.limit * abs(level.median) * level.caution
        return down_to(level.median - max(share, self._depth(level)))

    def read(self, view: RecordView) -> SignalReading | None:
        """The share of the baseline that is lost."""
        reward, level = view.values.get(REWARD), view.levels.get(REWARD)
        if reward is None or level is None:
            return None
        lost = level.median - reward
        if lost < self._depth(level):
            return None
        unit = max(abs(level.median) * level.caution, self.first.floor)
        return SignalReading(lost / unit, reward, REWARD, lost, -unit, level.median, level.median)

    def _depth(self, level: Level) -> float:
        return max(outlying(level) * level.deviation, self.first.floor)


class RewardFunctionDrop(Rule):
    """One reward function falls to a fraction of its own, in one of three ways.

    At once and far; record after record, by a cumulative sum of how far each is below its baseline, less what
    chance explains; and, where single records are too noisy for both, by the mean of a block of them.
    """

    __slots__ = ("_means", "_sums")

    signal = REWARD_FUNCTION_DROP
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

    def suspects(self) -> Collection[Series]:
        """The functions that may be in the course of a drop."""
        return self._sums.keys() | self._means.keys()

    def ordinary_at(self, level: Level) -> Interval:
        """Down to where a drop can begin."""
        if level.median < self.first.floor:
            return ANY
        return down_to(min(DROP_BELOW * level.median, level.median - DROP_BEGINS * _sigma(level)))

    def look_back(self, view: RecordView) -> Readings:
        """Begin to follow the mean of each function whose last block is far too low to be chance."""
        for function, level in view.levels.items():
            if (
                function.metric is c.REWARD_FUNCTION_MEAN
                and level.median >= self.first.floor
                and not level.young
            ):
                last, count = self._mean(function, view)
                score = (last - level.median) / _sigma(level) * count**0.5
                if last <= DROP_BELOW * level.median and score <= -DROP_BLOCK:
                    self._means.setdefault(function, last)
        yield from ()

    def _mean(self, function: Series, view: RecordView) -> tuple[float, int]:
        """The mean of a block and its size, or of what there is of it; NaN where that is little."""
        whole = view.mean(function, BLOCK)
        if whole == whole:
            return whole, BLOCK
        recent = view.recent(function, BLOCK)
        return (mean(recent), len(recent)) if len(recent) >= BLOCK // 2 else (whole, 0)

    def read(self, view: RecordView) -> SignalReading | None:
        """Of the functions that drop, the one of which least is left."""
        found = None
        for function, value in view.values.items():
            if function.metric is c.REWARD_FUNCTION_MEAN and TRAIN in function.labels:
                level = view.levels.get(function)
                left = None if level is None else self._left(function, value, level)
                if level is not None and left is not None and (found is None or left < found.score):
                    median = level.median
                    found = SignalReading(
                        min(left, self.first.limit), value, function, median, median, baseline=median
                    )
        return found

    def _left(self, function: Series, value: float, level: Level) -> float | None:
        """The share of a function's baseline that is left; None: it has not dropped."""
        if level.median < self.first.floor:
            self._sums.pop(function, None)
            self._means.pop(function, None)
            return None
        left, score = value / level.median, (value - level.median) / _sigma(level)
        total = self._count(function, left, score)
        if left <= DROP_BELOW and total >= (DROP_LASTS_YOUNG if level.young else DROP_LASTS):
            return left
        if left <= self.first.limit / level.caution and score <= -outlying(level):
            return left
        return self._follow_mean(function, value, level)

    def _count(self, function: Series, left: float, score: float) -> float:
        total = self._sums.get(function, 0.0)
        if not total and (left > DROP_BELOW or score > -DROP_BEGINS):
            return 0.0
        total = min(total + min(-score, DROP_MOST) - DROP_DRIFT, 2 * DROP_LASTS_YOUNG)
        if total > 0 and left < DROP_OVER:
            self._sums[function] = total
        else:
            self._sums.pop(function, None)
        return total

    def _follow_mean(self, function: Series, value: float, level: Level) -> float | None:
        if function not in self._means:
            return None
        followed = self._means[function] = self._means[function] + (value - self._means[function]) / (
            BLOCK / 2
        )
        if followed > DROP_BELOW * level.median:
            del self._means[function]
            return None
        return followed / level.median


def _sigma(level: Level) -> float:
    share = FUNCTION_SPREAD_YOUNG if level.young else FUNCTION_SPREAD
    return level.sigma(share * abs(level.median))


class RewardFlat(Rule):
    """All completions of a group earn the same, so that there is nothing to learn from."""

    __slots__ = ()

    signal = REWARD_FLAT
    watched = (REWARD_ZERO_STD, REWARD_STD)

    def ordinary(self) -> Mapping[Series, Interval]:
        """Some spread, and some groups with one."""
        return {REWARD_STD: down_to(SPREADLESS), REWARD_ZERO_STD: up_to(self.first.limit)}

    def read(self, view: RecordView) -> SignalReading | None:
        """The share of groups without a spread; all of them where the spread is 0."""
        spread, share = view.values.get(REWARD_STD), view.values.get(REWARD_ZERO_STD)
        if spread is not None and spread < SPREADLESS:
            if share is None or share < self.first.limit:
                return SignalReading(1.0, spread, REWARD_STD, limit=SPREADLESS)
            return SignalReading(1.0, share, REWARD_ZERO_STD)
        return None if share is None else SignalReading(share, share, REWARD_ZERO_STD)


RULES = (RewardDrop, RewardFunctionDrop, RewardFlat)
