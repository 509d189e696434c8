"""Rows that several ranks print, each of them."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Layout, Record

RowKey = tuple[Layout, tuple[float | None, ...]]
"""What two ranks print alike of a row."""

ROWS_KEPT = 512
"""A rank's buffer of 8 KiB holds fewer."""

NEAR = 4
"""Rows that a rank may be behind another where nothing else shows that no process began anew."""


class RepeatedRows:
    """The last rows of one process, to know one that another rank prints again.

    Metrics are gathered from all ranks, so those rows are equal to the last digit. A run that is dead can
    print equal rows as well: where each of the last rows came once, there is no other rank.
    """

    def __init__(self) -> None:
        self.known: dict[RowKey, int] = {}  # their steps
        self._newest: RowKey | None = None
        self._single = 0  # rows since one was repeated
        self._repeats = False
        self._pickers: dict[Layout, Callable[[tuple[float, ...]], tuple[float, ...]]] = {}

    def key(self, record: Record) -> RowKey:
        """What to know a row by: its epoch, and all of its columns but clocks and speeds."""
        pick = self._pickers.get(record.layout)
        if pick is None:
            pick = self._pickers[record.layout] = _picker(record.layout)
        cells = pick(record.values)
        finite = sum(cells)
        if finite != finite:
            return record.layout, tuple([None if cell != cell else cell for cell in cells])
        return record.layout, cells

    def is_repeat(self, key: RowKey, has_bar: bool, shown: int | None) -> bool:
        """Whether a row that is like a known one is that again, and not a new one.

        `has_bar`: a bar would show that a process began anew; without one, old rows are taken again.
        `shown`: the step at which the bar saw the row printed, None if it did not.
        """
        repeated = self._is_repeat(key, has_bar, shown)
        if repeated:
            self._single, self._repeats = 0, True
        return repeated

    def note(self, key: RowKey, step: int) -> None:
        """A new row, of that step."""
        self._single += 1
        self.known.pop(key, None)
        self.known[key] = step
        self._newest = key
        if len(self.known) > ROWS_KEPT:
            del self.known[next(iter(self.known))]

    def correct(self, step: int) -> None:
        """The newest row stands at this step after all."""
        if self._newest is not None:
            self.known[self._newest] = step

    def end(self) -> None:
        """The process has ended. Another rank's last rows may still be on their way, where there is one."""
        if not self._repeats:
            self.clear()

    def clear(self) -> None:
        """Another process began."""
        self.known.clear()
        self._newest, self._single, self._repeats = None, 0, False

    def _is_repeat(self, key: RowKey, has_bar: bool, shown: int | None) -> bool:
        if key != self._newest:
            return has_bar or key in list(self.known)[-NEAR:]
        if shown is not None and not self._repeats:
            return shown <= self.known[key]
        return self._single <= NEAR


def _picker(layout: Layout) -> Callable[[tuple[float, ...]], tuple[float, ...]]:
    epoch = layout.position.get(c.EPOCH)
    columns = [*layout.identity, *([] if epoch is None else [epoch])]
    if len(columns) > 1:
        return itemgetter(*columns)
    return lambda values: tuple([values[at] for at in columns])
