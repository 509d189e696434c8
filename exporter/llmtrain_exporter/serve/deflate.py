"""Texts that are kept compressed, and a gzip body of many of them whose end is new for every client."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

try:
    from isal import isal_zlib as fast  # four times as fast at level 1
    from isal.isal_zlib import crc32_combine
except ImportError:  # no wheel for this processor
    fast = zlib  # type: ignore[misc]
    from llmtrain_exporter.serve.crc32 import crc32_combine

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # RFC 1952: deflate, no name, no time, fastest
_LEVEL = 1


class Deflated(NamedTuple):
    """A deflate stream, in parts, that ends at a byte's border and may be continued."""

    parts: tuple[bytes, ...]
    checksum: int  # CRC-32 of what was compressed
    size: int  # bytes of what was compressed


def deflate(text: bytes, ending: int = zlib.Z_FULL_FLUSH) -> Deflated:
    """Compress a text."""
    squeeze = fast.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = squeeze.compress(text) + squeeze.flush(ending)
    return Deflated((data,), fast.crc32(text), len(text))


def joined(streams: Iterable[Deflated]) -> Deflated:
    """One stream of several that follow one another; none of them is compressed again."""
    parts: list[bytes] = []
    checksum = size = 0
    for stream in streams:
        parts += stream.parts
        checksum = crc32_combine(checksum, stream.checksum, stream.size)
        size += stream.size
    return Deflated(tuple(parts), checksum, size)


def gzip_pieces(start: Deflated, end: bytes) -> tuple[bytes, ...]:
    """A gzip body of what was deflated before, followed by `end`: one member, which every client can read."""
    whole = joined((start, deflate(end, zlib.Z_FINISH)))
    return _HEADER, *whole.parts, struct.pack("<II", whole.checksum, whole.size & 0xFFFFFFFF)


class KeptText:
    """A text that is kept as it is, or compressed, or both. Compressed by one thread, read by any."""

    __slots__ = ("_deflated", "_plain", "size")

    def __init__(self, plain: bytes) -> None:
        self._plain: bytes | None = plain
        self._deflated: Deflated | None = None
        self.size = len(plain)  # bytes

    def plain(self) -> bytes:
        """The text."""
        plain, deflated = self._plain, self._deflated
        if plain is None and deflated is not None:
            return fast.decompressobj(-zlib.MAX_WBITS).decompress(b"".join(deflated.parts))
        return plain or b""

    def deflated(self) -> Deflated:
        """The text compressed, once for all who ask."""
        if self._deflated is None:
            self._deflated = deflate(self.plain())
        return self._deflated

    def pack(self) -> bool:
        """Keep it compressed alone; whether it was not."""
        if self._plain is None:
            return False
        self.deflated()
        self._plain = None
        return True
