"""Python dicts behind words that say what they are and at which step: `Global step 41: {...}`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.ingest.prefixes import without_prefix_of
from llmtrain_exporter.ingest.printed_rows import OpenDict, row_of
from llmtrain_exporter.ingest.python_dict import FoundDict, dict_at


class MarkedDict(NamedTuple):
    """A dict with the words before it. Of one that is broken the values are `UNREADABLE`."""

    mark: re.Match[bytes]
    cells: LogRow


class MarkedDicts:
    """The marked dicts of one log. It holds the one that is open where a line ends."""

    def __init__(self, mark: re.Pattern[bytes]) -> None:
        """`mark`: the words, up to the brace, which they do not include."""
        self._mark = mark
        self._open: tuple[re.Match[bytes], OpenDict] | None = None

    def find(self, line: bytes) -> Sequence[MarkedDict]:
        """The dicts in a line, or the one that it completes; before them one whose end never came.

        There are several where writers' lines were glued.
        """
        mark = self._mark.search(line)
        if mark is None:
            return () if self._open is None else self._go_on(*self._open, line)
        found = [] if self._open is None else [MarkedDict(self._open[0], self._open[1].given_up())]
        self._open = None
        text = line.decode("latin-1")  # in which each byte has its place
        while mark:
            parsed = dict_at(text, mark.end())
            found += self._take(mark, parsed, line)
            mark = self._mark.search(line, parsed.end) if parsed.complete else None
        return found

    def _go_on(self, mark: re.Match[bytes], opened: OpenDict, line: bytes) -> Sequence[MarkedDict]:
        inner = without_prefix_of(opened.before, line)
        if inner and not inner.isspace():
            opened.add(inner)
        if not opened.ended:
            return ()
        self._open = None
        if opened.closed:
            return self._take(mark, dict_at(opened.text.decode("latin-1"), 0), opened.text, opened.before)
        return [MarkedDict(mark, opened.given_up())]

    def _take(
        self, mark: re.Match[bytes], found: FoundDict, text: bytes, before: bytes | None = None
    ) -> Sequence[MarkedDict]:
        """The dict, if its end is there. `before`: what stood before the text; None: that begins its line."""
        before = text[: found.begin] if before is None else before
        opened = OpenDict(text[found.begin :], before) if found.cut else None
        if opened is None or opened.ended:
            return [MarkedDict(mark, row_of(found))]
        self._open = mark, opened
        return ()
