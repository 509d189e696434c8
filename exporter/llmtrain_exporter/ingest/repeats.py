"""Rows that several ranks print, each of them."""

from __future__ import annotations

from array import array

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Layout, Record

_Key = tuple[Layout, bytes, float | None]

ROWS_KEPT = 512
"""A rank's buffer of 8 KiB holds fewer."""

NEAR = 4
"""Rows that a rank may be behind another where nothing else shows that no process began anew."""


class PrintedRows:
    """The last rows of one process, to know one that another rank prints again.

    Metrics are gathered from all ranks, so those rows are equal to the last digit. A run that is dead can
    print equal rows as well: where each of the last rows came once, there is no other rank.
    """

    def __init__(self) -> None:
        self._steps: dict[_Key, int] = {}
        self._newest: _Key | None = None
        self._single = 0  # rows since one was repeated
        self._repeats = False

    def repeated(self, record: Record, has_bar: bool) -> int | None:
        """The step of the row that this one says again, None if it is new.

        `has_bar`: a bar would show that a process began anew; without one, old rows are taken again.
        """
        key = _key(record)
        step = self._steps.get(key) if key else None
        if step is None or not self._is_repeat(key, has_bar):
            return None
        self._single, self._repeats = 0, True
        return step

    def note(self, record: Record, step: int) -> None:
        """A new row, of that step."""
        key = _key(record)
        self._single += 1
        if key is None:
            return
        self._steps.pop(key, None)
        self._steps[key] = step
        self._newest = key
        if len(self._steps) > ROWS_KEPT:
            del self._steps[next(iter(self._steps))]

    def end(self) -> None:
        """The process has ended. Another rank's last rows may still be on their way, where there is one."""
        if not self._repeats:
            self.clear()

    def clear(self) -> None:
        """Another process began."""
        self._steps.clear()
        self._newest, self._single, self._repeats = None, 0, False

    def _is_repeat(self, key: _Key | None, has_bar: bool) -> bool:
        if key == self._newest:
            return self._single <= NEAR
        return has_bar or key in list(self._steps)[-NEAR:]


def _key(record: Record) -> _Key | None:
    """What two ranks print alike; None where a row has nothing to know it by."""
    identity = record.layout.identity
    if not identity:
        return None
    values = array("d", [record.values[at] for at in identity])
    return record.layout, values.tobytes(), record.get(c.EPOCH)
