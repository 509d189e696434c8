"""A gzip body whose large part is compressed once and whose end is new for every client.

A text that never changes is kept compressed, and goes into a body as it is: deflate streams that end at a
byte's border may follow one another.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

try:
    from isal import isal_zlib as fast  # four times as fast at level 1
except ImportError:  # no wheel for this processor
    fast = zlib  # type: ignore[misc]

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # RFC 1952: deflate, no name, no time, fastest
_LEVEL = 1
_POLYNOMIAL = 0xEDB88320  # of CRC-32, the lowest power in the highest bit


class Deflated(NamedTuple):
    """A deflate stream that ends at a byte's border and may be continued."""

    data: tuple[bytes, ...]  # belong one after another
    checksum: int  # CRC-32 of what was compressed
    size: int  # bytes of what was compressed


class PackedText:
    """A text that is kept compressed. `len` is that of the text, `bytes` the text itself."""

    __slots__ = ("deflated",)

    def __init__(self, text: bytes) -> None:
        self.deflated = deflate([text])

    def __len__(self) -> int:
        return self.deflated.size

    def __bytes__(self) -> bytes:
        squeezed = fast.decompressobj(-zlib.MAX_WBITS)
        return b"".join(map(squeezed.decompress, self.deflated.data))


def deflate(
    pieces: Iterable[bytes | PackedText], ending: int = zlib.Z_FULL_FLUSH, checksum: int = 0
) -> Deflated:
    """Compress pieces that belong one after another; the checksum goes on from what came before them."""
    squeeze = None
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if isinstance(piece, PackedText):
            if squeeze is not None:
                parts.append(squeeze.flush(zlib.Z_FULL_FLUSH))
                squeeze = None
            parts += piece.deflated.data
            checksum = combined(checksum, piece.deflated.checksum, len(piece))
        else:
            squeeze = squeeze or fast.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
            parts.append(squeeze.compress(piece))
            checksum = fast.crc32(piece, checksum)
    squeeze = squeeze or fast.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts.append(squeeze.flush(ending))
    return Deflated(tuple(filter(None, parts)), checksum, size)


def gzip_pieces(start: Deflated, end: bytes) -> tuple[bytes, ...]:
    """A gzip body of what was deflated before, followed by `end`: one member, which every client can read."""
    rest = deflate([end], zlib.Z_FINISH, start.checksum)
    length = (start.size + rest.size) & 0xFFFFFFFF
    return _HEADER, *start.data, *rest.data, struct.pack("<II", rest.checksum, length)


def combined_slowly(first: int, second: int, length: int) -> int:
    """CRC-32 of two texts, one after the other, from those of each and the bytes of the second.

    Source: crc32_combine of zlib, which Python's own module does not show.
    """
    return _product(_power(length), first) ^ second


combined: Callable[[int, int, int], int] = getattr(fast, "crc32_combine", combined_slowly)


@lru_cache(1 << 12)
def _power(length: int) -> int:
    """x to the power of so many bytes, modulo the polynomial."""
    power, square = 1 << 31, 1 << 23  # 1, and x to the 8th
    while length:
        if length & 1:
            power = _product(square, power)
        square = _product(square, square)
        length >>= 1
    return power


def _product(one: int, other: int) -> int:
    """The product of two polynomials, modulo that of CRC-32."""
    product = 0
    for bit in range(31, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product
