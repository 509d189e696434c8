"""The loss: spikes, rebounds, plateaus, and one that is lost for good."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.baseline import UNLIMITED, Level
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.analyse.signals.rule import (
    LOSS,
    VALUE_LOSS,
    Context,
    Interval,
    Readings,
    RecordView,
    Rule,
    SignalReading,
    up_to,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.own_level import BLOCK, FLOOR_SPREADS, RELATIVE_SPREAD
from llmtrain_exporter.knowledge.profile import GRPO, PPO
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.loss import (
    CLIMB_BLOCKS,
    CLIMB_STEP,
    CLIMBED,
    CLIMBED_BY,
    GUESSING_LOSS,
    LOSS_DIVERGED,
    LOSS_PLATEAU,
    LOSS_SPIKE,
    LOSS_UNSTABLE,
    PINNED_PROGRESS,
    PINNED_RANGE,
    PINNED_RECORDS,
    PLATEAU_EPOCHS,
    PLATEAU_RISE,
    RELAXED,
    SMOOTHED_RECORDS,
    SMOOTHED_STEPS,
)
from llmtrain_exporter.model import Series


class LossSpike(Rule):
    """Loss far above the run's own, in robust standard deviations of its logarithm."""

    __slots__ = ()

    signal = LOSS_SPIKE
    spiking: ClassVar[Series] = LOSS
    watched: ClassVar[tuple[Series, ...]] = (LOSS,)
    compared: ClassVar[tuple[Series, ...]] = (LOSS,)

    def ordinary_at(self, level: Level) -> Interval:
        """Up to the limit, or to the floor above the baseline where that is higher."""
        return up_to(self._highest(level))

    def read(self, view: RecordView) -> SignalReading | None:
        """Its score above the baseline."""
        loss, level = view.values.get(self.spiking), view.levels.get(self.spiking)
        if loss is None or level is None:
            return None
        score = self.score(loss, level)
        return SignalReading(
            score / level.caution, loss, self.spiking, loss - level.median, *self._own(level), level.median
        )

    def score(self, loss: float, level: Level) -> float:
        """Robust z."""
        return level.log_score(loss, RELATIVE_SPREAD)

    def reach(self, level: Level) -> float:
        """The loss at the limit."""
        sigmas = self.first.limit * level.caution
        return level.median * math.exp(level.exponent(sigmas, RELATIVE_SPREAD))

    def _highest(self, level: Level) -> float:
        return max(self.reach(level), level.median + self.first.floor)

    def _own(self, level: Level) -> tuple[float, float]:
        """What turns the limit into a loss."""
        return (self._highest(level) - level.median) / self.first.limit, level.median


class PolicyLossSpike(LossSpike):
    """The same for a policy gradient's loss, which lies about 0 and has no logarithm."""

    __slots__ = ()

    profiles = (GRPO,)

    def score(self, loss: float, level: Level) -> float:
        """Robust z."""
        return level.score(loss, self._spread(level))

    def reach(self, level: Level) -> float:
        """The loss at the limit."""
        sigmas = self.first.limit * level.caution
        return level.median + sigmas * level.sigma(self._spread(level))

    def _spread(self, level: Level) -> float:
        return max(RELATIVE_SPREAD * abs(level.median), self.first.floor / FLOOR_SPREADS)


class ValueLossSpike(LossSpike):
    """The same of a value function; beside it a policy's own loss says nothing."""

    __slots__ = ()

    profiles = (PPO,)
    spiking = VALUE_LOSS
    watched = compared = (VALUE_LOSS,)


