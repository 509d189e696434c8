"""Whether rewards can teach: whose spread they have, and which groups have none.

Of the records only the last one of each block is read: the spreads of reward functions need no columns then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.analyse.signals.earned import Earned
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
from llmtrain_exporter.model import Layout, Series, series


class Spread(NamedTuple):
    """What a reward function gives to completions: standard deviation and mean."""

    deviation: float
    mean: float

    @property
    def teaches(self) -> bool:
        """Whether completions differ by it: neither all nor none of them earn it."""
        return self.deviation >= max(OTHER_SPREAD, OTHER_VARIES * abs(self.mean))


class RewardDominated(Rule):
    """One reward function has nearly all of the variance, while another still has something to teach."""

    __slots__ = ("_deviations", "_functions", "_layout", "_looks", "_means")

    signal = REWARD_DOMINATED

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been looked at yet."""
        self._layout: Layout | None = None
        self._functions: tuple[Series, ...] = ()
        self._deviations: tuple[int, ...] = ()  # columns of the functions' standard deviations ...
        self._means: tuple[int, ...] = ()  # ... and of their means
        self._looks: Lately[tuple[Spread, ...]] = Lately(DOMINATED_LOOKS)  # in a row

    def look_back(self, view: RecordView) -> Readings:
        """The share of the summed variances that the largest has."""
        record = view.record
        if record.layout is not self._layout:
            self._turn_to(record.layout)
        if len(self._functions) < 2:
            return
        value = record.value
        if not _largest_share([value(at) for at in self._deviations]) >= self.first.limit:
            self._looks.clear()
            yield None
            return
        spreads = zip(self._deviations, self._means, strict=True)
        self._looks.note(tuple(Spread(value(at), value(average)) for at, average in spreads))
        yield self._read() if len(self._looks) == DOMINATED_LOOKS else None

    def _turn_to(self, layout: Layout) -> None:
        """Another set of keys, which may be of other functions."""
        at = {where: column for column, where in enumerate(layout.series)}
        found = {
            where: at[average]
            for where in layout.series
            if where.metric is c.REWARD_FUNCTION_STD and TRAIN in where.labels
            if (average := series(c.REWARD_FUNCTION_MEAN, *where.labels)) in at
        }
        if tuple(found) != self._functions:
            self._looks.clear()
        self._layout, self._functions = layout, tuple(found)
        self._deviations, self._means = tuple(at[where] for where in found), tuple(found.values())

    def _read(self) -> SignalReading | None:
        spreads = [
            Spread(mean([each.deviation for each in looks]), mean([each.mean for each in looks]))
            for looks in zip(*self._looks, strict=True)
        ]
        first = max(range(len(spreads)), key=lambda at: spreads[at].deviation)
        drowned = [each.deviation for at, each in enumerate(spreads) if at != first and each.teaches]
        share = _largest_share([each.deviation for each in spreads])
        if not (drowned and share >= self.first.limit):
            return None
        return SignalReading(share, spreads[first].deviation, self._functions[first], baseline=max(drowned))


def _largest_share(deviations: Sequence[float]) -> float:
    """The share of the summed variances that the largest has; NaN where one of them is no number."""
    variances = [deviation * deviation for deviation in deviations]
    total = sum(variances)
    return max(variances) / total if total > 0 else math.nan


class GroupsUnsolved(Rule):
    """Most groups are all wrong: as the log says, or because they have no spread and nothing is earned."""

    __slots__ = ("_at", "_earned", "_layout", "_shares")

    signal = GROUPS_UNSOLVED
    compared = (REWARD,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been looked at yet."""
        self._earned = Earned()
        self._layout: Layout | None = None
        self._at: int | None = None  # column of the share that is looked at
        self._shares: Lately[float] = Lately(GROUP_LOOKS)  # in a row

    def look_back(self, view: RecordView) -> Readings:
        """The share of groups that are all wrong."""
        self._earned.look_back(view)
        record = view.record
        if record.layout is not self._layout:
            self._layout, self._at = record.layout, _share_at(record.layout)
        if self._at is None:
            return
        where, share = record.layout.series[self._at], record.value(self._at)
        if share >= self.first.limit and (where is GROUPS_ALL_WRONG or self._earns_nothing(view)):
            self._shares.note(share)
        else:
            self._shares.clear()
        shown = mean(self._shares) if len(self._shares) == GROUP_LOOKS else 0.0
        yield SignalReading(shown, shown, where) if shown else None

    def _earns_nothing(self, view: RecordView) -> bool:
        """Whether next to nothing is earned in a block; of rewards that punish, 0 is the best."""
        rewards = view.recent(REWARD, BLOCK)
        return (
            bool(rewards)
            and not self._earned.punished
            and min(rewards) >= 0
            and mean(rewards) <= HARDLY_EARNED
        )


def _share_at(layout: Layout) -> int | None:
    """The column of the groups that are all wrong; else of those without a spread."""
    wanted = (GROUPS_ALL_WRONG, REWARD_ZERO_STD)
    return next((layout.series.index(where) for where in wanted if where in layout.series), None)


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


RULES = (RewardDominated, GroupsUnsolved, GroupsSolved)
