"""The watched series of a run: their last values, their levels, and the bounds of what is ordinary."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple

from llmtrain_exporter.analyse import spikes
from llmtrain_exporter.analyse.at_rest import RestingLevels
from llmtrain_exporter.analyse.baseline import UNLIMITED, Level, Ring, level_of
from llmtrain_exporter.analyse.shared import numbered, shared
from llmtrain_exporter.analyse.signals import COMPARED
from llmtrain_exporter.analyse.signals.rule import ANY, Interval, Renewal, Rule
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.own_level import BLOCK, MATURE, WINDOW
from llmtrain_exporter.model import Layout, Series

ALIKE = 12
"""Series of one metric with a baseline each, such as reward functions; a run has three or four."""

PLANS_KEPT = 8
"""Sets of keys remembered; a run has two or three."""

PLACES_KEPT = 256
"""Sets of keys that runs share."""

WATCHERS_KEPT = 4096
"""Series that runs share, each with the rules of a profile that look at it."""

SETTLING = 8
"""Rows after which all levels are taken anew while the window fills."""

TURN = BLOCK // 2
"""Records after which one level is taken anew when the window is full, at the end of each block for one."""

CELL = 4
"""Bytes of a 32-bit float."""

_NAN = math.nan


Picker = Callable[[Sequence[Any]], tuple[Any, ...]]


class PlanPlaces(NamedTuple):
    """What the plans of all runs have in common whose rows and columns are the same."""

    series: tuple[Series, ...]  # that are watched, those with a column first
    position: Mapping[Series, int]  # of each of them
    pick: Picker  # takes them from a row
    pack: Callable[..., None] | None  # writes those with a column; None where one is missing
    cells: (
        Picker | None
    )  # takes the columns from a row, behind which stands a NaN; None where none is missing


@lru_cache(maxsize=PLACES_KEPT)
def _places(at: tuple[tuple[Series, int], ...], columns: tuple[Series, ...]) -> PlanPlaces:
    known = dict(at)
    based = [watched for watched in columns if watched in known]
    series = (*based, *(watched for watched in known if watched not in set(columns)))
    complete = len(based) == len(columns)
    return PlanPlaces(
        series,
        numbered(series),
        _picker([known[watched] for watched in series]),
        Struct(f"{len(columns)}f").pack_into if complete else None,
        None if complete else _picker([known.get(watched, -1) for watched in columns]),
    )


class WatchPlan:
    """Where the watched series stand in the rows of a layout, and between which bounds they are ordinary."""

    __slots__ = ("cells", "high", "low", "pack", "pick", "position", "series", "width")

    def __init__(self, at: Mapping[Series, int], columns: tuple[Series, ...]) -> None:
        self.series, self.position, self.pick, self.pack, self.cells = _places(tuple(at.items()), columns)
        self.low = [-UNLIMITED] * len(self.series)
        self.high = [UNLIMITED] * len(self.series)
        self.width = len(columns)

    def row(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """The values of the columns, NaN for those that the layout lacks."""
        return self.pick(values)[: self.width] if self.cells is None else self.cells((*values, _NAN))


class _Watching(NamedTuple):
    """What is ordinary in a series whatever comes, and the rules that watch it, by their place among all.

    Those whose bounds may change, go by its level, or follow that: by place, so that runs have it in common.
    """

    fixed: Interval
    unsettled: tuple[int, ...]
    by_level: tuple[int, ...]
    followed: tuple[int, ...]

    @classmethod
    def of(cls, watched: Series, rules: Sequence[Rule], at: Sequence[int]) -> _Watching:
        """`at`: the places of those that watch it."""
        watching = [(place, rules[place]) for place in at]
        settled = [rule for _, rule in watching if rule.is_settled]
        fixed = (rule.ordinary().get(watched, ANY) for rule in settled if rule.ordinary is not None)
        return cls(
            reduce(_narrower, fixed, ANY),
            tuple(place for place, rule in watching if rule.ordinary is not None and not rule.is_settled),
            tuple(place for place, rule in watching if rule.ordinary_at is not None),
            tuple(place for place, rule in watching if rule.follow is not None),
        )


@lru_cache(maxsize=WATCHERS_KEPT)
def _watchers(watched: Series, kinds: tuple[type[Rule], ...]) -> tuple[int, ...]:
    """The places of the rules that look at a series."""
    return tuple(at for at, kind in enumerate(kinds) if kind.watches(watched))


@lru_cache(maxsize=PLACES_KEPT)
def _alike(items: tuple[tuple[Series, _Watching], ...]) -> Mapping[Series, _Watching]:
    """One for all runs of a kind."""
    return dict(items)


class Columns:
    """Keeps the rows and what is ordinary in them. The rules say how far a value may go from its level."""

    __slots__ = (
        "_last",
        "_many",
        "_needed",
        "_next",
        "_plans",
        "_rules",
        "_watching",
        "at",
        "levelled",
        "levels",
        "order",
        "ring",
    )

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._many = shared(
            frozenset(rule.watched_metric for rule in rules)
        )  # metrics that have many series alike
        self._needed = shared(
            frozenset((*spikes.MEASURES, *(watched for rule in rules for watched in rule.compared)))
        )
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self.order: tuple[Series, ...] = ()
        self.at: Mapping[Series, int] = {}
        self.ring = Ring(0)
        self.levels: Mapping[Series, Level] = {}
        self.levelled: dict[Metric, Sequence[Series]] = {}  # which they are of, as long as none is added
        self._next = 0
        self._last = 0  # cell at which the last row of the ring begins
        self._plans: dict[Layout, WatchPlan] = {}
        self._watching: Mapping[Series, _Watching] = {}  # of what the rows so far have

    def plan(self, layout: Layout) -> WatchPlan:
        """The plan for the rows of a layout; series that it brings along get their columns."""
        plan = self._plans.get(layout)
        if plan is None:
            self._know(layout)
            found = {watched: at for at, watched in enumerate(layout.series) if watched in self._watching}
            self._add([watched for watched in found if watched not in self.at and self._is_compared(watched)])
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            plan = self._plans[layout] = WatchPlan(found, self.order)
            for watched in plan.series:
                self.bound(watched)
        return plan

    def put_ordinary(
        self, plan: WatchPlan, picked: tuple[float, ...], values: tuple[float, ...], index: int
    ) -> None:
        """Add the row of an ordinary record: what was picked of its values by the plan."""
        if plan.pack is None or self.ring.filled < WINDOW:
            self.put(plan.row(values), index)
            return
        self.put_ordinary_rows(plan, (picked[: plan.width],))

    def room(self, plan: WatchPlan, index: int) -> int:
        """Rows until a level is taken anew; 0 while the window fills, or where the plan lacks a column."""
        full = plan.pack is not None and self.ring.filled == WINDOW and plan.width
        return TURN - index % TURN if full else 0

    def put_ordinary_rows(self, plan: WatchPlan, rows: Iterable[tuple[float, ...]]) -> None:
        """The same of records for which there is `room`, of each the columns alone."""
        if plan.pack is None:
            return
        cells, at, last, pack, width = self.ring.cells, self.ring.at, self._last, plan.pack, plan.width
        for row in rows:
            pack(cells, at * CELL, *row)
            at = at + width if at < last else 0
        self.ring.at = at

    def put(self, row: Sequence[float], index: int) -> None:
        """Add a row of values, NaN for what is not to count, the run's `index`th record."""
        self.ring.put(row)
        self.settle(index)

    def settle(self, index: int) -> None:
        """A row was added: take levels anew where it is time to."""
        filled = self.ring.filled
        if filled <= MATURE or (filled < WINDOW and filled % SETTLING == 0):
            for watched in self.order:
                self._refresh(watched, index)

    def take_turn(self, index: int) -> None:
        """Take the next level anew, when the window is full."""
        if self.ring.filled < WINDOW or not self.order:
            return
        self._next = (self._next + 1) % len(self.order)
        self._refresh(self.order[self._next], index)

    def renew(self, plan: WatchPlan, picked: Sequence[float], index: int) -> bool:
        """Take the levels anew of what is not ordinary by older ones. Whether all of it is ordinary now."""
        ordinary = True
        for at, (watched, value) in enumerate(zip(plan.series, picked, strict=True)):
            if not plan.low[at] <= value <= plan.high[at]:
                if watched in self.at and self.ring.filled:
                    self._refresh(watched, index)
                ordinary = ordinary and plan.low[at] <= value <= plan.high[at]
        return ordinary

    def bound(self, watched: Series) -> None:
        """A rule sees a series in another way: take its bounds anew. One that no row had has none."""
        if watched not in self._watching:
            return
        low, high = self._ordinary(watched)
        for plan in self._plans.values():
            at = plan.position.get(watched)
            if at is not None:
                plan.low[at], plan.high[at] = low, high

    def rest(self) -> None:
        """Hold the levels in fewer bytes, until somebody needs many of them."""
        if isinstance(self.levels, dict):
            self.levels = RestingLevels(self.levels)
            self.levelled = {}

    def awake(self) -> dict[Series, Level]:
        """The levels for whoever asks often, or changes them."""
        levels = self.levels
        if not isinstance(levels, dict):
            levels = self.levels = dict(levels)
        return levels

    def _know(self, layout: Layout) -> None:
        """Find out how the series of a layout are watched."""
        known, kinds = dict(self._watching), tuple(map(type, self._rules))
        for logged in layout.series:
            watchers = _watchers(logged, kinds)
            if logged not in known and (watchers or logged in self._needed):
                known[logged] = _Watching.of(logged, self._rules, watchers)
        self._watching = _alike(tuple(known.items()))

    def _is_compared(self, watched: Series) -> bool:
        return watched in COMPARED or watched in self._needed or watched.metric in self._many

    def _add(self, new: Sequence[Series]) -> None:
        before = len(self.order)
        for watched in new:
            if watched.metric not in self._many or self._alike(watched.metric) < ALIKE:
                self.order = (*self.order, watched)
        if len(self.order) > before:
            self.order = shared(self.order)
            self.at = numbered(self.order)
            self.ring = self.ring.widened(len(self.order)) if self.ring.width else Ring(len(self.order))
            self._last = len(self.ring.cells) - self.ring.width
            self._plans.clear()

    def _alike(self, metric: Metric) -> int:
        return sum(watched.metric is metric for watched in self.order)

    def _refresh(self, watched: Series, index: int) -> None:
        level, before = level_of(self.ring.column(self.at[watched])), self.levels.get(watched)
        # A column that is frozen for long empties; what it was before stays the normal.
        if level is None or (level.young and before is not None and not before.young):
            return
        if before is None:
            self.levelled = {}
        self.awake()[watched] = level
        for at in self._watching[watched].followed:
            follow = self._rules[at].follow
            if follow is not None:
                follow(Renewal(level, index))
        self.bound(watched)

    def _ordinary(self, watched: Series) -> Interval:
        """Between which values nobody need look at a series: the narrowest of what is said of it."""
        level, watching = self.levels.get(watched), self._watching[watched]
        narrowest = _narrower(watching.fixed, spikes.ordinary(watched, level))
        for at in watching.unsettled:
            ordinary = self._rules[at].ordinary
            if ordinary is not None:
                narrowest = _narrower(narrowest, ordinary().get(watched, ANY))
        if level is None:
            return narrowest
        for at in watching.by_level:
            ordinary_at = self._rules[at].ordinary_at
            if ordinary_at is not None:
                narrowest = _narrower(narrowest, ordinary_at(level))
        return narrowest


def _narrower(first: Interval, second: Interval) -> Interval:
    (low, high), (lower, upper) = first, second
    return lower if lower > low else low, upper if upper < high else high  # noqa: FURB136  # twice as quick


def _picker(at: Sequence[int]) -> Picker:
    if len(at) > 1:
        return itemgetter(*at)
    return lambda values: tuple(values[index] for index in at)
