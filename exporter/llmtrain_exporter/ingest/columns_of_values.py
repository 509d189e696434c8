"""What `values` reads of a cell, for a whole column at once: the same numbers for a fraction of the time.

None where a column has anything but what nearly all rows have; then it is for whoever reads cell by cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import countOf
from typing import Any

from llmtrain_exporter.ingest import values

Column = Sequence[Any]
Numbers = Sequence[float]

_NUMBERS = frozenset((float, int))


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


def durations(column: Column) -> Numbers | None:
    """Of texts in words: "18h 37m 22s", or as a clock shows it: "18:37:22"."""
    try:
        if max(map(len, column)) > values.LONGEST:
            return None
        if ":" in column[0]:
            return _clocks(column)
        parted = map(str.rpartition, column, repeat(" "))
        return [values.usual_words(before) + values.USUAL_WORDS[last] for before, _, last in parted]
    except (TypeError, KeyError, ValueError):
        return None


def _clocks(texts: Sequence[str]) -> Numbers | None:
    """Without days and fractions. Raises ValueError or KeyError where there is anything else."""
    digits = "".join(texts).replace(":", "")
    if not (digits.isascii() and digits.isdecimal()):
        return None
    parted = map(str.split, texts, repeat(":"))
    sixtieths = values.SIXTIETHS
    return [
        0.0 + int(hours) * 3600 + sixtieths[minutes] * 60 + sixtieths[rest] for hours, minutes, rest in parted
    ]


def percents(column: Column) -> Numbers | None:
    """Of texts: "1.67%"."""
    try:
        if max(map(len, column)) > values.LONGEST or "_" in "".join(column):
            return None
        return [float(text.removesuffix("%")) / 100 for text in column]
    except (TypeError, ValueError):
        return None


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
    values.duration: durations,
    values.percent: percents,
    values.gibibytes: times(values.GIBIBYTE),
    values.milli: times(values.MILLI),
    values.billions: times(values.BILLION),
    values.tera: times(values.TERA),
}
