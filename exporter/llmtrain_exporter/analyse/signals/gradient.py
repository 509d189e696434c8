"""The gradient, and the rate at which it is followed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from llmtrain_exporter.analyse.averages import mean, median
from llmtrain_exporter.analyse.baseline import Level, top_of
from llmtrain_exporter.analyse.signals.earned import Earned
from llmtrain_exporter.analyse.signals.rule import (
    ANY,
    GRAD_NORM,
    LEARNING_RATE,
    LOSS,
    REWARD,
    Context,
    Interval,
    Readings,
    RecordView,
    Rule,
    SignalReading,
    down_to,
    up_to,
)
from llmtrain_exporter.knowledge.own_level import COMMON, LOSS_FALLEN, MATURE
from llmtrain_exporter.knowledge.profile import GENERIC, GRPO, SFT
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.gradient import (
    GRAD_CALM,
    GRAD_EXEMPT,
    GRAD_NORM_HIGH,
    GRAD_SPIKE,
    GRAD_VANISHING,
    LOSS_CONVERGED,
    LOSS_MEMORISED,
    LR_OUT_OF_RANGE,
    RATE_JUDGED_FROM,
    RATE_JUDGED_TO,
    RATE_NEVER,
    RATE_TOO_LOW,
)
from llmtrain_exporter.knowledge.signals.loss import SMOOTHED_RECORDS
from llmtrain_exporter.model import Series


class GradNormHigh(Rule):
    """Gradient norm by its value, after the run's first records; higher where the run's own is high."""

    __slots__ = ("_first", "_own")

    signal = GRAD_NORM_HIGH
    watched = (GRAD_NORM,)
    compared = (GRAD_NORM, LOSS)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing is known yet."""
        self._first: list[float] = []  # the first norms that are not too high
        self._own = math.nan  # what most of them are below

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything below the first limit."""
        return {GRAD_NORM: up_to(self.first.limit)}

    def read(self, view: RecordView) -> SignalReading | None:
        """The value itself, unless the run knows its samples by heart."""
        norm = view.values.get(GRAD_NORM)
        if norm is None or view.index <= GRAD_EXEMPT:
            return None
        unit = self._unit(norm, view)
        reading = SignalReading(norm / unit, norm, GRAD_NORM, unit=unit)
        if view.index <= MATURE and not self.meets(reading):
            self._first.append(norm)
        if view.index >= MATURE:
            self._settle()
        return None if _memorised(view) else reading

    def _unit(self, norm: float, view: RecordView) -> float:
        """By how much limits are higher, to be above what the run had from the start, and still has."""
        if view.index <= MATURE:
            own = median([*self._first, norm])
        else:
            self._settle()
            own = self._own
        level = view.levels.get(GRAD_NORM)
        if level is not None and not level.young:
            own = min(own, level.top)
        return max(1.0, own / GRAD_CALM)

    def _settle(self) -> None:
        """Of the first norms no more is kept than what most of them are below."""
        if self._first:
            self._own, self._first = top_of(self._first), []


def _memorised(view: RecordView) -> bool:
    """Whether samples are known by heart, so that one that is not makes a gradient of any size."""
    loss = view.values.get(LOSS)
    return loss is not None and median([*view.recent(LOSS, SMOOTHED_RECORDS), loss]) < LOSS_MEMORISED


class GradSpike(Rule):
    """Gradient norm against the run's own, which can be 0.1 or 50,000."""

    __slots__ = ()

    signal = GRAD_SPIKE
    profiles: ClassVar[tuple[str, ...]] = ()
    watched = (GRAD_NORM,)
    compared: ClassVar[tuple[Series, ...]] = (GRAD_NORM,)

    def ordinary_at(self, level: Level) -> Interval:
        """Up to the limit, or to the floor where that is higher."""
        if level.median <= 0:
            return ANY
        return up_to(max(self.first.limit * self._unit(level), self.first.floor))

    def read(self, view: RecordView) -> SignalReading | None:
        """How many times the baseline it is. What is no number is another signal's."""
        norm, level = view.values.get(GRAD_NORM), view.levels.get(GRAD_NORM)
        if norm is None or not math.isfinite(norm) or level is None or level.median <= 0:
            return None
        unit = self._unit(level)
        return SignalReading(norm / unit, norm, GRAD_NORM, norm, unit, baseline=level.median)

    def jumped(self, view: RecordView) -> bool:
        """One record is a sign beside those of other families, whether or not it is warned of alone."""
        return GRAD_NORM in view.values

    def _unit(self, level: Level) -> float:
        """The baseline, higher where the run's own high values are far above its median."""
        return max(level.median, level.top / COMMON) * level.caution


