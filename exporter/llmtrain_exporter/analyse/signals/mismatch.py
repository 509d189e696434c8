"""Whether the engine that samples and the model that learns still agree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.rule import (
    ANY,
    EFFECTIVE_SAMPLES,
    IMPORTANCE_RATIO,
    LOGP_DIFFERENCE,
    MISMATCH_KLS,
    PERPLEXITY_DIFFERENCE,
    Context,
    Interval,
    RecordView,
    Rule,
    SignalReading,
    down_to,
    up_to,
)
from llmtrain_exporter.knowledge.signals.collapse import FORCE_BELOW
from llmtrain_exporter.knowledge.signals.mismatch import (
    EFFECTIVE_LEAST,
    ENGINE_MISMATCH,
    GROWTH_BEGINS,
    GROWTH_DRIFT,
    GROWTH_LASTS,
    GROWTH_MOST,
    GROWTH_SPREAD,
    MISMATCH_KL_MOST,
    RATIO_LEAST,
    RATIO_MOST,
)
from llmtrain_exporter.model import Series

GROWING = (LOGP_DIFFERENCE, PERPLEXITY_DIFFERENCE, *MISMATCH_KLS)
"""What has a level of its own that it may leave."""


class EngineMismatch(Rule):
    """A difference that is out of its healthy range, or that grows beyond what chance explains.

    Growth is found by a cumulative sum of how far each record is above its level, in logarithms.
    """

    __slots__ = ("_sums",)

    signal = ENGINE_MISMATCH
    watched = (*GROWING, IMPORTANCE_RATIO, EFFECTIVE_SAMPLES)
    compared = GROWING

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sums: dict[Series, float] = {}

    def reset(self) -> None:
        """Nothing has grown yet."""
        self._sums.clear()

    def pending(self) -> bool:
        """While a sum is above 0."""
        return bool(self._sums)

    def suspects(self) -> Collection[Series]:
        """What may be growing."""
        return self._sums.keys()

    def ordinary(self) -> Mapping[Series, Interval]:
        """The healthy ranges."""
        return {
            **dict.fromkeys(MISMATCH_KLS, (-MISMATCH_KL_MOST, MISMATCH_KL_MOST)),
            IMPORTANCE_RATIO: (RATIO_LEAST, RATIO_MOST),
            EFFECTIVE_SAMPLES: down_to(EFFECTIVE_LEAST),
        }

    def ordinary_at(self, level: Level) -> Interval:
        """Up to where a growth can begin."""
        return up_to(level.median * _least_growth(level)) if level.median > 0 else ANY

    def read(self, view: RecordView) -> SignalReading | None:
        """The worst: times its limit, or forced by growth."""
        readings = [*self._out_of_range(view), *self._growing(view)]
        return max(readings, key=lambda reading: (reading.force is not None, reading.score), default=None)

    def _out_of_range(self, view: RecordView) -> Iterator[SignalReading]:
        for where in MISMATCH_KLS:
            value = view.values.get(where, 0.0)
            if abs(value) > MISMATCH_KL_MOST:
                unit = MISMATCH_KL_MOST
                yield SignalReading(abs(value) / unit, value, where, unit=unit)
        samples = view.values.get(EFFECTIVE_SAMPLES, 1.0)
        if samples < EFFECTIVE_LEAST:
            score = _times_below(samples, EFFECTIVE_LEAST)
            yield SignalReading(score, samples, EFFECTIVE_SAMPLES, limit=EFFECTIVE_LEAST)
        ratio = view.values.get(IMPORTANCE_RATIO, 1.0)
        if ratio > RATIO_MOST:
            yield SignalReading(ratio / RATIO_MOST, ratio, IMPORTANCE_RATIO, limit=RATIO_MOST)
        elif ratio < RATIO_LEAST:
            score = _times_below(ratio, RATIO_LEAST)
            yield SignalReading(score, ratio, IMPORTANCE_RATIO, limit=RATIO_LEAST)

    def _growing(self, view: RecordView) -> Iterator[SignalReading]:
        for where in GROWING:
            value, level = view.values.get(where), view.levels.get(where)
            if value is None or level is None or level.young or level.median <= 0:
                continue
            if self._count(where, level.log_score(value, GROWTH_SPREAD)) >= GROWTH_LASTS:
                unit = level.median * _least_growth(level)
                yield SignalReading(
                    value / unit, value, where, unit=unit, baseline=level.median, force=self.least
                )

    def _count(self, where: Series, score: float) -> float:
        total = self._sums.pop(where, 0.0)
        if not total and score < GROWTH_BEGINS:
            return 0.0
        total = min(total + min(score, GROWTH_MOST) - GROWTH_DRIFT, 2 * GROWTH_LASTS)
        if total > 0:
            self._sums[where] = total
        return total


def _times_below(value: float, limit: float) -> float:
    """How far below a limit a value is; nothing at all is as far as an incident's sign can be."""
    return min(limit / value, FORCE_BELOW) if value > 0 else FORCE_BELOW


def _least_growth(level: Level) -> float:
    """Times the level, from which on a record can begin a growth."""
    return 1 + level.exponent(GROWTH_BEGINS, GROWTH_SPREAD)


RULES = (EngineMismatch,)
