"""Which trainer printed a log, by lines and keys that no other one prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from llmtrain_exporter.knowledge.producer import Producer

LINES_LOOKED_AT = 10_000  # trainers say who they are when they begin


class WriterMark(NamedTuple):
    """By what a trainer is known: `keys` of its rows, of which one is enough, or a line of other text."""

    producer: Producer
    keys: frozenset[str]
    line: re.Pattern[bytes]


class WriterFinder:
    """Looks at the lines of one log until one says who prints them."""

    __slots__ = ("_left", "_marks", "producer")

    def __init__(self, marks: Sequence[WriterMark]) -> None:
        self.producer: Producer | None = None  # None: not known, or not yet
        self._marks = marks
        self._left = LINES_LOOKED_AT if marks else 0

    def see_text(self, line: bytes) -> None:
        """A line without rows."""
        if self._left:
            self._left -= 1
            self._know(mark.producer for mark in self._marks if mark.line.search(line))

    def see_rows(self, rows: Iterable[Mapping[str, object]]) -> None:
        """The rows of a line."""
        if self._left:
            self._left -= 1
            self._know(mark.producer for row in rows for mark in self._marks if not mark.keys.isdisjoint(row))

    def _know(self, found: Iterable[Producer]) -> None:
        self.producer = next(iter(found), None)
        if self.producer is not None:
            self._left = 0
