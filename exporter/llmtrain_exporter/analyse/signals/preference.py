"""Training from pairs of answers: what it costs the chosen ones, and whether it carries over."""

from __future__ import annotations

import math

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.signals.rule import (
    EVAL_PREFERENCE_ACCURACY,
    MARGIN,
    PREFERENCE_ACCURACY,
    SIDES_LOGPS,
    SIDES_REWARDS,
    Context,
    Readings,
    RecordView,
    Rule,
    SignalReading,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.preference import (
    DISPLACED_LOGPS,
    LEARNED_ACCURACY,
    LEARNED_RECORDS,
    LIKELIHOOD_DISPLACEMENT,
    MARGIN_EXPLOSION,
    PREFERENCE_OVERFIT,
)
from llmtrain_exporter.model import Series


class LikelihoodDisplacement(Rule):
    """Both sides have become less likely, the rejected more so; by rewards, else by log probabilities."""

    __slots__ = ("_first",)

    signal = LIKELIHOOD_DISPLACEMENT
    compared = (*SIDES_REWARDS, *SIDES_LOGPS)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing is known yet."""
        self._first: tuple[float, float] | None = None  # log probabilities of the first block

    def look_back(self, view: RecordView) -> Readings:
        """The chosen answers' reward; a log probability as its share of the first."""
        chosen, rejected = (_mean(view, side) for side in SIDES_REWARDS)
        if not math.isnan(chosen):
            where, _ = SIDES_REWARDS
            yield SignalReading(chosen, chosen, where) if rejected < chosen else None
            return
        chosen, rejected = (_mean(view, side) for side in SIDES_LOGPS)
        if math.isnan(chosen) or math.isnan(rejected):
            return
        if self._first is None:
            self._first = chosen, rejected
        first, other = self._first
        limit, (where, _) = DISPLACED_LOGPS * first, SIDES_LOGPS
        fallen = first < 0 and chosen <= limit and rejected - other < chosen - first
        unit = limit / self.first.limit
        yield SignalReading(chosen / unit, chosen, where, unit=unit, baseline=first) if fallen else None


def _mean(view: RecordView, of: Series) -> float:
    recent = view.recent(of, BLOCK)
    return mean(recent) if len(recent) * 2 >= BLOCK else math.nan


class MarginExplosion(Rule):
    """A margin that is far larger than the loss asks for, in the mean of a block."""

    __slots__ = ()

    signal = MARGIN_EXPLOSION
    compared = (MARGIN,)

    def look_back(self, view: RecordView) -> Readings:
        """The margin."""
        margin = _mean(view, MARGIN)
        if not math.isnan(margin):
            yield SignalReading(margin, margin, MARGIN)


class PreferenceOverfit(Rule):
    """The evaluation's accuracy is below its best, while training's is nearly 1."""

    __slots__ = ("_best",)

    signal = PREFERENCE_OVERFIT
    compared = (PREFERENCE_ACCURACY,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been evaluated yet."""
        self._best = 0.0

    def evaluate(self, view: RecordView) -> Readings:
        """The share of the best accuracy that is lost."""
        accuracy, recent = (
            view.record.get(c.PREFERENCE_ACCURACY),
            view.recent(PREFERENCE_ACCURACY, LEARNED_RECORDS),
        )
        if accuracy is None or not recent or not math.isfinite(accuracy):
            return
        best = self._best = max(self._best, accuracy)
        learned = best > 0 and mean(recent) >= LEARNED_ACCURACY
        lost = 1 - accuracy / best if learned else 0.0
        yield SignalReading(lost, accuracy, EVAL_PREFERENCE_ACCURACY, unit=-best, offset=best, baseline=best)


RULES = (LikelihoodDisplacement, MarginExplosion, PreferenceOverfit)
