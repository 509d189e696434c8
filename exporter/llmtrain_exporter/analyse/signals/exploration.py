"""Entropy on its way: down without a reward for it, or up and away."""

from __future__ import annotations

import math

from llmtrain_exporter.analyse.averages import mean, median
from llmtrain_exporter.analyse.baseline import Level
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
    FALL_RECORDS,
    REWARD_BESIDE,
    STEEP_GOES_ON,
    STEEP_HALF,
    STEEP_RECORDS,
)


class EntropyFall(Rule):
    """Much less than the run's own entropy, or than its first, while the reward does not rise."""

    __slots__ = ("_early", "_lost_early")

    signal = ENTROPY_FALL
    watched = (ENTROPY,)
    compared = (ENTROPY, REWARD)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing is known yet."""
        self._early: tuple[float, float] | None = None  # entropy, and the highest reward, of the first block
        self._lost_early = False

    def pending(self) -> bool:
        """While an early loss lasts."""
        return self._lost_early

    def ordinary_at(self, level: Level) -> Interval:
        """Down to the limit below the run's own."""
        return down_to(self.first.limit * level.median)

    def look_back(self, view: RecordView) -> Readings:
        """Hold the first steps' blocks against the first of them."""
        early, self._lost_early = self._early, False
        if view.step > EARLY_STEPS:
            return
        entropies, rewards = view.recent(ENTROPY, BLOCK), view.recent(REWARD, BLOCK)
        if not entropies:
            return
        if early is None:
            self._early = median(entropies), max(rewards, default=math.inf)
            return
        entropy, reward = early
        paid = bool(rewards) and median(rewards) > reward
        self._lost_early = median(entropies) <= EARLY_LEFT * entropy and not paid
        yield from ()

    def read(self, view: RecordView) -> SignalReading | None:
        """The share of the run's own entropy that is left."""
        entropy, level = view.values.get(ENTROPY), view.levels.get(ENTROPY)
        if entropy is None:
            return None
        if self._lost_early and self._early is not None:
            first, _ = self._early
            return SignalReading(1.0, entropy, ENTROPY, unit=first, baseline=first, force=Severity.INFO)
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


class EntropyExplosion(Rule):
    """Much more than the run's own entropy, and out of its range."""

    __slots__ = ()

    signal = ENTROPY_EXPLOSION
    watched = compared = (ENTROPY,)

    def ordinary_at(self, level: Level) -> Interval:
        """Up to the limit above the run's own."""
        return up_to(max(self.first.limit * level.median, level.median + self.first.floor))

    def read(self, view: RecordView) -> SignalReading | None:
        """How many times the run's own entropy it is."""
        entropy, level = view.values.get(ENTROPY), view.levels.get(ENTROPY)
        if entropy is None or level is None or level.young or level.median <= 0:
            return None
        if level.log_score(entropy, ENTROPY_SPREAD) < EXPLODED_SIGMAS:
            return None
        usual = level.median
        return SignalReading(entropy / usual, entropy, ENTROPY, entropy - usual, usual, baseline=usual)


RULES = (EntropyFall, EntropyExplosion)
