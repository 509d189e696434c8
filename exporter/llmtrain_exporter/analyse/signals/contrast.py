"""Whether rewards can teach: whose spread they have, and which groups have none.

Of the records only the last one of each block is read: the spreads of reward functions need no columns then.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.signals.rule import (
    GROUPS_ALL_RIGHT,
    GROUPS_ALL_WRONG,
    REWARD,
    REWARD_ZERO_STD,
    TRAIN,
    Context,
    Readings,
    RecordView,
    Rule,
    SignalReading,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.contrast import (
    DOMINATED_LOOKS,
    GROUP_LOOKS,
    GROUPS_SOLVED,
    GROUPS_UNSOLVED,
    HARDLY_EARNED,
    OTHER_SPREAD,
    OTHER_VARIES,
    REWARD_DOMINATED,
)
from llmtrain_exporter.model import Layout, Record, Series, series


class Spread(NamedTuple):
    """What a reward function gives: mean of its variances, and its mean."""

    where: Series
    variance: float
    mean: float

    @property
    def teaches(self) -> bool:
        """Whether completions differ by it: neither all nor none of them earn it."""
        return self.deviation >= max(OTHER_SPREAD, OTHER_VARIES * abs(self.mean))

    @property
    def deviation(self) -> float:
        """Its standard deviation."""
        return math.sqrt(self.variance)


class RewardDominated(Rule):
    """One reward function has nearly all of the variance, while another still has something to teach."""

    __slots__ = ("_at", "_layout", "_looks")

    signal = REWARD_DOMINATED

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been looked at yet."""
        self._looks: deque[tuple[tuple[float, float], ...]] = deque(maxlen=DOMINATED_LOOKS)
        self._layout: Layout | None = None
        self._at: Mapping[Series, tuple[int, int]] = {}  # columns of each function's spread and mean

    def look_back(self, view: RecordView) -> Readings:
        """The share of the summed variances that the largest has."""
        layout = view.record.layout
        if layout is not self._layout:
            self._turn_to(layout)
        if len(self._at) < 2:
            return
        values = view.record.values
        self._looks.append(tuple((values[std], values[average]) for std, average in self._at.values()))
        if len(self._looks) == DOMINATED_LOOKS:
            reading = self._read()
            yield reading if reading is not None and self.meets(reading) else None

    def _turn_to(self, layout: Layout) -> None:
        """Another set of keys: what was seen before had other functions, maybe."""
        at = {where: column for column, where in enumerate(layout.series)}
        found = {
            where: (column, at[average])
            for where, column in at.items()
            if where.metric is c.REWARD_FUNCTION_STD and TRAIN in where.labels
            if (average := series(c.REWARD_FUNCTION_MEAN, *where.labels)) in at
        }
        if found.keys() != self._at.keys():
            self._looks.clear()
        self._layout, self._at = layout, found

    def _read(self) -> SignalReading | None:
        first, *others = sorted(self._spreads(), key=lambda spread: -spread.variance)
        total = first.variance + sum(spread.variance for spread in others)
        drowned = max((spread.deviation for spread in others if spread.teaches), default=None)
        if drowned is None or not math.isfinite(total):
            return None
        return SignalReading(first.variance / total, first.deviation, first.where, baseline=drowned)

    def _spreads(self) -> Iterator[Spread]:
        for at, where in enumerate(self._at):
            looks = [look[at] for look in self._looks]
            variance = mean([std * std for std, _ in looks])
            yield Spread(where, variance, mean([average for _, average in looks]))


class GroupsUnsolved(Rule):
    """Most groups are all wrong: as the log says, or because they have no spread and nothing is earned."""

    __slots__ = ("_shares",)

    signal = GROUPS_UNSOLVED
    compared = (REWARD,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been looked at yet."""
        self._shares: deque[float] = deque(maxlen=GROUP_LOOKS)

    def look_back(self, view: RecordView) -> Readings:
        """The share of groups that are all wrong."""
        where, share = _all_wrong(view)
        if share is None:
            return
        self._shares.append(share)
        shown = mean(self._shares) if len(self._shares) == GROUP_LOOKS else 0.0
        yield SignalReading(shown, shown, where) if shown >= self.first.limit else None


def _all_wrong(view: RecordView) -> tuple[Series, float | None]:
    stated = logged(view.record, GROUPS_ALL_WRONG)
    if stated is not None:
        return GROUPS_ALL_WRONG, stated
    alike, rewards = logged(view.record, REWARD_ZERO_STD), view.recent(REWARD, BLOCK)
    if alike is None or not rewards:
        return REWARD_ZERO_STD, None
    nothing = min(rewards) >= 0 and mean(rewards) <= HARDLY_EARNED
    return REWARD_ZERO_STD, alike if nothing else 0.0


class GroupsSolved(Rule):
    """Most groups are all right, as the log says."""

    __slots__ = ()

    signal = GROUPS_SOLVED
    compared = (GROUPS_ALL_RIGHT,)

    def look_back(self, view: RecordView) -> Readings:
        """Their share."""
        shares = view.recent(GROUPS_ALL_RIGHT, BLOCK)
        if shares:
            share = mean(shares)
            yield SignalReading(share, share, GROUPS_ALL_RIGHT) if share >= self.first.limit else None


def logged(record: Record, where: Series) -> float | None:
    """The value that a record has of a series."""
    series_of = record.layout.series
    return record.values[series_of.index(where)] if where in series_of else None


RULES = (RewardDominated, GroupsUnsolved, GroupsSolved)
