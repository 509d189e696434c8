"""A table in the columns of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Counted
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import Course, Line, Table
from llmtrain_exporter.story.shorten import urgent_rows
from llmtrain_exporter.write.columns import NBSP, columns, padded, shortened_name
from llmtrain_exporter.write.courses import course, thinned
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style

GAP = 2
"""Columns between two cells."""

SHORTEST_NAMES = (24, 14)
"""Columns that the first cell needs beside all others, and where one of these is left out."""

SHORTEST_NAME, LONGEST_NAME = 3, 34

SHORTEST_COURSE, LONGEST_COURSE = 8, 32


def table_lines(table: Table, style: Style, most: int | None = None, note: Counted = words.MORE) -> list[str]:
    """At most `most` lines: the rows that matter most, and a note of how many there are besides.

    Where the columns do not fit, the first cells are shortened, then those that can be spared are left out.
    """
    if not table.rows or (most is not None and most < 2):
        return []
    cells = [[line_text(cell, style) for cell in row] for row in table.rows]
    head = list(map(printable, table.head))
    widths = _widths(_natural(head, cells), table, style.width)
    shown: Sequence[int] = range(len(cells))
    if most is not None and len(cells) > most - 1:
        shown = urgent_rows(table, most - 2)
    lines = [_line(head, widths)]
    lines += [_line(_with_course(cells[at], table.rows[at], widths), widths) for at in shown]
    left = len(cells) - len(shown)
    return [*lines, note.of(left, style.lang)] if left else lines


def _natural(head: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(columns, column)) for column in zip(head, *cells, strict=True)]


def _widths(natural: Sequence[int], table: Table, width: int) -> list[int]:
    """Those of the cells, 0 for what is left out. A column of courses takes what the others leave."""
    elastic = _course_column(table)
    for left_out in range(len(table.spare) + 1):
        shown = [
            0 if at in (0, elastic, *table.spare[:left_out]) else size for at, size in enumerate(natural)
        ]
        drawn = elastic is not None and elastic not in table.spare[:left_out]
        free = width - sum(size + GAP for size in shown if size)
        room = free - (GAP + SHORTEST_COURSE) * drawn
        if room >= min(natural[0], SHORTEST_NAMES[min(left_out, 1)]):
            break
    shown[0] = min(natural[0], max(room, SHORTEST_NAME))
    if drawn and elastic is not None:
        shown[0] = min(shown[0], max(LONGEST_NAME, free - GAP - LONGEST_COURSE))
        shown[elastic] = min(free - GAP - shown[0], LONGEST_COURSE)
    return shown


def _course_column(table: Table) -> int | None:
    return next((at for at, cell in enumerate(table.rows[0]) if cell and isinstance(cell[0], Course)), None)


def _with_course(cells: Sequence[str], row: Sequence[Line], widths: Sequence[int]) -> list[str]:
    """The cells of a row, its course drawn as wide as there is room for it."""
    return [
        _drawn(line[0], width) if line and isinstance(line[0], Course) else cell
        for cell, line, width in zip(cells, row, widths, strict=True)
    ]


def _drawn(values: Course, width: int) -> str:
    if not width:
        return ""
    return course(thinned(values.values, width))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *others = cells
    shown = [padded(cell, width) for cell, width in zip(others, widths[1:], strict=True) if width]
    line = (" " * GAP).join([padded(shortened_name(name, widths[0]), widths[0]), *shown]).rstrip()
    return line.replace(NBSP, " ")
