"""Snappy's block format, in which remote write packs a body.

Source: the format's description in google/snappy. With `cramjam` (the extra `push`) bodies get smaller;
without it they are one literal, which every reader of the format takes.
"""

from __future__ import annotations

from collections.abc import Callable

_LITERAL = 63 << 2  # one whose length follows in four bytes


def literal(body: bytes) -> bytes:
    """The body in snappy's format, no smaller than it was."""
    if not body:
        return b"\0"
    length = (len(body) - 1).to_bytes(4, "little")
    return b"".join((varint(len(body)), bytes((_LITERAL,)), length, body))


def packer() -> Callable[[bytes], bytes]:
    """What packs a body here: the library where it is installed."""
    try:
        from cramjam import snappy
    except ImportError:
        return literal
    return lambda body: bytes(snappy.compress_raw(body))


def varint(number: int) -> bytes:
    """A number from 0 on as protobuf and snappy write it: seven bits to a byte, the lowest first."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
