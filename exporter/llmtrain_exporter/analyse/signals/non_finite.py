"""Numbers that are none: NaN, infinity, and the 0 that a trainer's filter puts in the place of a NaN loss."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping
from typing import ClassVar

from llmtrain_exporter.analyse.signals.rule import (
    ENTROPY,
    EVAL_LOSS,
    GRAD_NORM,
    KL,
    LOSS,
    POLICY_LOSS,
    PREFERENCES,
    RESPONSE_KL,
    REWARD,
    VALUE_LOSS,
    Context,
    Interval,
    Readings,
    RecordView,
    Rule,
    SignalReading,
    down_to,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.profile import GENERIC, GRPO, PPO, SFT
from llmtrain_exporter.knowledge.signals.non_finite import (
    HIDDEN_LOSS,
    HIDDEN_RECORDS,
    LOST,
    LOST_GRADIENTS,
    LOST_GRADIENTS_GRPO,
    NON_FINITE,
    PASSING,
)
from llmtrain_exporter.model import Series

ESSENTIAL = (LOSS, REWARD, *PREFERENCES)
"""What is no number once the weights are none."""

COSMETIC = (KL, ENTROPY)
"""Means over tokens: without a token to count, all of them masked, there is none, and nothing is wrong."""


class NonFinite(Rule):
    """NaN or infinity: at once where it is essential, in a row of records where it is the gradient alone.

    An fp16 loss scaler tries a scale that is too large now and then, sees the gradient overflow and skips it.
    """

    __slots__ = ("_gradients",)

    signal = NON_FINITE
    watched: ClassVar[tuple[Series, ...]] = (*ESSENTIAL, GRAD_NORM, *COSMETIC)
    zero_loss_lost = 1
    """Records in a row with such a gradient beside a loss of 0, from which on the weights are lost."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Another process begins with the weights of a checkpoint."""
        self._gradients = 0  # records in a row whose gradient is none

    def pending(self) -> bool:
        """While the gradient is none."""
        return self._gradients > 0

    def read(self, view: RecordView) -> SignalReading | None:
        """The first metric that is no finite number, the worst ones in front."""
        values = view.values
        self._gradients = 0 if math.isfinite(values.get(GRAD_NORM, 0.0)) else self._gradients + 1
        for watched in self.watched:
            value = values.get(watched, 0.0)
            if not math.isfinite(value):
                return SignalReading(self._weight(watched, values), value, watched)
        return None

    def evaluate(self, view: RecordView) -> Readings:
        """The evaluation's loss."""
        loss = view.record.get(c.LOSS)
        if loss is not None and not math.isfinite(loss):
            yield SignalReading(LOST, loss, EVAL_LOSS)

    def _weight(self, watched: Series, values: Mapping[Series, float]) -> float:
        if watched in COSMETIC:
            return PASSING
        enough = self.zero_loss_lost if values.get(LOSS) == 0.0 else LOST_GRADIENTS
        return PASSING if watched is GRAD_NORM and self._gradients < enough else LOST


class PolicyNonFinite(NonFinite):
    """The same where a loss of 0 is nothing unusual."""

    __slots__ = ()

    profiles = (GRPO,)
    zero_loss_lost = LOST_GRADIENTS_GRPO


class ResponseNonFinite(PolicyNonFinite):
    """The same of a policy with a value function, whose loss is logged in two parts."""

    __slots__ = ()

    profiles = (PPO,)
    watched = (*ESSENTIAL, POLICY_LOSS, VALUE_LOSS, RESPONSE_KL, GRAD_NORM, *COSMETIC)


class SupervisedNonFinite(NonFinite):
    """The same, and the loss that becomes exactly 0 at once: the trainer's filter shows a NaN so."""

    __slots__ = ("_zero_since", "_zeros")

    profiles = (SFT, GENERIC)
    compared = (LOSS,)

    def reset(self) -> None:
        """No loss has been 0 yet."""
        super().reset()
        self._zeros = 0  # records in a row whose loss is 0 and was not before
        self._zero_since: int | None = None  # step of the first of them

    def ordinary(self) -> Mapping[Series, Interval]:
        """Any loss but 0."""
        return {LOSS: down_to(sys.float_info.min)}

    def pending(self) -> bool:
        """While the loss is 0 as well."""
        return self._zeros > 0 or super().pending()

    def suspects(self) -> Collection[Series]:
        """The loss, from its first 0 on."""
        return (LOSS,) if self._zeros else ()

    def read(self, view: RecordView) -> SignalReading | None:
        """What is no number, else the loss that hides one."""
        loss = view.values.get(LOSS)
        hides = loss == 0.0 and (self._zeros > 0 or max(view.recent(LOSS, 1), default=0.0) > HIDDEN_LOSS)
        self._zeros = self._zeros + 1 if hides else 0
        self._zero_since = view.step if self._zeros == 1 else self._zero_since
        found = super().read(view)
        if self._zeros >= HIDDEN_RECORDS and (found is None or found.score < LOST):
            return SignalReading(LOST, 0.0, LOSS, began=self._zero_since)
        return found


RULES = (NonFinite, PolicyNonFinite, ResponseNonFinite, SupervisedNonFinite)
