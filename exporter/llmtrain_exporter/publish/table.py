"""The metrics of a run as a table, each with the course of its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from llmtrain_exporter.knowledge import watch_words, words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Series, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.style import Style
from llmtrain_exporter.publish.wrap import columns, padded, shortened
from llmtrain_exporter.story.metrics import MetricRow as Row
from llmtrain_exporter.story.metrics import metric_rows

BARS = "▁▂▃▄▅▆▇█"
FLAT = BARS[3]
NO_NUMBER = "x"

GAP = 2
"""Columns between two cells."""

SHORTEST_NAMES = (24, 14)
"""Columns of a name where there is a healthy range beside it, and where there is none."""

LONGEST_NAME = 34

SHORTEST_COURSE, LONGEST_COURSE = 8, 32

_URGENCY = {judged: rank for rank, judged in enumerate(("critical", "warning", "look"))}

ALL = 1 << 20
"""More lines than any table has."""

Courses = Mapping[Series, Sequence[float]]
"""The values of each series, as far as somebody keeps them."""

Fit = Callable[[Sequence[float], int], Sequence[float]]
"""Makes of values at most so many."""


def course(values: Sequence[float]) -> str:
    """A character for each value, between the lowest and the highest of them; NaN and infinities are an x."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_bar(value, low, high) if math.isfinite(value) else NO_NUMBER for value in values)


def _bar(value: float, low: float, high: float) -> str:
    if low == high:
        return FLAT
    share = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves: the difference of two floats can be none
    return BARS[min(int(share * len(BARS)), len(BARS) - 1)]


def thinned(values: Sequence[float], most: int) -> Sequence[float]:
    """At most so many values instead of all: the means of as many stretches; NaN if one is no number."""
    if len(values) <= most:
        return values
    ends = [len(values) * part // most for part in range(most + 1)]
    return [sum(values[begin:end]) / (end - begin) for begin, end in pairwise(ends)]


def latest(values: Sequence[float], most: int) -> Sequence[float]:
    """The last of them, at most so many."""
    return values[-most:]


def table(run: Snapshot, courses: Courses, style: Style, most: int = ALL, fit: Fit = thinned) -> list[str]:
    """At most `most` lines: the metrics that matter, and those that something is said against, first of all.

    Where the columns do not fit the healthy ranges are left out first, then the courses. `fit`: makes a
    course as short as the room that there is for it.
    """
    rows = shown_rows(run)
    if not rows or most < 2:
        return []
    shown, left = _urgent(rows, most - 1)
    cells = {row.series: _cells(row, style) for row in rows}
    head = [word.of(style.lang) for word in (words.METRIC, words.VALUE, words.RANGE, words.VERDICT)]
    natural = [max(map(columns, column)) for column in zip(head, *cells.values(), strict=True)]
    widths = _widths(natural, style.width, bool(courses))
    drawn = {row.series: course(fit(courses.get(row.series, ()), widths[-1])) for row in shown if widths[-1]}
    lines = [_line([*cells[row.series], drawn.get(row.series, "")], widths) for row in shown]
    more = [watch_words.MORE_METRICS.of(left, style.lang)] if left else []
    return [_line([*head, watch_words.COURSE.of(style.lang)], widths), *lines, *more]


def shown_rows(run: Snapshot) -> list[Row]:
    """The metrics that matter, and every other that something is said against."""
    return [row for row in metric_rows(run, Lang.EN) if row.matters]


def _urgent(rows: Sequence[Row], most: int) -> tuple[Sequence[Row], int]:
    """The rows that fit, in their order, and how many do not."""
    if len(rows) <= most:
        return rows, 0
    ranked = sorted(range(len(rows)), key=lambda at: (_URGENCY.get(rows[at].judged, len(_URGENCY)), at))
    kept = sorted(ranked[: most - 1])
    return [rows[at] for at in kept], len(rows) - len(kept)


def _widths(natural: Sequence[int], width: int, drawn: bool) -> list[int]:
    """Those of the cells and of the course, 0 for what is left out."""
    name, value, healthy, judged = natural
    least = GAP + SHORTEST_COURSE
    for ranges, shortest in zip((healthy, 0), SHORTEST_NAMES, strict=True):
        others = [value, ranges, judged]
        free = width - sum(other + GAP for other in others if other)
        if drawn and free - least >= min(name, shortest):
            name = min(name, free - least, max(LONGEST_NAME, free - GAP - LONGEST_COURSE))
            return [name, *others, min(free - GAP - name, LONGEST_COURSE)]
        if not drawn and free >= min(name, shortest):
            return [min(name, free), *others, 0]
    return [max(min(name, width - value - judged - 2 * GAP), 3), value, 0, judged, 0]


def _cells(row: Row, style: Style) -> list[str]:
    return [printable(row.name), row.value, row.healthy, style.mark(words.JUDGED, row.judged)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *others = cells
    shown = (padded(cell, width) for cell, width in zip(others, widths[1:], strict=True) if width)
    return (" " * GAP).join([padded(shortened(name, widths[0]), widths[0]), *shown]).rstrip()
