"""Consecutive bytes of a file to the records of TFRecord; what is damaged is dropped and counted.

A record is its length (8 bytes, little endian), the checksum of that (4), its data and their checksum (4).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache

from llmtrain_exporter.ingest.consumed import TAIL, Consumed
from llmtrain_exporter.ingest.crc32c import masked_crc32c
from llmtrain_exporter.ingest.lines import Lines
from llmtrain_exporter.knowledge.skips import BROKEN_FRAME

HEAD, FOOT = 12, 4  # bytes around the data of a record
LARGEST = 128 << 10  # bytes of data that are held and read: more is a picture or a graph, never numbers
MOST_POSSIBLE = 1 << 31  # bytes; no message of protocol buffers is as long: a length above is none
SEARCHED = 4096  # bytes of a run of NULs that are passed at once

_HEAD = struct.Struct("<QI")
_FOOT = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")
_SMALL = b"\0\0\0\0"  # the upper half of each length that is possible


class Frames(Consumed):
    """How far a file of records was consumed, and the last part of a record. Followed as `Lines` are."""

    __slots__ = (
        "_endured",
        "_left",
        "_looks",
        "_lost",
        "_patience",
        "_seen_size",
        "in_hole",
    )

    def __init__(self, _: int, patience: int) -> None:
        """`patience`: looks at what is no record, and may be data on its way, before it is passed over."""
        self._patience = patience
        super().__init__()

    def begin(self) -> None:
        """Back to the first byte of a file."""
        super().begin()
        self.in_hole = False  # all that was consumed last were NULs that are skipped
        self._left = 0  # bytes to come of a record that nobody reads
        self._lost = False  # no record began where one should have: the next is searched
        self._looks = 0  # at what stands next and is no record
        self._seen_size = 0  # of the file, when it was looked at first
        self._endured = 0  # what is before this offset has been waited for

    @property
    def waiting(self) -> bool:
        """Whether what stands next is no record, and may yet become one."""
        return 0 < self._looks <= self._patience

    @property
    def unfinished(self) -> bytes:
        """Half a record says nothing."""
        return b""

    def take(self, data: bytes, begin: int, size: int) -> list[bytes]:
        """Consumes data[begin:], at most up to what is waited for; the data of the records that are whole.

        What is before `begin` was consumed earlier. `size`: of the file.
        """
        if begin == len(data):
            self._looks = 0
        self.partial += memoryview(data)[begin:]
        self.offset += len(data) - begin
        records: list[bytes] = []
        at = 0
        while (after := self._next(at, records, size)) > at:
            at = after
        if self.waiting:  # to be read again, by then perhaps with what is on its way
            self.offset -= len(self.partial) - at
            del self.partial[at:]
        self.in_hole = self._lost and not self.partial.strip(b"\0")
        self._forget(at)
        return records

    def _next(self, at: int, records: list[bytes], size: int) -> int:
        """Where to go on behind what stands there; there itself, until more has come."""
        there = len(self.partial) - at
        if self._left:
            passed = min(self._left, there)
            self._left -= passed
            return at + passed
        if self._lost:
            return self._search(at)
        if there < HEAD:
            return at
        length, check = _HEAD.unpack_from(self.partial, at)
        if length >= MOST_POSSIBLE or _check_of_length(length) != check:
            return self._pass_over(at, size)
        if length > LARGEST:
            self._looks, self._left = 0, HEAD + length + FOOT
            return self._next(at, records, size)
        return self._record(at, length, records, size)

    def _record(self, at: int, length: int, records: list[bytes], size: int) -> int:
        begin, end = at + HEAD, at + HEAD + length
        if len(self.partial) < end + FOOT:
            self._looks = 0
            return at
        data = bytes(memoryview(self.partial)[begin:end])
        if _FOOT.unpack_from(self.partial, end)[0] != masked_crc32c(data):
            if not self._gives_up(at, size):
                return at
            self._drop()
        else:
            records.append(data)
        self._looks = 0
        return end + FOOT

    def _pass_over(self, at: int, size: int) -> int:
        """The next record begins further on, unless this one is only on its way."""
        if not self._gives_up(at, size):
            return at
        self._drop()
        self._looks, self._lost = 0, True
        return self._search(at + 1)

    def _gives_up(self, at: int, size: int) -> bool:
        """Whether what stands there was looked at often enough: over NFS the data can follow the size."""
        if self.offset - len(self.partial) + at < self._endured:
            return True
        if self._looks == 0:
            self._seen_size = size
        self._looks += 1
        if self.waiting:
            return False
        self._endured = max(self._endured, self._seen_size)
        return True

    def _search(self, at: int) -> int:
        """Where the next record begins, or may begin once more has come."""
        found = self.partial.find(_SMALL, at + 4)
        while found >= 0 and len(self.partial) - found >= HEAD - 4:
            length, check = _HEAD.unpack_from(self.partial, found - 4)
            if length < MOST_POSSIBLE and _check_of_length(length) == check:
                self._lost = False
                return found - 4
            found = self._next_small(found)
        return max(at, len(self.partial) - HEAD + 1)

    def _next_small(self, at: int) -> int:
        """The next place for the upper half of a length; in a run of NULs that is near its end."""
        if self.partial[at + 4] == 0:
            rest = bytes(memoryview(self.partial)[at : at + SEARCHED])
            run = len(rest) - len(rest.lstrip(b"\0"))
            return max(at + 1, at + run - HEAD) if run > 2 * HEAD else at + 1
        return self.partial.find(_SMALL, at + 1)

    def _forget(self, count: int) -> None:
        """The first bytes of the partial record are done with."""
        if count:
            done = bytes(memoryview(self.partial)[:count])
            self.fingerprint.update(done)
            self.mark = (self.mark + done[-TAIL:])[-TAIL:]
            del self.partial[:count]

    def _drop(self) -> None:
        self.dropped[BROKEN_FRAME] = self.dropped.get(BROKEN_FRAME, 0) + 1


Units = Callable[[int, int], Lines | Frames]
"""Makes what a followed file consists of; see `Lines` for what is given."""


@lru_cache(maxsize=4096)  # nearly all records are of a few lengths
def _check_of_length(length: int) -> int:
    return masked_crc32c(_LENGTH.pack(length))
