"""What the completions earn: in all, by function, and whether that still tells good from bad."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from llmtrain_exporter.analyse.averages import deviation, mean, median
from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.earned import Earned
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
from llmtrain_exporter.analyse.signals.slide import Slide, sigma_of, step_noise
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.own_level import BLOCK, FIRST_RECORDS, MATURE
from llmtrain_exporter.knowledge.signals.reward import (
    ALL_RIGHT,
    DROP_ALONE,
    DROP_ALONE_BY,
    DROP_BEGINS,
    DROP_BELOW,
    DROP_BLOCK,
    DROP_DRIFT,
    DROP_LASTS,
    DROP_LASTS_YOUNG,
    DROP_MOST,
    DROP_OVER,
    FIRST_COMPLETIONS,
    FIRST_DEVIATIONS,
    FIRST_LEFT,
    FLAT_RECORDS,
    FLAT_SHARE,
    NO_CONTRAST,
    NOTHING_EARNED,
    REWARD_DROP,
    REWARD_FLAT,
    REWARD_FUNCTION_DROP,
    SLIDE_NOISE_RECORDS,
    SPREADLESS,
)
from llmtrain_exporter.model import Series


class RewardDrop(Rule):
    """The total reward falls out of its own range and by a good share of its baseline, or slides."""

    __slots__ = ("_slide",)

    signal = REWARD_DROP
    watched = compared = (REWARD,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been earned yet."""
        self._slide = Slide()

    def pending(self) -> bool:
        """While it is below its best."""
        return self._slide.below

    def look_back(self, view: RecordView) -> Readings:
        """Follow the best."""
        level = view.levels.get(REWARD)
        if level is not None:
            block = view.mean(REWARD, BLOCK)
            noise = (
                step_noise(view.recent(REWARD, SLIDE_NOISE_RECORDS)) if self._slide.punishes(block) else 0.0
            )
            if self._slide.look_back(block, level, view.step, noise=noise):
                self._slide.begin(view.recent(REWARD, BLOCK))
        return ()

    def ordinary_at(self, level: Level) -> Interval:
        """Down to where share, deviations and floor are all met."""
        share = self.first.limit * abs(level.median) * level.caution
        return down_to(level.median - max(share, self._depth(level)))

    def read(self, view: RecordView) -> SignalReading | None:
        """The share of the baseline that is lost, or of the best."""
        reward, level = view.values.get(REWARD), view.levels.get(REWARD)
        if reward is None:
            return None
        if level is None or level.young:
            lost = self._lost_at_first(reward, view)
            return lost or (level and self._dropped(reward, level))
        return self._slid(reward) or self._dropped(reward, level)

    def jumped(self, view: RecordView) -> bool:
        """Whether this record alone is a sign: in a run's first records nearly all is lost."""
        level = view.levels.get(REWARD)
        return level is None or level.young

    def _lost_at_first(self, reward: float, view: RecordView) -> SignalReading | None:
        """Nearly all of what the records before had; where those were falling already, of the first ones."""
        before = view.recent(REWARD, MATURE)
        if len(before) < FIRST_RECORDS or reward >= min(before):
            return None
        first = before[:FIRST_RECORDS]
        chance = (view.record.get(c.REWARD_STD) or math.inf) / FIRST_COMPLETIONS**0.5
        for usual, spread in (
            (median(before), deviation(before)),
            (median(first), max(deviation(first), chance)),
        ):
            lost = usual - reward
            if (
                usual >= self.first.floor
                and reward < FIRST_LEFT * usual
                and lost >= FIRST_DEVIATIONS * spread
            ):
                return SignalReading(lost / usual, reward, REWARD, lost, -usual, usual, usual)
        return None

    def _slid(self, reward: float) -> SignalReading | None:
        """What is left of the best in the mean of the last records, where that is too little."""
        slide, floor = self._slide, self.first.floor
        best, scale, left = slide.best, slide.scale, slide.share_left(reward)
        if left is None or scale < floor or (best < floor and best - left[0] < floor):
            return None
        now, share = left
        lost, force, began = best - now, self.least, slide.began
        return SignalReading(1 - share, now, REWARD, lost, -scale, best, best, force, began, slide.limit)

    def _dropped(self, reward: float, level: Level) -> SignalReading | None:
        lost = level.median - reward
        if lost < self._depth(level):
            return None
        unit = max(abs(level.median) * level.caution, self.first.floor)
        return SignalReading(lost / unit, reward, REWARD, lost, -unit, level.median, level.median)

    def _depth(self, level: Level) -> float:
        return max(outlying(level) * level.deviation, self.first.floor)


