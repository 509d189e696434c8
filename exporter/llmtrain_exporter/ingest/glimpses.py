"""What was seen of files that a program may have printed: 64 KB of each at most, and those once.

A file is looked at from its begin on as it grows. Where no row of a training stands there, because so much
else is printed first, its end is looked at and some of its midst, at once; then its end again, as it grows.
The waits between these looks become longer, so that a server's log uses up the 64 KB, but not soon.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.encoding import wide_encoding
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.met_files import MetFiles

MOST_LOOKED_AT = 64 << 10
"""Bytes of a file, all looks together."""

BEGIN = 20 << 10
"""Bytes of that for its begin."""

END, PIECE = 8 << 10, 2 << 10
"""Bytes of its end: at the first look, and later, when rows have come to stand there one after the other."""

IN_MIDST = 3
"""So many pieces are looked at between, once: behind its rows a training may print a lot when it ends."""

LONG_LINE = 6 << 10
"""Bytes that are read before a piece in which no line ends: a row of verl is as long as that."""

LAST_LINE_END = 4
"""Bytes at most of the end of the last line, in UTF-16, which ends no line before it."""

GROWTH = 1.9
"""A file is so much larger when its end is looked at again at the latest."""

FIRST_WAIT = 3 * 10**9
"""Nanoseconds in which it has to be written again before its end is looked at again for the first time."""

LONGER = 5 / 3
"""Each wait to the one before: 15 looks, which are left of the 64 KB, last for two and a half hours."""

_LINE_END = re.compile(rb"[\r\n]")

Identity = tuple[int, int]


@dataclass(slots=True)
class _Glimpse:
    """What was seen of one file."""

    size: int = 0  # bytes, when it was looked at last
    modified: int = -1  # st_mtime_ns, then
    begin: int = 0  # bytes from its begin of which the lines are done with
    read: int = 0  # bytes, all together
    read_begin: int = 0  # bytes of those for its begin
    size_at_end: int = 0  # bytes, when its end was looked at last
    modified_at_end: int = 0  # st_mtime_ns, then
    wait: float = FIRST_WAIT  # nanoseconds from then on
    encoding: str | None = None  # of UTF-16, which only the first bytes tell
    dialect: Dialect | None = None


class Glimpses:
    """Knows which printed logs are a training's, of the files that were met. For one thread at a time."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        """`dialects`: those of what programs print."""
        self._dialects = dialects
        self._seen: MetFiles[Identity, _Glimpse] = MetFiles()

    def begin_search(self) -> None:
        """Forget the files that the search before did not meet."""
        self._seen.begin_search()

    def dialect(self, path: str, state: os.stat_result) -> Dialect | None:
        """The dialect of a file, None where no row of a training was seen in it. Raises OSError.

        What was a training's log once stays one while it begins anew.
        """
        identity = (state.st_dev, state.st_ino)
        glimpse = self._seen.get(identity) or _Glimpse()
        if state.st_size < glimpse.size:
            glimpse = _Glimpse(dialect=glimpse.dialect)
        self._seen.put(identity, glimpse)
        changed = (glimpse.size, glimpse.modified) != (state.st_size, state.st_mtime_ns)
        if changed and glimpse.dialect is None:
            glimpse.size, glimpse.modified = state.st_size, -1
            self._look(path, glimpse, state.st_mtime_ns)
            glimpse.modified = state.st_mtime_ns  # where it could not be read it is asked again
        return glimpse.dialect

    def _look(self, path: str, glimpse: _Glimpse, modified: int) -> None:
        if not (_begin_left(glimpse) or _end_is_due(glimpse, modified)):
            return
        descriptor, _ = open_regular(path)
        try:
            glimpse.dialect = self._look_at_begin(descriptor, glimpse)
            if glimpse.dialect is None and _end_is_due(glimpse, modified):
                glimpse.dialect = self._look_at_end(descriptor, glimpse, modified)
        finally:
            os.close(descriptor)

    def _look_at_begin(self, descriptor: int, glimpse: _Glimpse) -> Dialect | None:
        most = _begin_left(glimpse)
        data = os.pread(descriptor, most, glimpse.begin) if most else b""
        if not data:
            return None
        if not glimpse.begin:
            glimpse.encoding = wide_encoding(data)
        glimpse.read += len(data)
        glimpse.read_begin += len(data)
        text = data if not glimpse.begin else _narrow(data, glimpse.encoding)
        glimpse.begin += _whole_lines(data, glimpse.encoding)
        return likely(text, self._dialects)

    def _look_at_end(self, descriptor: int, glimpse: _Glimpse, modified: int) -> Dialect | None:
        pieces = _pieces(glimpse)
        if glimpse.size_at_end and _has_waited(glimpse, modified):
            glimpse.wait *= LONGER
        glimpse.size_at_end, glimpse.modified_at_end = glimpse.size, modified
        texts = (self._text(descriptor, glimpse, begin, size) for begin, size in pieces)
        found = (likely(text, self._dialects) for text in texts)
        return next(filter(None, found), None)

    def _text(self, descriptor: int, glimpse: _Glimpse, begin: int, size: int) -> bytes:
        """The whole lines of a piece from the midst or the end of a file, as UTF-8."""
        data = os.pread(descriptor, size, begin)
        longer = min(LONG_LINE, begin - glimpse.begin, MOST_LOOKED_AT - glimpse.read - size) & ~1
        if (
            begin + size == glimpse.size
            and longer > 0
            and not _LINE_END.search(data, 0, size - LAST_LINE_END)
        ):
            data = os.pread(descriptor, longer, begin - longer) + data
        glimpse.read += len(data)
        text = _narrow(data, glimpse.encoding)
        end = _LINE_END.search(text)
        return text[end.end() :] if end else b""


