"""The last WINDOW rows of a run, on which its baselines rest."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from struct import pack
from typing import Protocol

from llmtrain_exporter.analyse.baseline import present
from llmtrain_exporter.knowledge.own_level import WINDOW

_ABSENT = math.nan

_ONE_BY_ONE = 16
"""Rows up to which each is written by itself: a column takes as long as two."""

Columns = Sequence[Sequence[float]]


class Window(Protocol):
    """The last rows of some columns, as 32-bit floats, NaN where a row lacks one."""

    def column(self, index: int) -> list[float]:
        """The values of a column, oldest first; NaN for what is absent."""

    def recent(self, index: int, count: int) -> list[float]:
        """The last values of a column that were there, oldest first."""

    def pairs(self, index: int, other: int, count: int) -> list[tuple[float, float]]:
        """The values of two columns in those of the last rows that have both, oldest first."""

    def mean(self, index: int, count: int) -> float:
        """The mean of its last values, NaN where one of them was not there."""


class Ring:
    """The rows as they are kept, column behind column: each in a ring of its own."""

    __slots__ = ("at", "cells", "filled", "width")

    def __init__(self, width: int) -> None:
        self.width = width  # columns
        self.at = 0  # row that is written next
        self.filled = 0  # rows
        self.cells = array("f", [_ABSENT]) * (width * WINDOW)

    def put(self, row: Sequence[float]) -> None:
        """Add a row, which takes the place of the oldest."""
        self.cells[self.at :: WINDOW] = _cells(row)
        self._advance(1)

    def put_all(self, columns: Columns) -> None:
        """Add rows, by the columns of all of them."""
        count = len(columns[0]) if columns else 0
        if count <= _ONE_BY_ONE:
            for row in zip(*columns, strict=True):
                self.put(row)
            return
        for begin, column in zip(range(0, len(self.cells), WINDOW), columns, strict=True):
            self._write(begin, _cells(column[-WINDOW:]))
        self._advance(min(count, WINDOW))

    def column(self, index: int) -> list[float]:
        """See `Window`."""
        return self.newest(index, self.filled)

    def recent(self, index: int, count: int) -> list[float]:
        """See `Window`."""
        return present(self.newest(index, count))

    def pairs(self, index: int, other: int, count: int) -> list[tuple[float, float]]:
        """See `Window`."""
        return _pairs(self.newest(index, count), self.newest(other, count))

    def mean(self, index: int, count: int) -> float:
        """See `Window`."""
        return sum(self.newest(index, count)) / count

    def newest(self, index: int, count: int) -> list[float]:
        """The cells of a column in the last rows, oldest first, those of no row yet in front."""
        begin, since = index * WINDOW, self.at - min(count, WINDOW)
        newest = self.cells[begin + max(since, 0) : begin + self.at]
        if since < 0:
            newest = self.cells[begin + WINDOW + since : begin + WINDOW] + newest
        return newest.tolist()

    def widened(self, width: int) -> Ring:
        """The same rows with more columns, which they lack."""
        wide = Ring(width)
        wide.cells[: len(self.cells)] = self.cells
        wide.at, wide.filled = self.at, self.filled
        return wide

    def _write(self, begin: int, column: array[float]) -> None:
        """Write a column's cells in as many of the next rows, from the first one on behind the last."""
        before_end = WINDOW - self.at
        self.cells[begin + self.at : begin + min(self.at + len(column), WINDOW)] = column[:before_end]
        rest = column[before_end:]
        self.cells[begin : begin + len(rest)] = rest

    def _advance(self, rows: int) -> None:
        self.at = (self.at + rows) % WINDOW
        self.filled = min(self.filled + rows, WINDOW)


class MovingWindow:
    """A full ring as it moves on over rows that follow, and that are put into it when it has come to rest.

    A column is lined up behind what the ring has of it when somebody asks for it: a look is a slice then.
    """

    __slots__ = ("_ahead", "_lined_up", "_ring", "passed")

    def __init__(self, ring: Ring, ahead: Columns) -> None:
        self.passed = 0  # rows
        self._ring, self._ahead = ring, ahead
        self._lined_up: list[list[float] | None] = [None] * ring.width

    def column(self, index: int) -> list[float]:
        """See `Window`."""
        return self._newest(index, WINDOW)

    def recent(self, index: int, count: int) -> list[float]:
        """See `Window`."""
        return present(self._newest(index, count))

    def pairs(self, index: int, other: int, count: int) -> list[tuple[float, float]]:
        """See `Window`."""
        return _pairs(self._newest(index, count), self._newest(other, count))

    def mean(self, index: int, count: int) -> float:
        """See `Window`."""
        return sum(self._newest(index, count)) / count

    def rest(self) -> Ring:
        """The ring, with the rows that were passed."""
        self._ring.put_all([column[: self.passed] for column in self._ahead])
        return self._ring

    def _newest(self, index: int, count: int) -> list[float]:
        column, end = self._lined_up[index], WINDOW + self.passed
        if column is None:
            column = self._lined_up[index] = self._line_up(index)
        return column[end - min(count, WINDOW) : end]

    def _line_up(self, index: int) -> list[float]:
        ahead = self._ahead[index]
        return self._ring.newest(index, WINDOW) + _cells(ahead).tolist()


def _cells(values: Sequence[float]) -> array[float]:
    """Values as 32-bit floats; an array alone would look at each of them for three times as long."""
    return array("f", pack(f"{len(values)}f", *values))


def _pairs(values: list[float], others: list[float]) -> list[tuple[float, float]]:
    rows = zip(values, others, strict=True)
    return [(value, beside) for value, beside in rows if value == value and beside == beside]
