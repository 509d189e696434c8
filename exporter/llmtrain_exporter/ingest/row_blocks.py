"""Rows with the same keys, one behind the other, to one block of records: cells are read by columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import orjson

from llmtrain_exporter.ingest import columns_of_values as columns
from llmtrain_exporter.ingest.json_rows import LONGEST_ROW, JsonRows
from llmtrain_exporter.ingest.normalise import Normaliser, RowPlan, StepCells
from llmtrain_exporter.model import Layout, Record, RowKind, Skip
from llmtrain_exporter.model.blocks import RecordBlock

FEWEST = 8
"""Rows that make a block; of fewer it is not worth while."""

Rows = Sequence[dict[str, Any]]


def read_alike(
    reader: JsonRows, normaliser: Normaliser, lines: Sequence[bytes]
) -> Iterator[tuple[bytes, Sequence[Record | Skip]]]:
    """What `reader` reads of the lines, in their order, each with the first line that it was read of.

    A block of rows that are alike, or what is in one line.
    """
    rows = _objects(lines) if len(lines) >= FEWEST else None
    if rows is None:
        yield from zip(lines, map(reader.read, lines), strict=True)
        return
    left = iter(lines)
    for keys, alike in groupby(rows, tuple):
        some = list(alike)
        block = _block(normaliser.plan(keys), some) if len(some) >= FEWEST else None
        own = list(islice(left, len(some)))
        if block is None:
            yield from zip(own, map(normaliser.rows, some), strict=True)
        else:
            yield own[0], block


def layouts(rows: Sequence[Record | Skip]) -> Iterable[Layout]:
    """Those of what was read, in their order."""
    if isinstance(rows, RecordBlock):
        return (rows.layout,)
    return [row.layout for row in rows if type(row) is Record]


def _objects(lines: Sequence[bytes]) -> Rows | None:
    """The object in each line, where each is one, and is strict JSON."""
    if max(map(len, lines)) > LONGEST_ROW:
        return None
    try:
        rows = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return None
    return rows if set(map(type, rows)) == {dict} else None


def _block(plan: RowPlan | None, rows: Rows) -> RecordBlock | None:
    """The records of rows of this plan, where they are training rows that hold what their keys promise."""
    if plan is None or plan.layout.kind is not RowKind.TRAIN:
        return None
    cells: tuple[columns.Column, ...] = tuple(zip(*map(dict.values, rows), strict=True))
    placed = _steps(plan.placed, cells)
    if placed is None:
        return None
    found = [columns.numbers(column) for column in plan.pick(cells)]
    found += [columns.converted(cells[at], read) for at, read in plan.converted]
    known = [column for column in found if column is not None]
    return RecordBlock(plan.layout, *placed, known) if len(known) == len(found) else None


def _steps(placed: StepCells, cells: Sequence[columns.Column]) -> tuple[Sequence[int], int | None] | None:
    """The step of each row, and the planned ones that all have in common."""
    if placed.of_max is not None:
        return columns.fractions(cells[placed.of_max])
    steps = None if placed.step is None else columns.counts(cells[placed.step])
    if steps is None or placed.planned is None:
        return None if steps is None else (steps, None)
    planned = set(columns.counts(cells[placed.planned]) or ())
    return (steps, planned.pop()) if len(planned) == 1 else None
