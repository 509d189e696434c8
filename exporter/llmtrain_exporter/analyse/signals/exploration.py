"""Entropy on its way: down without a reward for it, or up and away."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from llmtrain_exporter.analyse.averages import deviation, mean, median
from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.analyse.signals.rule import (
    ENTROPY,
    REWARD,
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
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.exploration import (
    EARLY_LEFT,
    EARLY_STEPS,
    ENTROPY_EXPLOSION,
    ENTROPY_FALL,
    ENTROPY_HELD,
    ENTROPY_SPREAD,
    EXPLODED_SIGMAS,
    FADED,
    FALL_RECORDS,
    HELD_BLOCKS,
    HELD_WITHIN,
    PAID_BY,
    REWARD_BESIDE,
    RISEN,
    STEEP_GOES_ON,
    STEEP_HALF,
    STEEP_RECORDS,
)


class EntropyRule(Rule):
    """Knows the last entropies, those that the baselines do not have because it doubts them, too."""

    __slots__ = ("_recent",)

    watched = (ENTROPY,)
    compared = (ENTROPY, REWARD)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing is known yet."""
        self._recent = array("d")  # of records that were examined

    def note(self, entropy: float) -> None:
        """That of a record that is examined."""
        self._recent.append(entropy)
        del self._recent[:-BLOCK]

    def block(self, view: RecordView) -> float | None:
        """The median of the last ones, about as many as a block has; None where there is none."""
        if 2 * len(view.recent(ENTROPY, BLOCK)) >= BLOCK:
            return view.median(ENTROPY, BLOCK)
        return median(self._recent) if self._recent else None


class Block(NamedTuple):
    """A block of records that others are held against."""

    entropy: float
    rewards: Sequence[float]

    def is_paid(self, rewards: Sequence[float]) -> bool:
        """Whether more is earned since, beyond the noise."""
        if len(self.rewards) < 2 or not rewards:
            return False
        return mean(rewards) - mean(self.rewards) > PAID_BY * deviation(self.rewards)


class EntropyFall(EntropyRule):
    """Much less than the run's own entropy, or than its first, while the reward does not rise."""

    __slots__ = ("_blocks", "_early", "_faded", "_held", "_lost_early", "_only_early")

    signal = ENTROPY_FALL

    def reset(self) -> None:
        """Nothing is known yet."""
        super().reset()
        self._early: tuple[float, float] | None = None  # entropy, and the highest reward, of the first block
        self._lost_early = self._only_early = False
        self._blocks: Lately[float] = Lately(HELD_BLOCKS)  # medians of the last ones
        self._held: Block | None = None  # the last block of those in which it was level
        self._faded = False  # since then, however slowly

    def pending(self) -> bool:
        """While a loss lasts."""
        return self._lost_early or self._faded

    def doubts(self) -> bool:
        """A loss that is only an early one is the run's new level."""
        return not self._only_early

    def ordinary_at(self, level: Level) -> Interval:
        """Down to the limit below the run's own."""
        return down_to(self.first.limit * level.median)

    def look_back(self, view: RecordView) -> Readings:
        """Hold the last block against the first one, and against those in which it was level."""
        entropy, rewards = self.block(view), view.recent(REWARD, BLOCK)
        self._lost_early = self._faded = False
        if entropy is not None:
            self._follow(entropy, rewards)
            self._look_at_first(entropy, rewards, view.step)
        return ()

    def _look_at_first(self, entropy: float, rewards: Sequence[float], step: int) -> None:
        if step > EARLY_STEPS:
            return
        if self._early is None:
            self._early = entropy, max(rewards, default=math.inf)
            return
        first, reward = self._early
        paid = bool(rewards) and median(rewards) > reward
        self._lost_early = entropy <= EARLY_LEFT * first and not paid

    def _follow(self, entropy: float, rewards: Sequence[float]) -> None:
        self._blocks.note(entropy)
        if len(self._blocks) == HELD_BLOCKS and 0 < max(self._blocks) <= HELD_WITHIN * min(self._blocks):
            self._held = Block(mean(self._blocks), array("d", rewards))
        held = self._held
        self._faded = held is not None and entropy <= FADED * held.entropy and not held.is_paid(rewards)

    def read(self, view: RecordView) -> SignalReading | None:
        """The share of the run's own entropy that is left, or of the one that it held, or had at first."""
        entropy = view.values.get(ENTROPY)
        if entropy is None:
            return None
        self.note(entropy)
        if self._faded and self._held is not None:
            held, force = self._held.entropy, Severity.WARNING
            return SignalReading(entropy / held, entropy, ENTROPY, unit=held, baseline=held, force=force)
        fallen = self._fallen(entropy, view)
        self._only_early = self._lost_early and fallen is None
        if self._only_early and self._early is not None:
            first, _ = self._early
            return SignalReading(1.0, entropy, ENTROPY, unit=first, baseline=first, force=Severity.INFO)
        return fallen

    def _fallen(self, entropy: float, view: RecordView) -> SignalReading | None:
        level = view.levels.get(ENTROPY)
        if level is None or level.young or entropy > self.first.limit * level.median or level.median <= 0:
            return None
        steep = self._is_steep(entropy, view)
        within = level.log_score(entropy, ENTROPY_SPREAD) > -outlying(level)
        if (within and not steep) or _is_paid(view, steep or _is_sudden(view)):
            return None
        usual = level.median
        return SignalReading(entropy / usual, entropy, ENTROPY, unit=usual, baseline=usual)

    def _is_steep(self, entropy: float, view: RecordView) -> bool:
        """Whether so much was lost in few records, though the range is wide from a slow loss before."""
        recent = [*view.recent(ENTROPY, STEEP_RECORDS), entropy]
        if len(recent) <= STEEP_RECORDS or min(recent) <= 0:
            return False
        before, middle = median(recent[:STEEP_HALF]), median(recent[STEEP_HALF:-1])
        return entropy <= self.first.limit * before and entropy <= STEEP_GOES_ON * middle


