"""How long the completions are, and how many of them are cut off."""

from __future__ import annotations

import math

from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.signals.rule import (
    ANY,
    CLIPPED,
    LENGTH,
    UNLIMITED,
    Context,
    Interval,
    Reading,
    Row,
    Rule,
    outlying,
    widened,
)
from llmtrain_exporter.knowledge import limits
from llmtrain_exporter.model import Series

LENGTH_SPREAD = 0.03
"""The spread of lengths is not taken to be smaller than this share."""


class LengthSurge(Rule):
    """Completions much longer than the run's own, or almost as long as they may be."""

    __slots__ = ("_near", "_near_limit")

    name = "length_surge"
    watched = (LENGTH,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        longest = context.numbers.get("max_completion_length", UNLIMITED)
        self._near_limit = limits.LENGTH_NEAR_LIMIT * longest
        self._near = 0  # records in a row

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Up to where the limit and the run's own range are both left."""
        if level is None:
            return -UNLIMITED, self._near_limit
        ranged = level.median * math.exp(min(outlying(level) * level.log_sigma(LENGTH_SPREAD), 50.0))
        return -UNLIMITED, min(max(ranged, level.median * widened(self.first.limit, level)), self._near_limit)

    def pending(self) -> bool:
        """While the records near the limit are counted."""
        return self._near > 0

    def read(self, row: Row) -> Reading | None:
        """How many times the baseline it is."""
        length, level = row.values.get(LENGTH), row.levels.get(LENGTH)
        if length is None:
            return None
        self._near = self._near + 1 if length >= self._near_limit else 0
        if self._near >= limits.LENGTH_NEAR_RECORDS:
            unit = self._near_limit / self.first.limit
            return Reading(length / unit, length, LENGTH, unit=unit, baseline=level and level.median)
        if level is None or level.median <= 0 or level.log_score(length, LENGTH_SPREAD) < outlying(level):
            return None
        unit = level.median * widened(self.first.limit, level) / self.first.limit
        return Reading(length / unit, length, LENGTH, unit=unit, baseline=level.median)


class LengthCollapse(Rule):
    """Completions much shorter than the run's own."""

    __slots__ = ()

    name = "length_collapse"
    watched = (LENGTH,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Down to the limit."""
        if level is None:
            return ANY
        return self._unit(level) * self.first.limit, UNLIMITED

    def read(self, row: Row) -> Reading | None:
        """The share of the baseline that is left."""
        length, level = row.values.get(LENGTH), row.levels.get(LENGTH)
        if length is None or level is None or level.median <= 0:
            return None
        if level.log_score(length, LENGTH_SPREAD) > -outlying(level):
            return None
        unit = self._unit(level)
        return Reading(length / unit, length, LENGTH, unit=unit, baseline=level.median)

    def _unit(self, level: Level) -> float:
        return level.median / level.caution


class ClippedHigh(Rule):
    """Completions cut off at the length limit, several records in a row."""

    __slots__ = ()

    name = "clipped_high"
    watched = (CLIPPED,)

    def calm(self, one: Series, level: Level | None) -> Interval:  # noqa: ARG002
        """Anything below the first limit."""
        return -UNLIMITED, self.first.limit

    def read(self, row: Row) -> Reading | None:
        """The share itself."""
        share = row.values.get(CLIPPED)
        return None if share is None else Reading(share, share, CLIPPED)

    def jumped(self, row: Row) -> bool:
        """Whether this record alone is far from the run's normal: no signal yet, but a sign."""
        share, level = row.values.get(CLIPPED), row.levels.get(CLIPPED)
        if share is None or level is None or share < limits.CLIPPED_JUMP:
            return False
        return share >= level.top + limits.CLIPPED_JUMP / 2 and share >= 2 * level.top
