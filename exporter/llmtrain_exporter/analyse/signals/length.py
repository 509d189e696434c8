"""How long the completions are, and how many of them are cut off."""

from __future__ import annotations

import math
from collections.abc import Mapping

from llmtrain_exporter.analyse.baseline import UNLIMITED, Level
from llmtrain_exporter.analyse.signals.rule import (
    CLIPPED,
    LENGTH,
    Context,
    Interval,
    RecordView,
    Rule,
    SignalReading,
    down_to,
    outlying,
    up_to,
    widened,
)
from llmtrain_exporter.knowledge.evidence_limits import AT_LIMIT
from llmtrain_exporter.knowledge.own_level import FIRST_RECORDS
from llmtrain_exporter.knowledge.signals.length import (
    CLIPPED_HIGH,
    CLIPPED_JUMP,
    CLIPPED_JUMPS,
    LENGTH_COLLAPSE,
    LENGTH_NEAR_LIMIT,
    LENGTH_NEAR_RECORDS,
    LENGTH_SPREAD,
    LENGTH_SURGE,
)
from llmtrain_exporter.model import Series


class LengthSurge(Rule):
    """Completions much longer than the run's own, or almost as long as they may be."""

    __slots__ = ("_longest", "_near", "_near_limit")

    signal = LENGTH_SURGE
    watched = compared = (LENGTH,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        longest = context.numbers.get("max_completion_length", UNLIMITED)
        self._longest = longest
        self._near_limit = LENGTH_NEAR_LIMIT * longest
        self._near = 0  # records in a row

    def ordinary(self) -> Mapping[Series, Interval]:
        """Up to where the limit is near."""
        return {LENGTH: up_to(self._near_limit)}

    def ordinary_at(self, level: Level) -> Interval:
        """Up to where the run's own range is left."""
        ranged = level.median * math.exp(level.exponent(outlying(level), LENGTH_SPREAD))
        return up_to(max(ranged, level.median * widened(self.first.limit, level)))

    def pending(self) -> bool:
        """While the records near the limit are counted."""
        return self._near > 0

    def read(self, view: RecordView) -> SignalReading | None:
        """How many times the baseline it is."""
        length, level = view.values.get(LENGTH), view.levels.get(LENGTH)
        if length is None:
            return None
        self._near = self._near + 1 if length >= self._near_limit else 0
        new = self._near < view.index or length >= self._longest * AT_LIMIT  # and not so from the start
        if new and self._near >= LENGTH_NEAR_RECORDS:
            unit = self._near_limit / self.first.limit
            return SignalReading(length / unit, length, LENGTH, unit=unit, baseline=level and level.median)
        if level is None or level.median <= 0 or level.log_score(length, LENGTH_SPREAD) < outlying(level):
            return None
        unit = level.median * widened(self.first.limit, level) / self.first.limit
        return SignalReading(length / unit, length, LENGTH, unit=unit, baseline=level.median)


class LengthCollapse(Rule):
    """Completions much shorter than the run's own."""

    __slots__ = ()

    signal = LENGTH_COLLAPSE
    watched = compared = (LENGTH,)

    def ordinary_at(self, level: Level) -> Interval:
        """Down to the limit."""
        return down_to(self._unit(level) * self.first.limit)

    def read(self, view: RecordView) -> SignalReading | None:
        """The share of the baseline that is left."""
        length, level = view.values.get(LENGTH), view.levels.get(LENGTH)
        if length is None or level is None or level.median <= 0:
            return None
        if level.log_score(length, LENGTH_SPREAD) > -outlying(level):
            return None
        unit = self._unit(level)
        return SignalReading(length / unit, length, LENGTH, unit=unit, baseline=level.median)

    def _unit(self, level: Level) -> float:
        return level.median / level.caution


class ClippedHigh(Rule):
    """Completions cut off at the length limit, several records in a row; fewer where that is new."""

    __slots__ = ("_first", "_jumps")

    signal = CLIPPED_HIGH
    watched = compared = (CLIPPED,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has jumped yet."""
        self._jumps = 0  # records in a row that are far from the run's normal
        self._first: tuple[float, ...] = ()  # what the first records had, until there is a level

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything below the first limit."""
        return {CLIPPED: up_to(self.first.limit)}

    def pending(self) -> bool:
        """While jumps are counted."""
        return self._jumps > 0

    def read(self, view: RecordView) -> SignalReading | None:
        """The share itself."""
        share = view.values.get(CLIPPED)
        if share is None:
            return None
        self._jumps = self._jumps + 1 if self._jumps_at(share, view) else 0
        if len(self._first) < FIRST_RECORDS:
            self._first = (*self._first, share)
        severe = [severity for severity, records in CLIPPED_JUMPS.items() if self._jumps >= records]
        return SignalReading(share, share, CLIPPED, force=severe[-1] if severe else None)

    def jumped(self, view: RecordView) -> bool:
        """Whether this record alone is far from the run's normal: no signal yet, but a sign."""
        share = view.values.get(CLIPPED)
        return share is not None and self._jumps_at(share, view)

    def _jumps_at(self, share: float, view: RecordView) -> bool:
        if share < CLIPPED_JUMP:
            return False
        level = view.levels.get(CLIPPED)
        if level is None and len(self._first) < FIRST_RECORDS:
            return False
        usual = max(self._first) if level is None else level.top
        return share >= usual + CLIPPED_JUMP / 2 and share >= 2 * usual


RULES = (LengthSurge, LengthCollapse, ClippedHigh)
