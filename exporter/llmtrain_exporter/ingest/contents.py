"""Which files are logs whose names do not tell: their first bytes are read, and those once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.recognise import sniff

LOOKED_AT = 1 << 10  # bytes; a data set can be large, and there can be very many


class _Seen(NamedTuple):
    dialect: Dialect | None
    size: int  # bytes, at the look

    def holds(self, state: os.stat_result) -> bool:
        """Whether another look would show the same: a log stays one, and what has begun otherwise is none."""
        if self.dialect is not None or state.st_size == self.size:
            return True
        return LOOKED_AT <= self.size < state.st_size


class Contents:
    """What was seen of the files that searches have met. For one thread at a time."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], _Seen] = {}  # by device and inode
        self._before: dict[tuple[int, int], _Seen] = {}  # of the search before

    def begin_search(self) -> None:
        """Forget the files that the search before did not meet."""
        self._before, self._seen = self._seen, {}

    def dialect(self, path: str, state: os.stat_result, candidates: Sequence[Dialect]) -> Dialect | None:
        """The dialect of a file that was met; None: it is no log, or not yet. Raises OSError."""
        by_content = [dialect for dialect in candidates if dialect.by_content]
        found = self._told(path, state, by_content) if by_content else None
        others = [dialect for dialect in candidates if dialect not in by_content]
        return found or (sniff(path, others) if others else None)

    def _told(self, path: str, state: os.stat_result, candidates: Iterable[Dialect]) -> Dialect | None:
        identity = (state.st_dev, state.st_ino)
        known = self._seen.get(identity) or self._before.get(identity)
        if known is None or not known.holds(state):
            known = _Seen(_look(path, candidates), state.st_size)
        self._seen[identity] = known
        return known.dialect


def _look(path: str, candidates: Iterable[Dialect]) -> Dialect | None:
    descriptor, _ = open_regular(path)
    try:
        head = Head.of(os.pread(descriptor, LOOKED_AT, 0))
    finally:
        os.close(descriptor)
    return next((dialect for dialect in candidates if dialect.sniff(head) is Confidence.SURE), None)