def likely(data: bytes, dialects: Iterable[Dialect]) -> Dialect | None:
    """The surest dialect of a text, of equals the first; None where none is at least likely."""
    head, best, found = Head.of(data), Confidence.FALLBACK, None
    for dialect in dialects:
        confidence = dialect.sniff(head)
        if confidence > best:
            best, found = confidence, dialect
        if best is Confidence.SURE:
            break
    return found


def _begin_left(glimpse: _Glimpse) -> int:
    """How many bytes of its begin are to be looked at."""
    return max(0, min(BEGIN - glimpse.read_begin, glimpse.size - glimpse.begin))


def _end_is_due(glimpse: _Glimpse, modified: int) -> bool:
    """Whether more than its begin is to be looked at, with bytes left for that. `modified`: st_mtime_ns."""
    if glimpse.size - glimpse.begin <= BEGIN - glimpse.read_begin:
        return False
    grown = glimpse.size >= GROWTH * glimpse.size_at_end or _has_waited(glimpse, modified)
    return grown and sum(size for _, size in _pieces(glimpse)) <= MOST_LOOKED_AT - glimpse.read


def _has_waited(glimpse: _Glimpse, modified: int) -> bool:
    return modified - glimpse.modified_at_end >= glimpse.wait


def _pieces(glimpse: _Glimpse) -> Sequence[tuple[int, int]]:
    """Where it is looked at next, its end first, and how many bytes."""
    if glimpse.size_at_end:
        return [_last(glimpse, PIECE)]
    if glimpse.size - glimpse.begin <= END + IN_MIDST * PIECE:
        return [_last(glimpse, END + IN_MIDST * PIECE)]
    end = _last(glimpse, END)
    apart = (end[0] - glimpse.begin) // (IN_MIDST + 1)
    return [end, *((glimpse.begin + apart * number & ~1, PIECE) for number in range(1, IN_MIDST + 1))]


def _last(glimpse: _Glimpse, size: int) -> tuple[int, int]:
    begin = max(glimpse.begin, glimpse.size - size + 1) & ~1
    return begin, glimpse.size - begin


def _narrow(data: bytes, encoding: str | None) -> bytes:
    """Bytes from the midst of a file as UTF-8."""
    return data if encoding is None else data.decode(encoding, "replace").encode()


def _whole_lines(data: bytes, encoding: str | None) -> int:
    """How many bytes stand before the last half line; bars end theirs with a carriage return."""
    ends = (data.rfind(mark.encode(encoding or "ascii")) for mark in "\n\r")
    return max(end + (2 if encoding else 1) if end >= 0 else 0 for end in ends) & (~1 if encoding else ~0)
