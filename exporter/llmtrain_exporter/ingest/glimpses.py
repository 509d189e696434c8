"""What was seen of files that a program may have printed: 64 KB of each at most, and those once.

A file is looked at from its begin on as it grows. Where no row of a training stands there, because so much
else is printed first, its end is looked at: at once, and each time that it has grown by two thirds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.encoding import wide_encoding
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.met_files import MetFiles

MOST_LOOKED_AT = 64 << 10
"""Bytes of a file, all looks together."""

BEGIN = 32 << 10
"""Bytes of that for its begin."""

FIRST_PIECE, PIECE = 16 << 10, 2 << 10
"""Bytes of its end: at the first look, and later, when rows have come to stand there one after the other."""

GROWTH = 5 / 3
"""A file is so much larger when its end is looked at again: what is left lasts for three megabytes."""

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
            self._look(path, glimpse)
            glimpse.modified = state.st_mtime_ns  # where it could not be read it is asked again
        return glimpse.dialect

    def _look(self, path: str, glimpse: _Glimpse) -> None:
        if not (_begin_left(glimpse) or _end_is_due(glimpse)):
            return
        descriptor, _ = open_regular(path)
        try:
            found = self._look_at_begin(descriptor, glimpse)
            glimpse.dialect = found or self._look_at_end(descriptor, glimpse)
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

    def _look_at_end(self, descriptor: int, glimpse: _Glimpse) -> Dialect | None:
        if not _end_is_due(glimpse):
            return None
        begin = max(glimpse.begin, glimpse.size - _piece(glimpse) + 1) & ~1
        glimpse.size_at_end = glimpse.size
        data = os.pread(descriptor, glimpse.size - begin, begin)
        glimpse.read += len(data)
        return likely(_narrow(data, glimpse.encoding).partition(b"\n")[2], self._dialects)


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


def _end_is_due(glimpse: _Glimpse) -> bool:
    unseen = glimpse.size - glimpse.begin > BEGIN - glimpse.read_begin
    left = MOST_LOOKED_AT - glimpse.read
    return unseen and left >= _piece(glimpse) and glimpse.size >= GROWTH * glimpse.size_at_end


def _piece(glimpse: _Glimpse) -> int:
    """How many bytes of its end are looked at next."""
    return PIECE if glimpse.size_at_end else FIRST_PIECE


def _narrow(data: bytes, encoding: str | None) -> bytes:
    """Bytes from the midst of a file as UTF-8."""
    return data if encoding is None else data.decode(encoding, "replace").encode()


def _whole_lines(data: bytes, encoding: str | None) -> int:
    """How many bytes stand before the last half line; bars end theirs with a carriage return."""
    ends = (data.rfind(mark.encode(encoding or "ascii")) for mark in "\n\r")
    return max(end + (2 if encoding else 1) if end >= 0 else 0 for end in ends) & (~1 if encoding else ~0)