class RewardFunctionDrop(Rule):
    """One reward function falls to a fraction of its own, in one of four ways.

    At once and far; record after record, by a cumulative sum of how far each is below its baseline, less what
    chance explains; where single records are too noisy for both, by the mean of a block of them; and slowly,
    below its own best.
    """

    __slots__ = ("_means", "_slides", "_sums")

    signal = REWARD_FUNCTION_DROP
    watched_metric = c.REWARD_FUNCTION_MEAN

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sums: dict[Series, float] = {}
        self._means: dict[Series, float] = {}  # of functions whose last block was low
        self._slides: dict[Series, Slide] = {}

    def reset(self) -> None:
        """Nothing has dropped yet."""
        self._sums.clear()
        self._means.clear()
        self._slides.clear()

    def pending(self) -> bool:
        """While a sum is above 0, a mean is low, or a function is below its best."""
        return bool(self._sums or self._means) or any(slide.below for slide in self._slides.values())

    def jumped(self, view: RecordView) -> bool:
        """One record is a sign beside those of other families, even where alone it is no warning."""
        return any(function in view.values for function in self._slides)

    def suspects(self) -> Collection[Series]:
        """The functions that may be in the course of a drop."""
        return self._sums.keys() | self._means.keys()

    def ordinary_at(self, level: Level) -> Interval:
        """Down to where a drop can begin."""
        if level.median < self.first.floor:
            return ANY
        return down_to(min(DROP_BELOW * level.median, level.median - DROP_BEGINS * sigma_of(level)))

    def look_back(self, view: RecordView) -> Readings:
        """Follow the best of each function, and begin to follow its mean where a block is far too low."""
        for function in view.levelled(c.REWARD_FUNCTION_MEAN):
            level = view.levels[function]
            if level.median >= self.first.floor:
                self._follow_block(function, level, view)
        return ()

    def _follow_block(self, function: Series, level: Level, view: RecordView) -> None:
        last, count = self._mean(function, view)
        slide = self._slides.get(function)
        if slide is None:
            slide = self._slides[function] = Slide()
        if slide.look_back(last, level, view.step, whole=count == BLOCK):
            slide.begin(view.recent(function, BLOCK))
        low = last <= DROP_BELOW * level.median and not level.young
        if low and (last - level.median) / sigma_of(level) * count**0.5 <= -DROP_BLOCK:
            self._means.setdefault(function, last)

    def _mean(self, function: Series, view: RecordView) -> tuple[float, int]:
        """The mean of a block and its size, or of what there is of it; NaN where that is little."""
        whole = view.mean(function, BLOCK)
        if whole == whole:
            return whole, BLOCK
        recent = view.recent(function, BLOCK)
        return (mean(recent), len(recent)) if len(recent) >= BLOCK // 2 else (whole, 0)

    def read(self, view: RecordView) -> SignalReading | None:
        """Of the functions that drop or slide, the one of which least is left."""
        found = (
            reading
            for function, value in view.values.items()
            if function.metric is c.REWARD_FUNCTION_MEAN and TRAIN in function.labels
            if (level := view.levels.get(function)) is not None
            for reading in (self._dropped(function, value, level), self._slid(function, value))
            if reading is not None
        )
        return min(found, key=lambda reading: reading.score, default=None)

    def _dropped(self, function: Series, value: float, level: Level) -> SignalReading | None:
        lasting, usual = self._left(function, value, level), level.median
        left = self._fallen(value, level) if lasting is None else lasting
        if left is None:
            return None
        alone = left <= DROP_ALONE and value <= usual - DROP_ALONE_BY * sigma_of(level)
        force = None if lasting is None and not alone else self.least
        return SignalReading(left, value, function, usual, usual, baseline=usual, force=force)

    def _fallen(self, value: float, level: Level) -> float | None:
        """What is left in a record that alone is far below the function's own range."""
        usual = level.median
        if usual < self.first.floor or value > usual - outlying(level) * sigma_of(level):
            return None
        return value / usual if value / usual <= self.first.limit / level.caution else None

    def _slid(self, function: Series, value: float) -> SignalReading | None:
        slide = self._slides.get(function)
        left = None if slide is None else slide.share_left(value)
        if slide is None or left is None:
            return None
        now, share = left
        best, scale, force = slide.best, slide.scale, self.least
        none_left = best - scale
        return SignalReading(
            share, now, function, best, scale, none_left, best, force, slide.began, slide.limit
        )

    def _left(self, function: Series, value: float, level: Level) -> float | None:
        """The share of a function's baseline that is left in a drop that lasts; None: there is none."""
        if level.median < self.first.floor:
            self._sums.pop(function, None)
            self._means.pop(function, None)
            return None
        left, score = value / level.median, (value - level.median) / sigma_of(level)
        total = self._count(function, left, score)
        if left <= DROP_BELOW and total >= (DROP_LASTS_YOUNG if level.young else DROP_LASTS):
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


