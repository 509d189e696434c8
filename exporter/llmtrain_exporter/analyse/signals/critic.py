"""Whether the value function still tells better from worse."""

from __future__ import annotations

import math
from collections.abc import Iterator

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.signals.rule import (
    EXPLAINED_VARIANCE,
    VALUE_CLIP_RATIO,
    VALUE_LOSS,
    Context,
    Readings,
    RecordView,
    Rule,
    SignalReading,
)
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.critic import (
    EXPLAINED_LEAST,
    VALUE_BLOCKS,
    VALUE_FAULT,
    VALUE_LOSS_GROWN,
    VALUES_CLIPPED_MOST,
)


class ValueFault(Rule):
    """Values explain nothing, most of them are clipped, or their loss has grown, in the mean of a block."""

    __slots__ = ("_blocks", "_lowest")

    signal = VALUE_FAULT
    compared = (EXPLAINED_VARIANCE, VALUE_CLIP_RATIO, VALUE_LOSS)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been learnt yet."""
        self._blocks = 0
        self._lowest = math.inf  # mean loss of a block

    def look_back(self, view: RecordView) -> Readings:
        """The worst, in times its limit."""
        self._blocks += 1
        readings = [*self._explains_nothing(view), *self._clipped(view), *self._grown(view)]
        worst = max(readings, key=lambda reading: reading.score, default=None)
        yield worst if worst is not None and self.meets(worst) else None

    def _explains_nothing(self, view: RecordView) -> Iterator[SignalReading]:
        explained = view.recent(EXPLAINED_VARIANCE, BLOCK)
        if explained and self._blocks >= VALUE_BLOCKS:
            share = mean(explained)
            score = 1 + EXPLAINED_LEAST - share
            yield SignalReading(score, share, EXPLAINED_VARIANCE, limit=EXPLAINED_LEAST)

    def _clipped(self, view: RecordView) -> Iterator[SignalReading]:
        clipped = view.recent(VALUE_CLIP_RATIO, BLOCK)
        if clipped:
            share, unit = mean(clipped), VALUES_CLIPPED_MOST
            yield SignalReading(share / unit, share, VALUE_CLIP_RATIO, unit=unit)

    def _grown(self, view: RecordView) -> Iterator[SignalReading]:
        losses = view.recent(VALUE_LOSS, BLOCK)
        if not losses:
            return
        loss, lowest = mean(losses), self._lowest
        self._lowest = min(loss, lowest)
        if 0 < lowest < math.inf:
            unit = VALUE_LOSS_GROWN * lowest
            yield SignalReading(loss / unit, loss, VALUE_LOSS, unit=unit, baseline=lowest)


RULES = (ValueFault,)
