"""LevelDB's log format, in which W&B and SwanLab keep a run: blocks of 32 KiB with checked records.

A record begins with a checksum (4 bytes, of type and payload), its length (2) and its type (1); one that does
not fit into the rest of a block goes on in the next. Source: LevelDB's doc/log_format.md.
"""

from __future__ import annotations

import struct
from zlib import crc32

from llmtrain_exporter.ingest.framing import BROKEN_FRAME
from llmtrain_exporter.model import Skip

BLOCK = 32 << 10
LARGEST_PAYLOAD = 64 << 20
"""Bytes of a record in many blocks; what a run logs at once is far smaller."""

_HEADER = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_PREAMBLE = 7


class LevelDbLog:
    """Finds the payloads in consecutive bytes of one file; see `Framing`."""

    def __init__(self, preamble: bytes) -> None:
        """`preamble`: what the file begins with, up to seven bytes."""
        self._preamble = preamble
        self._at = 0  # offset in the file
        self._parts: list[bytes] = []  # of a record that goes on in the next block
        self._size = 0  # of those
        self._foreign = False  # the file begins otherwise, and holds nothing

    def begin_near(self, offset: int) -> int:
        """See `Framing.begin_near`: what goes on from the block before is dropped."""
        self._at = offset // BLOCK * BLOCK
        return self._at

    def take(self, data: bytes, last: bool) -> tuple[list[bytes | Skip], int]:
        """See `Framing.take`."""
        found: list[bytes | Skip] = []
        used = self._begin(data, found)
        while used < len(data):
            length = self._record(data, used, last, found)
            if not length:
                break
            used += length
            self._at += length
        return found, used

    def _begin(self, data: bytes, found: list[bytes | Skip]) -> int:
        if self._foreign:
            return len(data)
        if self._at or len(data) < _PREAMBLE:
            return 0
        if not data.startswith(self._preamble):
            self._foreign = True
            found.append(BROKEN_FRAME)
            return len(data)
        self._at = _PREAMBLE
        return _PREAMBLE

    def _record(self, data: bytes, at: int, last: bool, found: list[bytes | Skip]) -> int:
        """Bytes of the record that stands there, its end in the block included; 0: it is not whole yet."""
        if not self._at:
            return 0
        block = BLOCK - self._at % BLOCK
        if block < _HEADER.size:
            return min(block, len(data) - at)
        there = len(data) - at
        if there < _HEADER.size:
            return self._tear(there, found) if last else 0
        checksum, length, kind = _HEADER.unpack_from(data, at)
        whole: int = _HEADER.size + length
        if whole <= there and whole <= block and crc32(data[at + 6 : at + whole]) == checksum and kind:
            self._add(kind, data[at + _HEADER.size : at + whole], found)
            return whole
        if there < block and not last:  # torn, or zeros where data will be: it is being written
            return 0
        return self._tear(min(block, there), found)

    def _tear(self, length: int, found: list[bytes | Skip]) -> int:
        """Leave the rest of a block: nothing tells where the next record begins."""
        self._drop()
        found.append(BROKEN_FRAME)
        return length

    def _add(self, kind: int, payload: bytes, found: list[bytes | Skip]) -> None:
        begins = kind in (_FULL, _FIRST)
        if begins == bool(self._parts) or kind > _LAST:  # one has lost its end, or its beginning
            found.append(BROKEN_FRAME)
            self._drop()
            if not begins:
                return
        self._parts.append(payload)
        self._size += len(payload)
        if self._size > LARGEST_PAYLOAD:
            found.append(BROKEN_FRAME)
            self._drop()
        elif kind in (_FULL, _LAST):
            found.append(b"".join(self._parts))
            self._drop()

    def _drop(self) -> None:
        self._parts.clear()
        self._size = 0
