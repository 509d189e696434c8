"""Training records in a row that can be taken in together, because each only goes on from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmtrain_exporter.analyse.position import Position
from llmtrain_exporter.model import Layout, Record, RowKind
from llmtrain_exporter.model.blocks import RecordBlock, parts_of

FEWEST = 3
"""Records that are looked at together; of fewer it is not worth while."""

_TRAIN = RowKind.TRAIN  # a look at an enumeration takes as long as a call


def pieces(records: Sequence[Record]) -> Iterator[RecordBlock | Record]:
    """Blocks of records in a row whose steps rise, and those that are in none."""
    for part in parts_of(records):
        if isinstance(part, RecordBlock) and part.rises:
            yield part
        else:
            yield from _gathered(part)


def goes_on(block: RecordBlock, at: int, layout: Layout | None, position: Position) -> bool:
    """Whether a block goes on, from `at`, as the run stands there: `layout` is of the record before."""
    if block.layout is not layout or block.max_steps != position.max_steps:
        return False
    return block.steps[at] > (position.last_step or 0)


def _gathered(records: Iterable[Record]) -> Iterator[RecordBlock | Record]:
    row: list[Record] = []
    for record in records:
        if row and not _follows(record, row[-1]):
            yield from _piece(row)
            row = []
        row.append(record)
    yield from _piece(row)


def _follows(record: Record, before: Record) -> bool:
    """Whether a record can be in one block with the one before it."""
    if record.layout is not before.layout or record.max_steps != before.max_steps:
        return False
    return _is_placed(before) and _is_placed(record) and (record.step or 0) > (before.step or 0)


def _is_placed(record: Record) -> bool:
    return record.kind is _TRAIN and record.step is not None and record.placement is None


def _piece(row: Sequence[Record]) -> Iterable[RecordBlock | Record]:
    if len(row) < FEWEST:
        return row
    steps = [record.step or 0 for record in row]
    columns = list(zip(*(record.values for record in row), strict=True))
    return (RecordBlock(row[0].layout, steps, row[0].max_steps, columns),)