class SupervisedGradSpike(GradSpike):
    """The same, unless the run knows its samples by heart."""

    __slots__ = ()

    profiles = (SFT,)
    compared = (GRAD_NORM, LOSS)

    def read(self, view: RecordView) -> SignalReading | None:
        """How many times the baseline it is."""
        return None if _memorised(view) else super().read(view)


class NoGradient(Rule):
    """Hardly any gradient, and a learning rate to learn with; or neither from the first record on."""

    __slots__ = ("_moved",)

    signal = GRAD_VANISHING
    watched = (GRAD_NORM,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """No step has changed anything yet."""
        self._moved = False

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything above the limit."""
        return {GRAD_NORM: down_to(self.first.limit)}

    def read(self, view: RecordView) -> SignalReading | None:
        """The value itself. Without a learning rate, at the end of a schedule, it says nothing more."""
        norm, rate = view.values.get(GRAD_NORM), view.values.get(LEARNING_RATE, 1.0)
        self._moved = self._moved or bool(norm) or rate > 0
        if norm is None or (rate == 0 and self._moved):
            return None
        return SignalReading(norm, norm, GRAD_NORM)


class PolicyGradVanishing(NoGradient):
    """The same while the task is not solved. The loss of a policy gradient says nothing."""

    __slots__ = ("_earned",)

    profiles = (GRPO,)
    compared = (REWARD,)

    def reset(self) -> None:
        """Nothing has been earned yet."""
        super().reset()
        self._earned = Earned()

    def look_back(self, view: RecordView) -> Readings:
        """Follow what is earned."""
        self._earned.look_back(view)
        return ()

    def read(self, view: RecordView) -> SignalReading | None:
        """The value itself, unless all completions are right by what steps have changed."""
        reading = super().read(view)
        return None if self._moved and self._earned.is_solved(view) else reading


class GradVanishing(NoGradient):
    """The same while the loss does not fall."""

    __slots__ = ()

    profiles: ClassVar[tuple[str, ...]] = ()
    compared = (LOSS,)

    def read(self, view: RecordView) -> SignalReading | None:
        """The value itself, unless something is learned."""
        reading = super().read(view)
        return None if self._moved and self.is_learning(view) else reading

    def is_learning(self, view: RecordView) -> bool:
        """Whether the loss of the last records is below that of the window."""
        level, recent = view.levels.get(LOSS), view.recent(LOSS, self.first.records)
        return level is None or not recent or mean(recent) < LOSS_FALLEN * level.median


class SupervisedGradVanishing(GradVanishing):
    """The same where a loss near 0 means that there is nothing left to learn."""

    __slots__ = ()

    profiles = (SFT, GENERIC)

    def is_learning(self, view: RecordView) -> bool:
        """Below the FAQ's normal losses nothing has to."""
        return view.values.get(LOSS, 1.0) < LOSS_CONVERGED or super().is_learning(view)


class LearningRate(Rule):
    """A learning rate outside of what people use."""

    __slots__ = ("_used",)

    signal = LR_OUT_OF_RANGE
    watched = (LEARNING_RATE,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """No step had a learning rate of any use yet."""
        self._used = False

    def ordinary(self) -> Mapping[Series, Interval]:
        """Between the two limits."""
        return {LEARNING_RATE: (RATE_TOO_LOW, self.first.limit)}

    def read(self, view: RecordView) -> SignalReading | None:
        """The rate; a tiny one only in the middle of a run, or to its end where it never was another."""
        rate = view.values.get(LEARNING_RATE)
        if rate is None:
            return None
        self._used = self._used or rate > RATE_TOO_LOW
        until = RATE_JUDGED_TO if self._used else math.inf
        judged = view.progress is not None and RATE_JUDGED_FROM < view.progress < until
        low = rate <= RATE_TOO_LOW and judged
        if low:
            never = rate == 0 and not self._used and view.index > RATE_NEVER
            force = Severity.WARNING if never else None
            return SignalReading(self.first.limit, rate, LEARNING_RATE, limit=RATE_TOO_LOW, force=force)
        return SignalReading(rate, rate, LEARNING_RATE)


RULES = (
    GradNormHigh,
    GradSpike,
    SupervisedGradSpike,
    PolicyGradVanishing,
    GradVanishing,
    SupervisedGradVanishing,
    LearningRate,
)
