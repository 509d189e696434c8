"""What `values` reads of a cell, for a whole column at once: the same numbers for a fraction of the time.

None where a column has anything but what nearly all rows have; then it is for whoever reads cell by cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import countOf
from typing import Any, cast, overload

from llmtrain_exporter.ingest import values

Column = Sequence[Any]
Numbers = Sequence[float]

_NUMBERS = frozenset((float, int))

MOST_SHAPES = 64
"""Ways in which the texts of a column are written, by where they have digits."""

_ZEROS = bytes.maketrans(b"123456789", b"000000000")


class TextNumbers(Sequence[float]):
    """The numbers that texts stand for. Of most columns only the last is asked for, so each is read then."""

    __slots__ = ("_numbers", "_read", "_texts")

    def __init__(self, texts: Sequence[str], read: values.CellReader) -> None:
        """`read`: can read each of them."""
        self._texts = texts
        self._read = read
        self._numbers: Numbers = ()  # all of them, once somebody wanted that

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[float]:
        self._numbers = self._numbers or cast("Numbers", list(map(self._read, self._texts)))
        return iter(self._numbers)

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> TextNumbers: ...
    def __getitem__(self, at: int | slice) -> float | TextNumbers:
        if isinstance(at, slice):
            return TextNumbers(self._texts[at], self._read)
        return cast("float", self._read(self._texts[at]))


def numbers(column: Column) -> Numbers | None:
    """The numbers of a column that has nothing else."""
    if countOf(map(type, column), float) == len(column):
        return column
    return converted(column, values.number) if _NUMBERS.issuperset(map(type, column)) else None


def converted(column: Column, read: values.CellReader) -> Numbers | None:
    """What `read` makes of each cell, where it can read all of them."""
    quick = _QUICK.get(read)
    found = None if quick is None else quick(column)
    if found is not None:
        return found
    known = [value for value in map(read, column) if value is not None]
    return known if len(known) == len(column) else None


def later(read: values.CellReader) -> Callable[[Column], Numbers | None]:
    """Texts of which `read` can read each, as it tells from where their digits stand, whichever these are."""

    @lru_cache(MOST_SHAPES)
    def is_read(shape: bytes) -> bool:
        """Asked of the same few shapes at every block."""
        return read(shape.decode()) is not None

    def known(column: Column) -> Numbers | None:
        try:
            text = "\n".join(column).encode()
        except (TypeError, ValueError):  # there are other cells, or what is no Unicode
            return None
        shapes = text.translate(_ZEROS).split(b"\n")
        usual = set(shapes)
        if len(shapes) != len(column) or len(usual) > MOST_SHAPES:
            return None
        return TextNumbers(column, read) if all(map(is_read, usual)) else None

    return known


def times(size: float) -> Callable[[Column], Numbers | None]:
    """Numbers times a size."""

    def multiplied(column: Column) -> Numbers | None:
        found = numbers(column)
        return None if found is None else [value * size for value in found]

    return multiplied


def fractions(column: Column) -> tuple[Sequence[int], int] | None:
    """The steps, and the number of steps that all have in common, of texts: "45/150"."""
    try:
        text = "\n".join(column) + "\n"
        if text.count("\n") != len(column) or max(map(len, column)) >= values.DIGITS:
            return None
        planned = text[text.index("/") + 1 : text.index("\n")]
        *done, _ = text.split(f"/{planned}\n")
        if len(done) == len(column) and (planned + "".join(done)).isdecimal():
            return list(map(int, done)), int(planned)
    except (TypeError, ValueError):
        pass
    return None


def counts(column: Column) -> Sequence[int] | None:
    """Whole numbers that are steps."""
    if countOf(map(type, column), int) < len(column):
        return None
    return column if min(column) >= 0 and max(column) < values.TOO_MANY else None


_QUICK: dict[values.CellReader, Callable[[Column], Numbers | None]] = {
    values.duration: later(values.duration),
    values.percent: later(values.percent),
    values.gibibytes: times(values.GIBIBYTE),
    values.milli: times(values.MILLI),
    values.billions: times(values.BILLION),
    values.tera: times(values.TERA),
}
