"""Numbers that are none: NaN, infinity, and the 0 that a trainer's filter puts in the place of a NaN loss."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping
from typing import ClassVar

from llmtrain_exporter.analyse.signals.rule import (
    ENTROPY,
    GRAD_NORM,
    KL,
    LOSS,
    POLICY_LOSS,
    PREFERENCES,
    RESPONSE_KL,
    REWARD,
    TOKEN_ACCURACY,
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
from llmtrain_exporter.knowledge.profile import DPO, GENERIC, GRPO, PPO, REWARD_MODEL, SFT
from llmtrain_exporter.knowledge.signals.non_finite import (
    FUNCTION_GONE,
    HIDDEN_ACCURACY,
    HIDDEN_LAST,
    HIDDEN_LASTING,
    HIDDEN_LOSS,
    HIDDEN_RECORDS,
    HIDDEN_WITHIN,
    LOST,
    LOST_GRADIENTS,
    LOST_GRADIENTS_GRPO,
    NON_FINITE,
    PASSING,
)
from llmtrain_exporter.model import Series

ESSENTIAL = (LOSS, REWARD, *PREFERENCES)
"""What is no number once the weights are none."""

_JUDGED = frozenset(watched.metric for watched in ESSENTIAL)

COSMETIC = (KL, ENTROPY)
"""Means over tokens: without a token to count, all of them masked, there is none, and nothing is wrong."""


class NonFinite(Rule):
    """NaN or infinity: at once where it is essential, in a row of records where it is the gradient alone.

    An fp16 loss scaler tries a scale that is too large now and then, sees the gradient overflow and skips it.
    What an evaluation shows lasts until another one is well.
    """

    __slots__ = ("_evaluated", "_gradients")

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
        self._evaluated: SignalReading | None = None  # what the last evaluation showed

    def pending(self) -> bool:
        """While the gradient is none, or the last evaluation was."""
        return self._gradients > 0 or self._evaluated is not None

    def is_sign(self, reading: SignalReading) -> bool:
        """What passes by itself, and what evaluations show, is no sign of an incident."""
        return reading.score >= LOST and reading is not self._evaluated

    def read(self, view: RecordView) -> SignalReading | None:
        """The first metric that is no finite number, the worst ones in front."""
        values = view.values
        self._gradients = 0 if math.isfinite(values.get(GRAD_NORM, 0.0)) else self._gradients + 1
        for watched in self.watched:
            value = values.get(watched, 0.0)
            if not math.isfinite(value):
                return self._worse(SignalReading(self._weight(watched, values), value, watched))
        return self._evaluated

    def evaluate(self, view: RecordView) -> Readings:
        """The first metric of an evaluation that is no finite number."""
        found = (
            SignalReading(LOST, value, where)
            for where, value in zip(view.record.layout.series, view.record.values, strict=True)
            if not math.isfinite(value) and where.metric in _JUDGED
        )
        self._evaluated = next(found, None)
        if self._evaluated is not None:
            yield self._evaluated

    def _worse(self, reading: SignalReading) -> SignalReading:
        return reading if reading.score >= LOST else self._evaluated or reading

    def _is_worse(self, reading: SignalReading | None) -> bool:
        """Whether a reading of a training record says as much as a NaN that is hidden."""
        return reading is not None and reading is not self._evaluated and reading.score >= LOST

    def _weight(self, watched: Series, values: Mapping[Series, float]) -> float:
        if watched in COSMETIC:
            return PASSING
        enough = self.zero_loss_lost if values.get(LOSS) == 0.0 else LOST_GRADIENTS
        return PASSING if watched is GRAD_NORM and self._gradients < enough else LOST


class PolicyNonFinite(NonFinite):
    """The same where a loss of 0 is nothing unusual, and reward functions may have no number to give."""

    __slots__ = ("_gone",)

    profiles = (GRPO,)
    watched_metric = c.REWARD_FUNCTION_MEAN
    zero_loss_lost = LOST_GRADIENTS_GRPO

    def reset(self) -> None:
        """Every reward function has given numbers."""
        super().reset()
        self._gone: dict[Series, int] = {}  # records in a row in which a reward function gave none

    def pending(self) -> bool:
        """While a reward function gives no number as well."""
        return bool(self._gone) or super().pending()

    def read(self, view: RecordView) -> SignalReading | None:
        """What is no number, else the reward function that has not been one for long."""
        lost = [
            watched
            for watched, value in view.values.items()
            if watched.metric is c.REWARD_FUNCTION_MEAN and not math.isfinite(value)
        ]
        self._gone = {watched: self._gone.get(watched, 0) + 1 for watched in lost}
        found = super().read(view)
        gone = next((watched for watched, count in self._gone.items() if count >= FUNCTION_GONE), None)
        return SignalReading(PASSING, math.nan, gone) if found is None and gone is not None else found


class ResponseNonFinite(PolicyNonFinite):
    """The same of a policy with a value function, whose loss is logged in two parts."""

    __slots__ = ()

    profiles = (PPO,)
    watched = (*ESSENTIAL, POLICY_LOSS, VALUE_LOSS, RESPONSE_KL, GRAD_NORM, *COSMETIC)


class PreferenceNonFinite(NonFinite):
    """The same, and all that is known of the pairs exactly 0: a loss of 0 needs a margin."""

    __slots__ = ("_zeros",)

    profiles = (DPO, REWARD_MODEL)

    def reset(self) -> None:
        """Nothing has been 0 yet."""
        super().reset()
        self._zeros = 0  # records in a row in which all was

    def ordinary(self) -> Mapping[Series, Interval]:
        """Any loss but 0."""
        return {LOSS: down_to(sys.float_info.min)}

    def pending(self) -> bool:
        """While all is 0 as well."""
        return self._zeros > 0 or super().pending()

    def read(self, view: RecordView) -> SignalReading | None:
        """What is no number, else what hides one."""
        pairs = [view.values[watched] for watched in PREFERENCES if watched in view.values]
        hides = view.values.get(LOSS) == 0.0 and bool(pairs) and not any(pairs)
        self._zeros = self._zeros + 1 if hides else 0
        found = super().read(view)
        hidden = self._zeros >= HIDDEN_RECORDS and not self._is_worse(found)
        return SignalReading(LOST, 0.0, LOSS) if hidden else found


class Zeros:
    """Records in a row whose loss is 0, from the first of them on, and how many of them are no accident."""

    __slots__ = ("count", "enough", "gradient", "since")

    def __init__(self, view: RecordView) -> None:
        """`view`: of the first."""
        before = view.recent(LOSS, HIDDEN_WITHIN)
        self.since = view.step
        self.count = 0
        self.gradient = view.values.get(GRAD_NORM)
        self.enough: float = HIDDEN_LASTING
        if before and before[-1] > HIDDEN_LAST and max(before) > HIDDEN_LOSS:
            self.enough = HIDDEN_RECORDS
        elif before and before[-1] <= HIDDEN_LAST:
            self.enough = math.inf

    def add(self, view: RecordView) -> None:
        """The next record. A gradient that moves, and samples known by heart, make a loss of 0 a real one."""
        self.count += 1
        moves = view.values.get(GRAD_NORM) != self.gradient
        learned = view.values.get(TOKEN_ACCURACY, 0.0) >= HIDDEN_ACCURACY
        if self.enough > HIDDEN_RECORDS and (moves or learned or REWARD in view.values):
            self.enough = math.inf

    @property
    def hide(self) -> bool:
        """Whether they may hide a NaN."""
        return self.enough < math.inf


class SupervisedNonFinite(NonFinite):
    """The same, and the loss that is exactly 0 without having been learned: a NaN filter shows a NaN so."""

    __slots__ = ("_zeros",)

    profiles = (SFT, GENERIC)
    compared = (LOSS, TOKEN_ACCURACY, REWARD)

    def reset(self) -> None:
        """No loss has been 0 yet."""
        super().reset()
        self._zeros: Zeros | None = None  # the last records, if their loss is 0

    def ordinary(self) -> Mapping[Series, Interval]:
        """Any loss but 0."""
        return {LOSS: down_to(sys.float_info.min)}

    def pending(self) -> bool:
        """While the loss hides something as well."""
        return (self._zeros is not None and self._zeros.hide) or super().pending()

    def suspects(self) -> Collection[Series]:
        """The loss, from its first 0 on."""
        return (LOSS,) if self._zeros is not None and self._zeros.hide else ()

    def read(self, view: RecordView) -> SignalReading | None:
        """What is no number, else the loss that hides one."""
        if view.values.get(LOSS) == 0.0:
            self._zeros = self._zeros or Zeros(view)
            self._zeros.add(view)
        else:
            self._zeros = None
        found = super().read(view)
        zeros = self._zeros
        if zeros is not None and zeros.count >= zeros.enough and not self._is_worse(found):
            return SignalReading(LOST, 0.0, LOSS, began=zeros.since)
        return found


RULES = (NonFinite, PolicyNonFinite, ResponseNonFinite, PreferenceNonFinite, SupervisedNonFinite)
