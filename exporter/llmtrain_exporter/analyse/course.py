"""How the metrics of a run went from its first record to its last, in bounded memory.

A course has a number of points, however long the run: first each record is one, and whenever there are as
many as are kept, each second one is dropped, and from then on half as many are taken.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.analyse.shared import shared
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.evidence_limits import COURSE_POINTS, COURSE_SERIES
from llmtrain_exporter.knowledge.own_level import YOUNG
from llmtrain_exporter.model import Courses, Layout, Series
from llmtrain_exporter.model.blocks import RecordBlock

PICKERS_KEPT = 8
"""Layouts remembered; a run has two or three."""

PLACES_KEPT = 256
"""Places of columns that runs share."""

FOLLOWED = frozenset(
    (
        *(c.LOSS, c.GRAD_NORM, c.LEARNING_RATE, c.KL, c.CLIP_RATIO, c.ENTROPY, c.TOKEN_ACCURACY),
        *(c.REWARD, c.REWARD_STD, c.REWARD_FUNCTION_MEAN, c.REWARD_ZERO_STD),
        *(c.COMPLETION_LENGTH, c.COMPLETION_CLIPPED),
        *(c.PREFERENCE_REWARD, c.PREFERENCE_MARGIN, c.PREFERENCE_ACCURACY),
    )
)
"""Metrics whose courses a diagnosis can ask for."""

PARTS = frozenset(("", "mean", "max", "max_terminated", "chosen", "region_mean"))
"""Parts that are followed, of metrics with several; of reward functions each one is."""

FREE = frozenset(("function",))
"""Labels whose values are the run's own."""

Picker = Callable[[tuple[float, ...]], Iterable[float]]

_NAN = math.nan


class CourseKeeper:
    """Takes the rows of one kind of record in, and keeps the courses of what is followed."""

    __slots__ = ("_cells", "_next", "_order", "_pickers", "_skipped", "_steps")

    def __init__(self) -> None:
        self._skipped = 0  # records between two that are taken
        self._next = 0  # records until the next one
        self._order: tuple[Series, ...] = ()  # the columns
        self._steps = array("i")  # or of 64 bits, once one does not fit
        self._cells = array("f")  # row by row, NaN for what a row lacks
        self._pickers: dict[Layout, Picker] = {}

    def put(self, step: int, layout: Layout, values: tuple[float, ...]) -> None:
        """Take a row in."""
        if self._next:
            self._next -= 1
            return
        self._next = self._skipped
        pick = self._pickers.get(layout) or self._picker(layout)
        try:
            self._steps.append(step)
        except OverflowError:
            self._steps = array("q", (*self._steps, step))
        self._cells.extend(pick((*values, _NAN)))
        if len(self._steps) == COURSE_POINTS:
            self._thin_out()

    def put_all(self, block: RecordBlock) -> None:
        """Take rows of one layout in."""
        at = self._next
        while at < len(block):
            self._next = 0
            self.put(block.steps[at], block.layout, block[at].values)
            at += 1 + self._next
        self._next = at - len(block)

    def courses(self) -> Courses:
        """The courses so far; what is yet to come changes nothing in them.

        They are not copied: rows are only ever added to the same arrays, or all of them put into new ones.
        """
        return Courses(self._order, len(self._steps), self._steps, self._cells)

    def early(self, key: Series) -> float | None:
        """The median of the first values of a series that are kept; None where there is none."""
        if key not in self._order:
            return None
        width, at = len(self._order), self._order.index(key)
        values = list(filter(math.isfinite, self._cells[at : at + YOUNG * width : width]))
        return median(values) if values else None

    def _picker(self, layout: Layout) -> Picker:
        """Takes the columns from a row of a layout; what that one has anew gets columns."""
        at = {key: index for index, key in enumerate(layout.series) if _is_followed(key)}
        new = [key for key in at if key not in self._order][: COURSE_SERIES - len(self._order)]
        if new or len(self._pickers) >= PICKERS_KEPT:
            self._pickers.clear()
            self._widen(new)
        places = tuple(at.get(key, -1) for key in self._order)
        found = self._pickers[layout] = _taking(places)
        return found

    def _widen(self, new: Sequence[Series]) -> None:
        """Give the rows so far as many more columns, which they lack."""
        width, missing = len(self._order), array("f", [_NAN] * len(new))
        wide = array("f")
        for at in range(len(self._steps)):
            wide += self._cells[at * width : (at + 1) * width] + missing
        self._cells = wide
        self._order = shared((*self._order, *new))

    def _thin_out(self) -> None:
        """Drop each second row."""
        width, thin = len(self._order), array("f")
        for at in range(0, len(self._steps), 2):
            thin += self._cells[at * width : (at + 1) * width]
        self._cells, self._steps = thin, self._steps[::2]
        self._skipped = self._next = 2 * self._skipped + 1


@lru_cache(maxsize=PLACES_KEPT)
def _taking(places: tuple[int, ...]) -> Picker:
    """One for all runs of a kind."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: [values[at] for at in places]


def _is_followed(series: Series) -> bool:
    metric = series.metric
    return metric in FOLLOWED and (metric.label in FREE or _part(series) in PARTS)


def _part(series: Series) -> str:
    """Which part of its metric it is; empty where that has none."""
    return dict(series.labels).get(series.metric.label, "") if series.metric.label else ""
