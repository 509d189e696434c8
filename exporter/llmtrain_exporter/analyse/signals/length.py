"""How long the completions are, and how many of them are cut off."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.baseline import UNLIMITED, Level
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.analyse.ranks import rank_correlation
from llmtrain_exporter.analyse.signals.rule import (
    CLIPPED,
    LENGTH,
    LONGEST,
    Context,
    Interval,
    Readings,
    RecordView,
    Rule,
    SignalReading,
    down_to,
    outlying,
    up_to,
    widened,
)
from llmtrain_exporter.knowledge.evidence_limits import AT_LIMIT
from llmtrain_exporter.knowledge.own_level import BLOCK, FIRST_RECORDS
from llmtrain_exporter.knowledge.signal import Bound
from llmtrain_exporter.knowledge.signals.length import (
    CLIPPED_DEAD,
    CLIPPED_HIGH,
    CLIPPED_JUMP,
    CLIPPED_JUMPS,
    CREEP_AHEAD,
    CREEP_BLOCKS,
    CREEP_CLIPPED,
    CREEP_GROWTH,
    CREEP_SIGMAS,
    FALLS,
    FALLS_FEWEST,
    FALLS_IN,
    HIGH_BEFORE,
    HIGH_BY_CHANCE,
    HIGH_RECORDS,
    LENGTH_COLLAPSE,
    LENGTH_CREEP,
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
    """Completions cut off at the length limit, several records in a row; fewer where that is new.

    A share that was high from the start says nothing while it falls, nor one that a run of few completions
    has now and then.
    """

    __slots__ = ("_always", "_first", "_highs", "_jumps", "_row")

    signal = CLIPPED_HIGH
    watched = compared = (CLIPPED,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has jumped yet."""
        self._jumps = 0  # records in a row that are far from the run's normal
        self._first: tuple[float, ...] = ()  # what the first records had, until there is a level
        self._always: Lately[float] | None = Lately(FALLS_IN)  # the last ones while no record had few
        self._highs = self._row = 0  # records above the first limit, in all and in a row

    def ordinary(self) -> Mapping[Series, Interval]:
        """Anything below the first limit."""
        return {CLIPPED: up_to(self.first.limit)}

    def suspects(self) -> Collection[Series]:
        """The share while it is high, whether or not that says anything."""
        return (CLIPPED,) if self._row else ()

    def pending(self) -> bool:
        """While records are counted."""
        return self._jumps > 0 or self._row > 0

    def read(self, view: RecordView) -> SignalReading | None:
        """The share itself."""
        share = view.values.get(CLIPPED)
        if share is None:
            return None
        self._count(share, view)
        if not self._jumps and (self._falls() or self._is_chance(share, view)):
            return None
        severe = [severity for severity, records in CLIPPED_JUMPS.items() if self._jumps >= records]
        if self._always is None or share >= CLIPPED_DEAD:
            return SignalReading(share, share, CLIPPED, force=severe[-1] if severe else None)
        severe += [each for each, bound in self.bounds.items() if self._has_lasted(bound)]
        return SignalReading(share, share, CLIPPED, force=severe[-1] if severe else None)

    def _count(self, share: float, view: RecordView) -> None:
        self._jumps = self._jumps + 1 if self._jumps_at(share, view) else 0
        if len(self._first) < FIRST_RECORDS:
            self._first = (*self._first, share)
        high = share >= self.first.limit
        self._row, self._highs = self._row + 1 if high else 0, self._highs + high
        if not high:
            self._always = None
        elif self._always is not None:
            self._always.note(share)

    def _falls(self) -> bool:
        """Whether it comes down from where it was since the first record, or may be about to."""
        if self._always is None or self._always[-1] >= CLIPPED_DEAD:
            return False
        last = list(self._always)
        return len(last) < FALLS_FEWEST or rank_correlation(range(len(last)), last) <= FALLS

    def _is_chance(self, share: float, view: RecordView) -> bool:
        """Whether many records have as many now and then, those in a row left out."""
        often = self._highs - self._row >= max(HIGH_BEFORE, HIGH_BY_CHANCE * view.index)
        return often and share < CLIPPED_JUMP and self._row <= HIGH_RECORDS - self.first.records

    def _has_lasted(self, bound: Bound) -> bool:
        last = list(self._always or ())[-bound.records :]
        return len(last) == bound.records and min(last) >= bound.limit

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


class LengthCreep(Rule):
    """Completions that grow from block to block, and will reach their limit soon.

    Without the run's settings the limit is the longest completion of records in which some are cut off.
    """

    __slots__ = ("_longest",)

    signal = LENGTH_CREEP
    compared = (LENGTH, CLIPPED, LONGEST)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._longest = context.numbers.get("max_completion_length")

    def look_back(self, view: RecordView) -> Readings:
        """The share of the limit that the mean length reaches at this pace."""
        level, last = view.levels.get(LENGTH), view.mean(LENGTH, BLOCK)
        if level is None or last < level.median or last < view.mean(LENGTH, 2 * BLOCK):
            yield None
            return
        lengths = view.recent(LENGTH, CREEP_BLOCKS * BLOCK)
        size = len(lengths) // CREEP_BLOCKS
        if view.index < CREEP_BLOCKS * BLOCK or 2 * size < BLOCK:
            return
        blocks = [lengths[at * size : (at + 1) * size] for at in range(CREEP_BLOCKS)]
        means = [mean(block) for block in blocks]
        first, last = means[0], means[-1]
        grown = last - first
        if means != sorted(means) or grown < (CREEP_GROWTH - 1) * first or grown < _noise(blocks):
            yield None
            return
        longest = self._limit(view)
        if longest is None:
            return
        pace = (last - first) / (CREEP_BLOCKS - 1)
        reached = (last + CREEP_AHEAD * pace) / longest
        force = self.least if self._clipped_creeps(view) else None
        yield SignalReading(reached, last, LENGTH, unit=longest, baseline=first, force=force)

    def _limit(self, view: RecordView) -> float | None:
        if self._longest is not None:
            return self._longest
        cut = sum(view.recent(CLIPPED, BLOCK)) > 0
        return max(view.recent(LONGEST, BLOCK), default=None) if cut else None

    def _clipped_creeps(self, view: RecordView) -> bool:
        shares = view.recent(CLIPPED, 2 * BLOCK)
        if len(shares) < 2 * BLOCK:
            return False
        return mean(shares[BLOCK:]) >= max(CREEP_CLIPPED, 2 * mean(shares[:BLOCK]))


def _noise(blocks: Sequence[Sequence[float]]) -> float:
    """What chance explains of a difference of blocks' means, by how far records are from the one before."""
    steps = [(later - earlier) ** 2 for block in blocks for earlier, later in pairwise(block)]
    return CREEP_SIGMAS * math.sqrt(mean(steps) / 2 / len(blocks[0]))


RULES = (LengthSurge, LengthCollapse, ClippedHigh, LengthCreep)
