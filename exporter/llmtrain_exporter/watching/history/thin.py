"""Fewer rows than a log has, without losing what stands out."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmtrain_exporter.model import Series

_NAN = math.nan


@dataclass(frozen=True, slots=True)
class Thinned:
    """Rows to draw, and the values of each series at them, in the order of the table that they come from.

    A row of the table that had to be kept stands as it is. What lies between two of these is told in buckets
    of two rows each: a bucket's first and last row, at which each series has the lowest and the highest of
    its values in the bucket, the earlier of both in front. So a line that is drawn through them looks like
    one through all rows, but for the horizontal place of a value within its bucket.
    """

    rows: array[int]
    columns: Mapping[Series, array[float]]
    exact: bool  # each row is one of the table, and none is left out


def thin(
    columns: Mapping[Series, Sequence[float]], rows: range, points: int, keep: Iterable[int] = ()
) -> Thinned:
    """`rows` of `columns` as about `points` rows: the first, the last and all of `keep`, and buckets between.

    `keep`: rows, in any order; where they are more than `points`, so is what is returned.
    """
    if len(rows) <= max(points, 2):
        taken = array("q", rows)
        return Thinned(taken, {series: _slice(all_, rows) for series, all_ in columns.items()}, True)
    fixed_rows = sorted({rows[0], rows[-1], *(row for row in keep if row in rows)})
    buckets = list(_buckets(fixed_rows, _width(len(rows), len(fixed_rows), points)))
    taken = array("q", (row for begin, end in buckets for row in _ends(begin, end)))
    thinned = {series: array("d", _extremes(values, buckets)) for series, values in columns.items()}
    return Thinned(taken, thinned, len(taken) == len(rows))


def peaks(values: Sequence[float], points: int, keep: Iterable[int] = ()) -> array[int]:
    """The rows of one series to draw, about `points`: each with its own value, none of them moved.

    Of each bucket those with its lowest and its highest value; the first, the last, and all of `keep`.
    """
    rows = range(len(values))
    if len(rows) <= max(points, 2):
        return array("q", rows)
    fixed_rows = sorted({rows[0], rows[-1], *(row for row in keep if row in rows)})
    found = set(fixed_rows)
    for begin, end in _buckets(fixed_rows, _width(len(rows), len(fixed_rows), points)):
        low, high = _lowest_and_highest(values[begin:end])
        found.update(begin + at for at in (low, high) if at is not None)
    return array("q", sorted(found))


def stretches(rows: Sequence[int], gap: int) -> Iterator[tuple[int, int]]:
    """Rising rows as stretches (first, last), of which those within `gap` rows of each other are one."""
    begin = last = None
    for row in rows:
        if begin is None or last is None:
            begin = row
        elif row - last > gap:
            yield begin, last
            begin = row
        last = row
    if begin is not None and last is not None:
        yield begin, last


def _slice(values: Sequence[float], rows: range) -> array[float]:
    return array("d", values[rows.start : rows.stop])


def _width(rows: int, fixed: int, points: int) -> int:
    """Rows of a bucket, of which each becomes two."""
    return max(math.ceil(2 * rows / max(points - fixed, points / 4, 2)), 2)


def _buckets(fixed_rows: Sequence[int], width: int) -> Iterator[tuple[int, int]]:
    """Each kept row alone, and what lies between two of them in parts of `width` rows, as (begin, end)."""
    done = fixed_rows[0]
    for row in fixed_rows:
        yield from ((begin, min(begin + width, row)) for begin in range(done, row, width))
        yield row, row + 1
        done = row + 1


def _ends(begin: int, end: int) -> tuple[int, ...]:
    return (begin,) if end - begin == 1 else (begin, end - 1)


def _extremes(values: Sequence[float], buckets: Iterable[tuple[int, int]]) -> Iterator[float]:
    for begin, end in buckets:
        if end - begin < 3:
            yield from values[begin:end]
            continue
        part = values[begin:end]
        low, high = _lowest_and_highest(part)
        if low is None or high is None:
            yield from (_NAN, _NAN)
        elif low == high:  # one value, or all the same
            yield from (part[low], _NAN if math.isnan(part[-1]) else part[low])
        else:
            yield from (part[min(low, high)], part[max(low, high)])


def _lowest_and_highest(part: Sequence[float]) -> tuple[int | None, int | None]:
    """Where the extremes of the finite values stand, None where there are none."""
    if not math.isfinite(sum(part)):
        finite = {at: value for at, value in enumerate(part) if math.isfinite(value)}
        if not finite:
            return None, None
        return min(finite, key=finite.__getitem__), max(finite, key=finite.__getitem__)
    return part.index(min(part)), part.index(max(part))
