"""Rows of a tracker in the order of their steps, with what was logged late for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from llmtrain_exporter.ingest.late_numbers import InOrder, Lateness
from llmtrain_exporter.ingest.tracked_rows import TrackedRow, is_place, stated_step


class TrackedOrder:
    """Holds rows while some of their numbers are still to come. A row without a step goes through."""

    def __init__(self, lateness: Lateness | None = None) -> None:
        """`lateness`: what is known of that by now."""
        self._order: InOrder[TrackedRow] = InOrder(lateness or Lateness(), _placed)

    @property
    def holds(self) -> bool:
        """Whether any row is held."""
        return self._order.holds

    @property
    def patience(self) -> float:
        """Seconds of silence after which nothing more of them is to come."""
        return self._order.patience

    def add(self, row: TrackedRow) -> Sequence[TrackedRow]:
        """Take a row in, or some of it; those that are whole with that."""
        step = stated_step(row)
        if step is None:
            return (row,)
        time = math.nan if row.time is None else row.time
        if self._order.goes_on(step, row.cells, time):
            return (row,)
        found = self._order.add(row, step, row.cells, time)
        return found if len(found) < 2 else _merged(found)

    def end(self) -> Sequence[TrackedRow]:
        """All that are held."""
        return _merged(self._order.end())


def _placed(row: TrackedRow, step: int) -> TrackedRow:
    """What counts on an axis of its own stands where the training is, which does not go back for it."""
    return TrackedRow(step, row.time, {key: cell for key, cell in row.cells.items() if not is_place(key)})


def _merged(rows: Iterable[TrackedRow]) -> list[TrackedRow]:
    """Rows of the same step in one, unless a number of it was logged again."""
    found: list[TrackedRow] = []
    for row in rows:
        if found and stated_step(found[-1]) == stated_step(row) and not _again(found[-1], row):
            last = found[-1]
            found[-1] = TrackedRow(last.step, last.time, {**last.cells, **row.cells})
        else:
            found.append(row)
    return found


def _again(row: TrackedRow, other: TrackedRow) -> bool:
    """Whether a number is in both; W&B's own keys and places are in each row."""
    return any(not (is_place(key) or key.startswith("_")) for key in row.cells.keys() & other.cells.keys())
