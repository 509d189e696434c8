"""Training records in a row that can be taken in together, because each only goes on from the one before."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.columns import TURN
from llmtrain_exporter.analyse.position import Position
from llmtrain_exporter.model import Layout, Record, RowKind

FEWEST = 3
"""Records that are looked at together; of fewer it is not worth while."""

BY_HAND = TURN
"""Records that are folded one by one where not all of a block are ordinary."""

_TRAIN = RowKind.TRAIN  # a look at an enumeration takes as long as a call


def fold_ordinary(
    analysis: Analysis | None, records: Sequence[Record], at: int, layout: Layout | None, position: Position
) -> int:
    """Let the analysis take in blocks of what is ordinary, from `at` on; where that ends.

    `layout`: that of the training record before; `position`: of the run at that one.
    """
    step = position.last_step or 0
    while analysis is not None and (room := analysis.room) >= FEWEST:
        block = records[at : at + room]
        if len(block) < FEWEST or not goes_on(block, layout, step, position.max_steps):
            break
        step = block[-1].step or 0
        if not analysis.fold_ordinary(block, step):
            break
        at += len(block)
    return at


def goes_on(records: Sequence[Record], layout: Layout | None, step: int, max_steps: int | None) -> bool:
    """Whether all have this layout and plan and state a step, each a later one than the one before.

    `step`: that of the record before the first one.
    """
    for kind, stated, planned, own, _, placement in records:
        if kind is not _TRAIN or own is not layout or placement is not None or planned != max_steps:
            return False
        if stated is None or stated <= step:
            return False
        step = stated
    return True


def column(records: Sequence[Record], at: int | None) -> list[float]:
    """The values in a column of records of one layout; none where they lack it."""
    return [] if at is None else [record.values[at] for record in records]
