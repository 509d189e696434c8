"""A column of numbers that only grows, kept in little memory: a long log has a million rows of forty."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import overload

PACKED_ROWS = 4096
"""Rows that are packed at once."""

LOOSE_ROWS = 16 * PACKED_ROWS
"""Rows that are kept as they are: most logs are shorter, and what is read again and again is at the end."""

MOST_DIGITS = 12
"""Decimal places that trainers print."""

_LARGEST = float(1 << 31)


class PackedColumn(Sequence[float]):
    """Numbers of 8 bytes each, of which those far from the end are packed, none of them changed.

    Trainers log numbers with few digits, or those of 4 bytes, and many that stay the same. Not for several
    threads: looking at it unpacks.
    """

    __slots__ = ("_decimals", "_loose", "_packed", "_unpacked")

    def __init__(self) -> None:
        self._loose = array("d")
        self._packed: list[tuple[float, bytes]] = []  # see `_pack`
        self._decimals = 0  # of the numbers packed last
        self._unpacked: tuple[int, array[float]] = (-1, array("d"))  # the block looked at last, and which

    def __len__(self) -> int:
        return len(self._packed) * PACKED_ROWS + len(self._loose)

    def append(self, value: float) -> None:
        """Add a number."""
        self._loose.append(value)
        if len(self._loose) >= LOOSE_ROWS + PACKED_ROWS:
            self._settle()

    def extend(self, values: Iterable[float]) -> None:
        """Add numbers."""
        self._loose.extend(values)
        self._settle()

    def plain(self) -> Sequence[float]:
        """The same as an array, where nothing is packed."""
        return self if self._packed else self._loose

    def __iter__(self) -> Iterator[float]:
        return chain.from_iterable(map(self._block, range(len(self._packed) + 1)))

    @overload
    def __getitem__(self, at: int) -> float: ...

    @overload
    def __getitem__(self, at: slice) -> array[float]: ...

    def __getitem__(self, at: int | slice) -> float | array[float]:
        if isinstance(at, slice):
            return self._slice(*at.indices(len(self)))
        row = range(len(self))[at]
        block, place = self._place(row)
        return self._block(block)[place]

    def _slice(self, begin: int, end: int, step: int) -> array[float]:
        if step != 1:
            return array("d", (self[row] for row in range(begin, end, step)))
        found = array("d")
        while begin < end:
            block, place = self._place(begin)
            part = self._block(block)[place : place + end - begin]
            found.extend(part)
            begin += len(part)
        return found

    def _place(self, row: int) -> tuple[int, int]:
        """The block of a row, and its place in there; the last block is what is not packed."""
        block = min(row // PACKED_ROWS, len(self._packed))
        return block, row - block * PACKED_ROWS

    def _block(self, number: int) -> array[float]:
        if number == len(self._packed):
            return self._loose
        if self._unpacked[0] != number:
            self._unpacked = number, _unpack(*self._packed[number])
        return self._unpacked[1]

    def _settle(self) -> None:
        while len(self._loose) >= LOOSE_ROWS + PACKED_ROWS:
            values = self._loose[:PACKED_ROWS]
            del self._loose[:PACKED_ROWS]
            self._packed.append(self._pack(values))

    def _pack(self, values: array[float]) -> tuple[float, bytes]:
        """The numbers as bytes, and how to read them: whole numbers over so much; 0: 8 bytes each, -1: 4."""
        single = _single(values)
        if single is not None:
            return -1.0, _squeezed(single)
        for decimals in dict.fromkeys((self._decimals, *range(MOST_DIGITS + 1))):
            whole = _whole(values, 10.0**decimals)
            if whole is not None:
                self._decimals = decimals
                return 10.0**decimals, _squeezed(whole)
        return 0.0, _squeezed(values)


def _single(values: array[float]) -> array[float] | None:
    """The same in 4 bytes each, None where that would change one."""
    try:
        single = array("f", values)
    except OverflowError:
        return None
    return single if array("d", single).tobytes() == values.tobytes() else None


def _whole(values: array[float], scale: float) -> array[int] | None:
    """Whole numbers that are the values when divided by `scale`, None where there are none of 4 bytes."""
    probe = values[0] * scale
    if not abs(probe) < _LARGEST or round(probe) / scale != values[0]:
        return None
    try:
        whole = array("i", [round(value * scale) for value in values])
    except (OverflowError, ValueError):
        return None
    return whole if array("d", [value / scale for value in whole]).tobytes() == values.tobytes() else None


def _squeezed(numbers: array[float] | array[int]) -> bytes:
    """Bytes of the same place in their numbers stand together: they are alike."""
    raw, size = numbers.tobytes(), numbers.itemsize
    return zlib.compress(b"".join(raw[at::size] for at in range(size)), 1)


def _unpack(form: float, squeezed: bytes) -> array[float]:
    size = 8 if form == 0 else 4
    apart, rows = zlib.decompress(squeezed), PACKED_ROWS
    raw = bytearray(size * rows)
    for at in range(size):
        raw[at::size] = apart[at * rows : (at + 1) * rows]
    if form > 0:
        return array("d", [value / form for value in array("i", bytes(raw))])
    numbers = array("f" if form < 0 else "d", bytes(raw))
    return array("d", numbers)
