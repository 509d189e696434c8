"""The rows that a program prints as Python dicts: whole, with odd values, or broken over several lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import orjson

from llmtrain_exporter.ingest.console import LONGEST_LINE
from llmtrain_exporter.ingest.prefixes import without_prefix_of
from llmtrain_exporter.ingest.python_dict import UNREADABLE, FoundDict, dict_at, dicts
from llmtrain_exporter.knowledge import row

PrintedRow = Mapping[str, object]

MOST_HELD_BYTES = 1 << 16
MOST_HELD_LINES = 512
"""Of a row that is broken over several lines, before it is given up."""

_FLAT = re.compile(rb"\{['\"][^{}]*\}")
_OPENED_AT_END = re.compile(rb"\{\s{0,200}\Z")
_MARKS = re.compile(rb"\\.|['\"{}]", re.DOTALL)
_BAR = re.compile(rb"[^|{}'\"]{0,80}\d{1,3}%\|")
_KEY = re.compile(rb"\s*['\"}]")  # or the end
_LINE_ENDS = b"\r\n"
_ROW_KEYS = frozenset((*row.POSITION, *row.FINAL))


class PrintedRows:
    """The grammar of one printed log. It holds the row that is open where a line ends.

    pprint prints a key a line; rich breaks lines at the width of a terminal, and at 80 where there is none.
    """

    def __init__(self) -> None:
        self._open: OpenDict | None = None

    def rows(self, line: bytes) -> Sequence[PrintedRow]:
        """The rows in a line, with the one that it completes. Of a broken row the values are `UNREADABLE`."""
        if self._open is not None:
            return self._go_on(self._open, line)
        braces = line.count(b"{")
        if not braces:
            return ()
        texts = _FLAT.findall(line)
        flat = [parsed for text in texts if (parsed := _parse_flat(text)) is not None]
        return flat if len(flat) == braces else self._search(line)

    def _search(self, line: bytes) -> Sequence[PrintedRow]:
        """The rows by the grammar, for what is not flat, or not JSON but for its quotes."""
        found = list(dicts(line.decode("latin-1")))
        whole = any(each.complete and _is_row(each.pairs) for each in found)
        begin = None if whole else _cut_at(line, found)
        if begin is not None:
            opened = OpenDict(line[begin:], line[:begin])
            self._open = None if opened.ended else opened
        return [row_of(each) for each in found if not each.cut or self._open is None]

    def _go_on(self, opened: OpenDict, line: bytes) -> Sequence[PrintedRow]:
        inner = without_prefix_of(opened.before, line)
        if not inner or inner.isspace() or _BAR.match(inner):
            return ()
        if _begins_anew(inner):
            self._open = None
            return [opened.given_up(), *self.rows(line)]
        opened.add(inner)
        if not opened.ended:
            return ()
        self._open = None
        return self._search(opened.text) if opened.closed else [opened.given_up()]


class OpenDict:
    """The text of a dict whose end has not come yet, in bounds."""

    def __init__(self, text: bytes, before: bytes) -> None:
        """`before`: what stands before the dict in its line."""
        self.before = before
        self.closed = False
        self._lines: list[bytes] = []
        self._strange = 0  # lines that others printed in between
        self._size = self._depth = 0
        self._quote = b""  # the mark that ends the string in which the text stands
        self._append(text.rstrip(_LINE_ENDS))

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be added."""
        lines = len(self._lines) + self._strange
        return self.closed or self._size > MOST_HELD_BYTES or lines > MOST_HELD_LINES

    @property
    def text(self) -> bytes:
        """All that was added. Lines are broken anywhere, inside of a number too: nothing comes in between."""
        return b"".join(self._lines)

    def add(self, line: bytes) -> None:
        """The next line, without prefixes; the last one where that closes the dict.

        One that others printed in between is passed over.
        """
        line = line.rstrip(_LINE_ENDS)
        if self._goes_on(line):
            self._append(line)
        else:
            self._strange += 1

    def _append(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)
        if not self.ended:
            self.closed = any(self._closes(mark[0]) for mark in _MARKS.finditer(line))

    def _goes_on(self, line: bytes) -> bool:
        """Whether the dict can go on so; a warning cannot stand where a key is to come."""
        key_comes = not self._quote and self._depth == 1 and self._lines[-1].rstrip()[-1:] in (b",", b"{")
        return not key_comes or _KEY.match(line) is not None

    def given_up(self) -> PrintedRow:
        """What stands for a row whose end never came."""
        return row_of(dict_at(self.text.decode("latin-1"), 0))

    def _closes(self, mark: bytes) -> bool:
        if self._quote:
            self._quote = b"" if mark == self._quote else self._quote
        elif mark in b"'\"":
            self._quote = mark
        else:
            self._depth += (mark == b"{") - (mark == b"}")
        return not self._depth


def _parse_flat(text: bytes) -> PrintedRow | None:
    if len(text) > LONGEST_LINE:
        return None
    try:
        row: object = orjson.loads(text.replace(b"'", b'"'))
    except orjson.JSONDecodeError:
        return None
    return row if type(row) is dict else None


def row_of(found: FoundDict) -> PrintedRow:
    """Of a dict without an end the keys: who knows those knows whether a row was lost.

    The epoch, by which a row is known, is the last key: it counts as lost with the rest.
    """
    if found.complete:
        return found.pairs
    return {**dict.fromkeys(found.pairs, UNREADABLE), "epoch": UNREADABLE}


def _is_row(pairs: PrintedRow) -> bool:
    return not _ROW_KEYS.isdisjoint(pairs)


def _cut_at(line: bytes, found: Sequence[FoundDict]) -> int | None:
    """Where the dict begins in whose midst the line ends; nowhere, where it ends in none."""
    cut = next((each.begin for each in found if each.cut), None)
    if cut is not None:
        return cut
    at_end = _OPENED_AT_END.search(line)
    return None if at_end is None else at_end.start()


def _begins_anew(line: bytes) -> bool:
    """Whether a line has a row of its own, or opens one, and so does not belong to the one before."""
    if b"{" not in line:
        return False
    found = list(dicts(line.decode("latin-1")))
    opens = line.lstrip().startswith(b"{") and _cut_at(line, found) is not None
    return opens or any(each.complete and _is_row(each.pairs) for each in found)
