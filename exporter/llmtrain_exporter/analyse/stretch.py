"""Training records in a row that can be taken in together, because each only goes on from the one before."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.model import Layout, Record, RowKind

FEWEST = 3
"""Records for which it is worth while."""

_TRAIN = RowKind.TRAIN  # a look at an enumeration takes as long as a call


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
