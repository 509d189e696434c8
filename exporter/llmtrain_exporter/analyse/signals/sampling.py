"""Samples that come late: from a policy that is no longer the one in training, or for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.signals.rule import (
    DROPPED_SAMPLES,
    STALENESS,
    Readings,
    RecordView,
    Rule,
    SignalReading,
)
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.sampling import DROPPING_SHARE, POLICY_STALE, SAMPLES_DROPPED


class PolicyStale(Rule):
    """The mean sample of a block is old."""

    __slots__ = ()

    signal = POLICY_STALE
    compared = (STALENESS,)

    def look_back(self, view: RecordView) -> Readings:
        """Its age in weight updates."""
        ages = view.recent(STALENESS, BLOCK)
        if ages:
            age = mean(ages)
            yield SignalReading(age, age, STALENESS) if age >= self.first.limit else None


class SamplesDropped(Rule):
    """Samples are thrown away all over a block; a record that says nothing of it has thrown none away."""

    __slots__ = ()

    signal = SAMPLES_DROPPED
    compared = DROPPED_SAMPLES

    def look_back(self, view: RecordView) -> Readings:
        """How many in a mean record, for the reason for which there are most."""
        if view.levels.keys().isdisjoint(DROPPED_SAMPLES):
            return
        dropped = {where: _dropping(view.recent(where, BLOCK)) for where in DROPPED_SAMPLES}
        where = max(DROPPED_SAMPLES, key=lambda reason: dropped[reason])
        most = dropped[where]
        yield SignalReading(most, most, where) if most >= self.first.limit else None


def _dropping(counts: Sequence[float]) -> float:
    """The mean of a block; a burst in few records is none."""
    records = sum(count > 0 for count in counts)
    return sum(counts) / BLOCK if records >= DROPPING_SHARE * BLOCK else 0.0


RULES = (PolicyStale, SamplesDropped)
