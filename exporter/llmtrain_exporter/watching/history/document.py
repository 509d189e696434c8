"""A run's history as a JSON object, the same for every program that asks.

Values that are not finite are null: JSON has none. Where the log says NaN or infinity, `non_finite` tells.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import RowKind, Series, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.numbers import series_name
from llmtrain_exporter.story.ranges import band_of, limits_of
from llmtrain_exporter.watching.history.columns import History, RecordTable
from llmtrain_exporter.watching.history.thin import Thinned, stretches, thin

Object = dict[str, object]

POINTS = 2000
"""Rows of a chart: more than a screen has columns."""

_ORDER = {metric: at for at, metric in enumerate(c.METRICS)}


def history_object(
    history: History, points: int = POINTS, first: int | None = None, last: int | None = None
) -> Object:
    """The history as `GET /api/v1/history` gives it, of the steps from `first` to `last`, both included.

    Training rows are thinned to about `points` (see `history.thin`): spikes, the ends of stretches without
    finite values, and the rows around a resume stand as they are. Evaluations are all there.
    """
    table, rows = history.train, _between(history.train, first, last)
    thinned = thin(table.columns, rows, points, _rows_to_keep(history, len(rows), points))
    place = {row: at for at, row in enumerate(thinned.rows)}
    return {
        "run": printable(history.run.run),
        "records": history.run.records.get(RowKind.TRAIN, 0),
        "exact": thinned.exact,
        **_position(table, thinned.rows),
        "series": [
            _series(series, thinned, history, rows, place, points)
            for series in sorted(thinned.columns, key=_place)
        ],
        "evaluations": _evaluations(history, first, last),
    }


def _evaluations(history: History, first: int | None, last: int | None) -> Object:
    table = history.evaluations
    rows = _between(table, first, last)
    return {
        **_position(table, rows),
        "series": [
            {
                **_name(series),
                "values": _values(table.columns[series][rows.start : rows.stop]),
                "non_finite": _non_finite(table, series, rows, 0),
                **_limits(series, history.run),
            }
            for series in sorted(table.columns, key=_place)
        ],
    }


def _series(
    series: Series, thinned: Thinned, history: History, rows: range, place: Mapping[int, int], points: int
) -> Object:
    baseline = history.baselines.get(series)
    return {
        **_name(series),
        "values": _values(thinned.columns[series]),
        "spikes": [place[row] for row in history.spikes.get(series, ()) if row in rows],
        "non_finite": _non_finite(history.train, series, rows, _gap(len(rows), points)),
        "baseline": None if baseline is None else _values(baseline[row] for row in thinned.rows),
        **_limits(series, history.run),
    }


def _between(table: RecordTable, first: int | None, last: int | None) -> range:
    """The rows from the first to the last whose step lies between these; a resumed run may go in and out."""
    if first is None and last is None:
        return range(len(table))
    low, high = first or 0, math.inf if last is None else last
    inside = [row for row, step in enumerate(table.steps) if low <= step <= high]
    return range(inside[0], inside[-1] + 1) if inside else range(0)


def _rows_to_keep(history: History, rows: int, points: int) -> Iterator[int]:
    table, gap = history.train, _gap(rows, points)
    for spikes in history.spikes.values():
        yield from spikes
    for series, odd in table.non_finite.items():
        if series in table.columns:
            yield from (row for stretch in stretches(odd, gap) for row in stretch)
    for row, step in _falls(table.steps):
        yield from (row - 1, row, bisect_right(table.steps, step, 0, row))


def _falls(steps: Sequence[int]) -> Iterator[tuple[int, int]]:
    return ((row, steps[row]) for row in range(1, len(steps)) if steps[row] < steps[row - 1])


def _gap(rows: int, points: int) -> int:
    """Rows that lie so close together are one on a chart."""
    return max(rows // max(points, 1), 1)


def _position(table: RecordTable, rows: Sequence[int]) -> Object:
    times = table.times
    return {
        "steps": [table.steps[row] for row in rows],
        "times": None if times is None else [round(times[row], 3) for row in rows],
        "superseded": [at for at, row in enumerate(rows) if table.superseded[row]],
    }


def _name(series: Series) -> Object:
    return {
        "metric": series.metric.name,
        "group": series.metric.group.value,
        "name": printable(series_name(series)),
        "labels": {key: printable(value) for key, value in series.labels},
    }


def _limits(series: Series, run: Snapshot) -> Object:
    """The healthy range, its sides that are worth a look, and the limits of signals, in the metric's unit."""
    return {
        "healthy": list(band_of(series, run)),
        "limits": {severity.value: limit for severity, limit in limits_of(series, run).items()},
    }


def _non_finite(table: RecordTable, series: Series, rows: range, gap: int) -> list[Object]:
    """Stretches in which the log says that a value is not finite; `value`: what it says first."""
    odd = array("q", (row for row in table.non_finite.get(series, ()) if row in rows))
    return [
        {"from": table.steps[begin], "to": table.steps[end], "value": _word(table.columns[series][begin])}
        for begin, end in stretches(odd, gap)
    ]


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else ("Inf" if value > 0 else "-Inf")


def _values(values: Iterable[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]


def _place(series: Series) -> tuple[int, tuple[tuple[str, str], ...]]:
    return _ORDER[series.metric], series.labels
