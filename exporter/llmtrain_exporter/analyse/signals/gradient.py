"""Loss, gradients and the learning rate, record by record."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean

from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.rule import (
    ANY,
    ENTROPY,
    GRAD_NORM,
    KL,
    LEARNING_RATE,
    LOSS,
    REWARD,
    UNLIMITED,
    Interval,
    Reading,
    Row,
    Rule,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import limits
from llmtrain_exporter.model import Record, Series, series

RELATIVE_SPREAD = 0.05
"""A metric's spread is not taken to be smaller than this share of its median."""

EVAL_LOSS = series(c.LOSS, ("split", "eval"))


class NonFinite(Rule):
    """NaN or infinity. A loss that the trainer's filter shows as 0.0 stands beside a NaN gradient."""

    __slots__ = ()

    name = "non_finite"
    watched = (LOSS, GRAD_NORM, KL, REWARD, ENTROPY)

    def read(self, row: Row) -> Reading | None:
        """The first metric that is no finite number."""
        for one in self.watched:
            value = row.values.get(one, 0.0)
            if not math.isfinite(value):
                return Reading(1.0, value, one)
        return None

    def evaluate(self, record: Record, row: Row | None) -> Iterator[Reading | None]:  # noqa: ARG002
        """The evaluation's loss."""
        loss = record.get(c.LOSS)
        if loss is not None and not math.isfinite(loss):
            yield Reading(1.0, loss, EVAL_LOSS)


class LossSpike(Rule):
    """Loss far above the run's own, in robust standard deviations of its logarithm."""

    __slots__ = ()

    name = "loss_spike"
    watched = (LOSS,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Up to the limit, or to the floor above the baseline where that is higher."""
        if level is None:
            return ANY
        return -UNLIMITED, max(self.reach(level), level.median + self.first.floor)

    def read(self, row: Row) -> Reading | None:
        """Its score above the baseline."""
        loss, level = row.values.get(LOSS), row.levels.get(LOSS)
        if loss is None or level is None:
            return None
        score = self.score(loss, level)
        return Reading(
            score / level.caution, loss, LOSS, loss - level.median, *self._own(level), level.median
        )

    def score(self, loss: float, level: Level) -> float:
        """Robust z."""
        return level.log_score(loss, RELATIVE_SPREAD)

    def reach(self, level: Level) -> float:
        """The loss at the limit."""
        sigmas = self.first.limit * level.caution
        return level.median * math.exp(min(sigmas * level.log_sigma(RELATIVE_SPREAD), 50.0))

    def _own(self, level: Level) -> tuple[float, float]:
        """What turns the limit into a loss."""
        reach = max(self.reach(level), level.median + self.first.floor)
        return (reach - level.median) / self.first.limit, level.median


class PolicyLossSpike(LossSpike):
    """The same for a policy gradient's loss, which lies about 0 and has no logarithm."""

    __slots__ = ()

    def score(self, loss: float, level: Level) -> float:
        """Robust z."""
        return level.score(loss, self._spread(level))

    def reach(self, level: Level) -> float:
        """The loss at the limit."""
        sigmas = self.first.limit * level.caution
        return level.median + sigmas * level.sigma(self._spread(level))

    def _spread(self, level: Level) -> float:
        return max(RELATIVE_SPREAD * abs(level.median), self.first.floor / 100)


class GradNormHigh(Rule):
    """Gradient norm by its value, after the run's first records."""

    __slots__ = ()

    name = "grad_norm_high"
    watched = (GRAD_NORM,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Anything below the first limit."""
        return -UNLIMITED, self.first.limit

    def read(self, row: Row) -> Reading | None:
        """The value itself."""
        norm = row.values.get(GRAD_NORM)
        return None if norm is None or row.index <= limits.GRAD_EXEMPT else Reading(norm, norm, GRAD_NORM)


class GradSpike(Rule):
    """Gradient norm against the run's own, which can be 0.1 or 50,000."""

    __slots__ = ()

    name = "grad_spike"
    watched = (GRAD_NORM,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Up to the limit, or to the floor where that is higher."""
        if level is None or level.median <= 0:
            return ANY
        return -UNLIMITED, max(self.first.limit * self._unit(level), self.first.floor)

    def read(self, row: Row) -> Reading | None:
        """How many times the baseline it is."""
        norm, level = row.values.get(GRAD_NORM), row.levels.get(GRAD_NORM)
        if norm is None or level is None or level.median <= 0:
            return None
        unit = self._unit(level)
        return Reading(norm / unit, norm, GRAD_NORM, norm, unit, baseline=level.median)

    def _unit(self, level: Level) -> float:
        """The baseline, higher where the run's own high values are far above its median."""
        return max(level.median, level.top / limits.COMMON) * level.caution


class GradVanishing(Rule):
    """Hardly any gradient while the loss does not fall and there is a learning rate to learn with."""

    __slots__ = ()

    name = "grad_vanishing"
    watched = (GRAD_NORM,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Anything above the limit."""
        return self.first.limit, UNLIMITED

    def read(self, row: Row) -> Reading | None:
        """The value itself."""
        norm = row.values.get(GRAD_NORM)
        if norm is None or not row.values.get(LEARNING_RATE, 1.0) or self.is_learning(row):
            return None
        return Reading(norm, norm, GRAD_NORM)

    def is_learning(self, row: Row) -> bool:
        """Whether the loss of the last records is below that of the window."""
        level, recent = row.levels.get(LOSS), row.recent(LOSS, self.first.records)
        return level is None or not recent or fmean(recent) < limits.OVERFIT_FALL * level.median


class PolicyGradVanishing(GradVanishing):
    """The same for a policy gradient, whose loss lies about 0 and says nothing."""

    __slots__ = ()

    def is_learning(self, row: Row) -> bool:  # noqa: ARG002
        """Nobody can tell."""
        return False


class SupervisedGradVanishing(GradVanishing):
    """The same where a loss near 0 means that there is nothing left to learn."""

    __slots__ = ()

    def is_learning(self, row: Row) -> bool:
        """Below the FAQ's normal losses nothing has to."""
        return row.values.get(LOSS, 1.0) < limits.LOSS_CONVERGED or super().is_learning(row)


class LearningRate(Rule):
    """A learning rate outside of what people use."""

    __slots__ = ()

    name = "lr_out_of_range"
    watched = (LEARNING_RATE,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Between the two limits."""
        return limits.RATE_TOO_LOW, self.first.limit

    def read(self, row: Row) -> Reading | None:
        """The rate; a tiny one only in the middle of a run."""
        rate = row.values.get(LEARNING_RATE)
        if rate is None:
            return None
        first, last = limits.RATE_JUDGED
        judged = row.progress is not None and first < row.progress < last
        low = rate <= limits.RATE_TOO_LOW and judged
        return Reading(self.first.limit if low else rate, rate, LEARNING_RATE)
