"""A gzip body whose large part is compressed once and whose end is new for every client."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

try:
    from isal import isal_zlib as fast  # four times as fast at level 1
except ImportError:  # no wheel for this processor
    fast = zlib  # type: ignore[misc]

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # RFC 1952: deflate, no name, no time, fastest
_LEVEL = 1


class Deflated(NamedTuple):
    """A deflate stream that ends at a byte's border and may be continued."""

    data: bytes
    checksum: int  # CRC-32 of what was compressed
    size: int  # bytes of what was compressed


def deflate(pieces: Iterable[bytes], ending: int = zlib.Z_FULL_FLUSH, checksum: int = 0) -> Deflated:
    """Compress pieces that belong one after another; the checksum goes on from what came before them."""
    squeeze = fast.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts, size = [], 0
    for piece in pieces:
        parts.append(squeeze.compress(piece))
        checksum = fast.crc32(piece, checksum)
        size += len(piece)
    parts.append(squeeze.flush(ending))
    return Deflated(b"".join(parts), checksum, size)


def gzip_pieces(start: Deflated, end: bytes) -> tuple[bytes, ...]:
    """A gzip body of what was deflated before, followed by `end`: one member, which every client can read."""
    rest = deflate([end], zlib.Z_FINISH, start.checksum)
    length = (start.size + rest.size) & 0xFFFFFFFF
    return _HEADER, start.data, rest.data + struct.pack("<II", rest.checksum, length)
