"""Protocol Buffers as they stand on the wire, read without their schema: a few fields of a few messages.

Source: the encoding that protobuf.dev documents. Groups, which proto3 does not have, are not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10  # bytes
_MORE = 0x80  # from this on a byte of a varint is not its last one
_SIGN, _ABOVE = 1 << 63, 1 << 64
_FIXED = {_FIXED64: 8, _FIXED32: 4}


class MalformedError(ValueError):
    """These bytes are no message."""


class Field(NamedTuple):
    """One field of a message; a repeated one comes several times."""

    number: int
    value: int | bytes  # a varint as it stands, unsigned; everything else as bytes, fixed numbers too


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a message in their order. Raises MalformedError, after those that can be read."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield Field(number, value)
            continue
        length, at = _varint(message, at) if wire == _BYTES else (_FIXED.get(wire, -1), at)
        if not number or length < 0 or length > end - at:
            raise MalformedError
        yield Field(number, message[at : at + length])
        at += length


def submessages(message: bytes, number: int) -> Iterator[bytes]:
    """The values of one field that are messages, texts or bytes."""
    return (field.value for field in fields(message) if field.number == number and type(field.value) is bytes)


def signed(value: int) -> int:
    """A varint that stands for an int32 or int64."""
    return value - _ABOVE if value & _SIGN else value


def double(value: int | bytes) -> float | None:
    """The number of a field of eight bytes, None where it is none."""
    if type(value) is not bytes or len(value) != _FIXED[_FIXED64]:
        return None
    number: float = struct.unpack("<d", value)[0]
    return number


def text(value: int | bytes) -> str:
    """The text of a field; of a number none."""
    return value.decode("utf-8", errors="replace") if type(value) is bytes else ""


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number, and where the next field begins."""
    if at < len(message) and message[at] < _MORE:  # nearly all are of one byte
        return message[at], at + 1
    number = 0
    for index, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < _MORE:
            return number & (_ABOVE - 1), at + index + 1
    raise MalformedError
