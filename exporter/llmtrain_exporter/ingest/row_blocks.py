"""Rows with the same keys, one behind the other, to one block of records: cells are read by columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import orjson

from llmtrain_exporter.ingest import columns_of_values as columns
from llmtrain_exporter.ingest.json_rows import LONGEST_ROW, JsonRows
from llmtrain_exporter.ingest.normalise import Normaliser, RowPlan, StepCells
from llmtrain_exporter.ingest.row_decoder import Kinds, RowDecoder, decoder_for
from llmtrain_exporter.model import Layout, Record, RowKind, Skip
from llmtrain_exporter.model.blocks import RecordBlock

FEWEST = 8
"""Rows that make a block; of fewer it is not worth while."""

Rows = Sequence[dict[str, Any]]


class AlikeRows(JsonRows):
    """Reads a log of one JSON object a line; of many lines at once those that are alike by columns."""

    __slots__ = ("_decoder", "_normaliser")

    def __init__(self, normaliser: Normaliser) -> None:
        super().__init__(normaliser)
        self._normaliser = normaliser
        self._decoder: RowDecoder | None = None  # of rows like those of the last block

    def read_all(self, lines: Sequence[bytes]) -> Iterator[tuple[bytes, Sequence[Record | Skip]]]:
        """What `read` reads of the lines, in their order, each with the first line that it was read of.

        A block of rows that are alike, or what is in one line.
        """
        if not _are_many(lines) or max(map(len, lines)) > LONGEST_ROW:
            yield from zip(lines, map(self.read, lines), strict=True)
            return
        left, at = iter(lines), 0
        while (block := self._decoded(left)) is not None:
            yield lines[at], block
            at += len(block)
            if at < len(lines):  # not like those before it: it was tried, and is left no longer
                yield lines[at], self.read(lines[at])
                at += 1
        yield from self._parsed(lines[at:])

    def _decoded(self, left: Iterator[bytes]) -> RecordBlock | None:
        """The next lines that are rows like those of the last block; None where they are few."""
        decoder = self._decoder
        cells = () if decoder is None else decoder.columns(left)
        if decoder is None or not cells or not _are_many(cells[0]):
            return None
        return _block(self._normaliser.plan(decoder.keys), cells, decoder.kinds)

    def _parsed(self, lines: Sequence[bytes]) -> Iterator[tuple[bytes, Sequence[Record | Skip]]]:
        """The same as `read_all`, where nothing is known of the rows."""
        rows = _objects(lines) if _are_many(lines) else None
        if rows is None:
            yield from zip(lines, map(self.read, lines), strict=True)
            return
        left = iter(lines)
        for keys, alike in groupby(rows, tuple):
            some = list(alike)
            own = list(islice(left, len(some)))
            block = self._together(self._normaliser.plan(keys), some)
            if block is None:
                yield from zip(own, map(self._normaliser.rows, some), strict=True)
            else:
                yield own[0], block

    def _together(self, plan: RowPlan | None, rows: Rows) -> RecordBlock | None:
        """The block that rows with the same keys are, if they are one."""
        if plan is None or not _are_many(rows):
            return None
        block = _block(plan, tuple(zip(*map(dict.values, rows), strict=True)))
        if block is not None:
            steps = (at for at in (plan.placed.step, plan.placed.planned) if at is not None)
            self._decoder = decoder_for(rows[-1], (plan.keys[at] for at in steps))
        return block


def layouts(rows: Sequence[Record | Skip]) -> Iterable[Layout]:
    """Those of what was read, in their order."""
    if isinstance(rows, RecordBlock):
        return (rows.layout,)
    return [row.layout for row in rows if type(row) is Record]


def _are_many(lines: Sequence[object]) -> bool:
    return len(lines) >= FEWEST


def _objects(lines: Sequence[bytes]) -> Rows | None:
    """The object in each line, where each is one, and is strict JSON."""
    try:
        rows = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return None
    return rows if set(map(type, rows)) == {dict} else None


def _block(plan: RowPlan | None, cells: Sequence[columns.Column], kinds: Kinds = ()) -> RecordBlock | None:
    """The records of rows of this plan, where they are training rows that hold what their keys promise.

    `cells`: of all rows, by columns. `kinds`: of the cells of each column, where that is known.
    """
    if plan is None or plan.layout.kind is not RowKind.TRAIN:
        return None
    placed = _steps(plan.placed, cells)
    if placed is None:
        return None
    picked = plan.pick(tuple(cells))
    floats = bool(kinds) and list(plan.pick(kinds)) == plan.floats
    found = list(picked) if floats else list(map(columns.numbers, picked))
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