class RewardFlat(Rule):
    """All completions of a group earn the same, so that there is nothing to learn from.

    Good news where all of them are right. As bad as can be where nobody earns anything.
    """

    __slots__ = ("_earned", "_flats", "_row")

    signal = REWARD_FLAT
    watched = (REWARD_ZERO_STD, REWARD_STD)
    compared = (REWARD,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been earned yet."""
        self._earned = Earned()
        self._flats = self._row = 0  # records without a spread, in all and in a row

    def ordinary(self) -> Mapping[Series, Interval]:
        """Some spread, and some groups with one."""
        return {REWARD_STD: down_to(SPREADLESS), REWARD_ZERO_STD: up_to(self.first.limit)}

    def look_back(self, view: RecordView) -> Readings:
        """Follow what is earned."""
        self._earned.look_back(view)
        return ()

    def pending(self) -> bool:
        """While records without a spread are counted."""
        return self._row > 0

    def read(self, view: RecordView) -> SignalReading | None:
        """The share of groups without a spread; all of them where the spread is 0."""
        spread, share = view.values.get(REWARD_STD), view.values.get(REWARD_ZERO_STD)
        spreadless = spread is not None and spread < SPREADLESS
        where, value = (REWARD_STD, spread) if share is None else (REWARD_ZERO_STD, share)
        if value is None:
            return None
        score = 1.0 if spreadless else (share or 0.0)
        flat = score >= self.first.limit
        self._row, self._flats = self._row + 1 if flat else 0, self._flats + flat
        if not self._row or (self._is_common(view) and self._row < FLAT_RECORDS):
            return None
        size = self._weight(view, spreadless)
        if spread is not None and spreadless and (share is None or share < self.first.limit):
            return SignalReading(score, spread, REWARD_STD, size, limit=SPREADLESS)
        return SignalReading(score, value, where, size)

    def _weight(self, view: RecordView, spreadless: bool) -> float:
        if self._earned.is_solved(view):
            return ALL_RIGHT
        return NOTHING_EARNED if spreadless and self._earned.is_nothing(view) else NO_CONTRAST

    def _is_common(self, view: RecordView) -> bool:
        """Whether many records of the run have no spread, as with small batches; those in a row left out."""
        return self._flats - self._row >= FLAT_SHARE * view.index


RULES = (RewardDrop, RewardFunctionDrop, RewardFlat)