def _is_paid(view: RecordView, sudden: bool) -> bool:
    """Whether the reward rises for it: just now, or slowly, beside a slow fall."""
    rewards, level = view.recent(REWARD, FALL_RECORDS), view.levels.get(REWARD)
    if level is None or len(rewards) <= REWARD_BESIDE:
        return False
    before, now = mean(rewards[:-REWARD_BESIDE]), mean(rewards[-REWARD_BESIDE:])
    return now - before > level.high - level.low or (now > level.high and not sudden)


def _is_sudden(view: RecordView) -> bool:
    """Whether the entropy was still as usual some records ago."""
    level, recent = view.levels[ENTROPY], view.recent(ENTROPY, FALL_RECORDS)
    return not recent or median(recent[:REWARD_BESIDE]) >= ENTROPY_HELD * level.median


class EntropyExplosion(EntropyRule):
    """Much more than the run's own entropy, and out of its range; or than its lowest, for no reward."""

    __slots__ = ("_lowest", "_risen")

    signal = ENTROPY_EXPLOSION

    def reset(self) -> None:
        """Nothing is known yet."""
        super().reset()
        self._lowest: Block | None = None
        self._risen = False  # since then, however slowly

    def pending(self) -> bool:
        """While it is so much higher."""
        return self._risen

    def ordinary_at(self, level: Level) -> Interval:
        """Up to the limit above the run's own."""
        return up_to(max(self.first.limit * level.median, level.median + self.first.floor))

    def look_back(self, view: RecordView) -> Readings:
        """Hold the last block against the lowest one: of nothing there are no multiples."""
        entropy, rewards = self.block(view), view.recent(REWARD, BLOCK)
        self._risen = False
        if entropy is not None and entropy > 0:
            if self._lowest is None or entropy < self._lowest.entropy:
                self._lowest = Block(entropy, array("d", rewards))
            least = max(RISEN * self._lowest.entropy, self._lowest.entropy + self.first.floor)
            self._risen = entropy >= least and not self._lowest.is_paid(rewards)
        return ()

    def read(self, view: RecordView) -> SignalReading | None:
        """How many times the run's own entropy it is."""
        entropy, level = view.values.get(ENTROPY), view.levels.get(ENTROPY)
        if entropy is None:
            return None
        self.note(entropy)
        if self._risen and self._lowest is not None:
            lowest = self._lowest.entropy
            risen = entropy - lowest
            return SignalReading(
                entropy / lowest, entropy, ENTROPY, risen, lowest, baseline=lowest, force=self.least
            )
        if level is None or level.young or level.median <= 0:
            return None
        if level.log_score(entropy, ENTROPY_SPREAD) < EXPLODED_SIGMAS:
            return None
        usual = level.median
        return SignalReading(entropy / usual, entropy, ENTROPY, entropy - usual, usual, baseline=usual)


RULES = (EntropyFall, EntropyExplosion)