class LossDiverged(Rule):
    """Loss as high as a model's that guesses, in a run that was clearly better or stays where it began."""

    __slots__ = ("_lowest", "_pinned", "_start")

    signal = LOSS_DIVERGED
    watched = compared = (LOSS,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been reached yet."""
        self._lowest = UNLIMITED
        self._start = math.nan  # loss of the first record
        self._pinned = 0  # records from the first on that have not left it

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything below the limit."""
        return {LOSS: up_to(self.first.limit)}

    def read(self, view: RecordView) -> SignalReading | None:
        """The loss itself, and how far it has come from the lowest one."""
        loss, level = view.values.get(LOSS), view.levels.get(LOSS)
        if loss is None:
            return None
        usual = self._lowest if level is None else level.median
        self._lowest = min(self._lowest, usual, loss)
        force = Severity.CRITICAL if self._is_pinned(view, loss) else None
        return SignalReading(loss, loss, LOSS, loss - self._lowest, baseline=self._lowest, force=force)

    def _is_pinned(self, view: RecordView, loss: float) -> bool:
        """Whether nothing was ever learned. From scratch a loss begins there, too, but does not stay."""
        if view.index == 1:
            self._start = loss
        if loss < GUESSING_LOSS or abs(loss - self._start) > PINNED_RANGE:
            return False
        self._pinned += 1
        late = view.progress is None or view.progress >= PINNED_PROGRESS
        return late and self._pinned == view.index >= PINNED_RECORDS


class Climb:
    """A loss that rises from block to block, above its best block. A step up to new data is none."""

    __slots__ = ("_best", "_blocks", "_recent", "lasts")

    def __init__(self) -> None:
        self._best = UNLIMITED  # mean of a block
        self._blocks: Lately[float] = Lately(CLIMB_BLOCKS)  # means of the last ones
        self._recent: Lately[float] = Lately(SMOOTHED_RECORDS)  # while it lasts
        self.lasts = False

    def look_back(self, block: float) -> None:
        """Take in the mean of a block of records."""
        self._blocks.note(block)
        self._best = min(self._best, block)
        rise = block - self._blocks[0]
        steady = all(later - before >= CLIMB_STEP * rise > 0 for before, later in pairwise(self._blocks))
        if steady and len(self._blocks) == CLIMB_BLOCKS and self._is_high(block) and not self.lasts:
            self.lasts = True
            self._recent.clear()

    def read(self, loss: float) -> tuple[float, float] | None:
        """The mean of the last records and the best; None: it does not climb, or has come back."""
        if not self.lasts:
            return None
        self._recent.note(loss)
        now = mean(self._recent)
        self.lasts = self._is_high(now)
        return (now, self._best) if self.lasts else None

    def _is_high(self, loss: float) -> bool:
        return loss >= max(CLIMBED * self._best, self._best + CLIMBED_BY)


class LossUnstable(Rule):
    """The smoothed loss bounces back from where it has been, at once or slowly."""

    __slots__ = ("_climb", "_last_step", "_lowest", "_records")

    signal = LOSS_UNSTABLE
    watched = compared = (LOSS,)
    moves_bounds = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been reached yet."""
        self._lowest = 0.0
        self._climb = Climb()
        self._records = SMOOTHED_RECORDS
        self._last_step: int | None = None

    def pending(self) -> bool:
        """While it climbs."""
        return self._climb.lasts

    def ordinary(self) -> Mapping[Series, Interval]:
        """A mean cannot bounce back as long as no record does."""
        bounce = max(self.first.limit * self._lowest, self._lowest + self.first.floor)
        return {LOSS: up_to(bounce)} if self._lowest else {}

    def look_back(self, view: RecordView) -> Readings:
        """Follow the lowest smoothed loss downwards."""
        steps = 0 if self._last_step is None else view.step - self._last_step
        self._last_step = view.step
        if steps > 0:
            self._records = max(1, min(SMOOTHED_RECORDS, round(SMOOTHED_STEPS * BLOCK / steps)))
        recent = view.recent(LOSS, BLOCK)
        if len(recent) == BLOCK:
            self._climb.look_back(mean(recent))
            groups = [recent[at : at + self._records] for at in range(0, BLOCK, self._records)]
            means = [mean(group) for group in groups if len(group) == self._records]
            self._lowest = min(means + [self._lowest * RELAXED**BLOCK] * bool(self._lowest))
        return ()

    def read(self, view: RecordView) -> SignalReading | None:
        """How many times the lowest smoothed loss the smoothed loss is, or the best that it climbs from."""
        loss, lowest = view.values.get(LOSS), self._lowest
        if loss is None or lowest <= 0:
            return None
        climbed = self._climb.read(loss)
        if climbed is not None:
            now, best = climbed
            limit = CLIMBED * best
            return SignalReading(now / best, now, LOSS, now - best, best, 0, best, self.least, limit=limit)
        recent = [*view.recent(LOSS, self._records - 1), loss] if self._records > 1 else [loss]
        smoothed = mean(recent)
        return SignalReading(smoothed / lowest, loss, LOSS, smoothed - lowest, lowest, baseline=lowest)


class LossPlateau(Rule):
    """The loss hardly falls over epochs, and is not low."""

    __slots__ = ("_epoch", "_losses")

    signal = LOSS_PLATEAU
    compared = (LOSS,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """No epoch is over yet."""
        self._losses: Lately[float] = Lately(PLATEAU_EPOCHS + 1)
        self._epoch = 0

    def look_back(self, view: RecordView) -> Readings:
        """The loss at the end of an epoch over that of some epochs before.

        A level is of values that no signal distrusts: where the loss as logged has left it, it says nothing.
        """
        epoch, level, logged = view.record.get(c.EPOCH), view.levels.get(LOSS), view.record.get(c.LOSS)
        if epoch is None or level is None or not 1 <= epoch < UNLIMITED or int(epoch) <= self._epoch:
            return
        if logged is None or not logged < min(GUESSING_LOSS, PLATEAU_RISE * level.median):
            return
        self._epoch = int(epoch)
        self._losses.note(level.median)
        if len(self._losses) > PLATEAU_EPOCHS and self._losses[0] > 0:
            before = self._losses[0]
            yield SignalReading(
                level.median / before, level.median, LOSS, level.median, before, baseline=before
            )


RULES = (LossSpike, PolicyLossSpike, ValueLossSpike, LossDiverged, LossUnstable, LossPlateau)
