"""Tensors of one number, as TensorFlow and PyTorch write them. Source: tensor.proto, types.proto."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from llmtrain_exporter.ingest.protobuf import fields, signed, submessages

_DTYPE, _SHAPE, _CONTENT = 1, 2, 4  # of a TensorProto
_DIM, _SIZE = 2, 1  # of its TensorShapeProto


_SINGLE = struct.Struct("<f")


def single(data: bytes) -> float:
    """The number in four bytes. One of few digits is told as it was logged: 1e-06, not 9.99999997e-07."""
    number: float = _SINGLE.unpack(data)[0]
    short = float(f"{number:.6g}")
    return short if _SINGLE.pack(short) == data else number


class _Type(NamedTuple):
    """How a number of a type is written, in the bytes of a tensor or in a repeated field of its own."""

    layout: str  # of its bytes
    number: int  # of the field
    packed: bool  # whether that has bytes like these; else varints
    convert: Callable[[int], float] = float  # what a varint means


def _half(bits: int) -> float:
    return float(struct.unpack("<e", struct.pack("<H", bits & 0xFFFF))[0])


def _bfloat16(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))[0])


def _signed(bits: int) -> float:
    return float(signed(bits))


_TYPES = {
    1: _Type("<f", 5, True),
    2: _Type("<d", 6, True),
    3: _Type("<i", 7, False, _signed),
    4: _Type("<B", 7, False),
    5: _Type("<h", 7, False, _signed),
    6: _Type("<b", 7, False, _signed),
    9: _Type("<q", 10, False, _signed),
    10: _Type("<?", 11, False),
    14: _Type("<H", 13, False, _bfloat16),
    17: _Type("<H", 7, False),
    19: _Type("<e", 13, False, _half),
    22: _Type("<I", 16, False),
    23: _Type("<Q", 17, False),
}
"""By DataType. The field of halves has their bits."""

_BFLOAT16 = 14


def scalar(tensor: bytes) -> float | None:
    """The only number of a tensor; None where it has more, or is of no numbers. Raises MalformedError."""
    dtype, size, content = 0, 1, b""
    lists: dict[int, int | bytes] = {}
    for number, value in fields(tensor):
        if number == _DTYPE and type(value) is int:
            dtype = value
        elif number == _SHAPE and type(value) is bytes:
            size = _elements(value)
        elif number == _CONTENT and type(value) is bytes:
            content = value
        else:
            lists.setdefault(number, value)
    known = _TYPES.get(dtype)
    if size != 1 or known is None:
        return None
    if content:
        found = _of_bytes(known.layout, content, len(content))
        return _bfloat16(int(found)) if dtype == _BFLOAT16 and found is not None else found
    return _of_list(known, lists[known.number]) if known.number in lists else None


def _elements(shape: bytes) -> int:
    size = 1
    for dim in submessages(shape, _DIM):
        size *= next((value for number, value in fields(dim) if number == _SIZE and type(value) is int), 0)
    return size


def _of_bytes(layout: str, data: bytes, length: int) -> float | None:
    size = struct.calcsize(layout)
    if size > len(data) or size != length:
        return None
    return single(data[:size]) if layout == _SINGLE.format else float(struct.unpack(layout, data[:size])[0])


def _of_list(known: _Type, value: int | bytes) -> float | None:
    """The first number of a repeated field, whether its numbers stand together or apart."""
    if known.packed:
        return _of_bytes(known.layout, value, struct.calcsize(known.layout)) if type(value) is bytes else None
    first = value if type(value) is int else next(_varints(value), None)
    return None if first is None else known.convert(first)


def _varints(packed: bytes | int) -> Iterator[int]:
    """The numbers of a packed field."""
    number = shift = 0
    for byte in packed if isinstance(packed, bytes) else b"":
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number & 0xFFFFFFFFFFFFFFFF
            number = shift = 0
