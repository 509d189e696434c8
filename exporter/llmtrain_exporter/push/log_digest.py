"""How a log is known again: by digests of what its trainer wrote, whatever of that is chosen and sent."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Layout, Record, series

_NAN = float("nan")
_IDENTITY = struct.Struct("<q4d")

# What the trainer wrote, and nothing that is concluded of it: that may change with the next version.
_WRITTEN = (
    series(c.LOSS, ("split", "train")),
    series(c.LOSS, ("split", "eval")),
    series(c.GRAD_NORM),
)


class LogMark(NamedTuple):
    """What a log is known by that was read up to a record.

    `digest`: of all its records up to that one. `early`: of those up to the `milestone` of that one.
    """

    digest: int
    early: int


def milestone(record: int) -> int:
    """The last record, up to this one, at which any log is compared: few, and the closer the earlier."""
    return 1 << (record.bit_length() - 1) if record else 0


class LogDigest:
    """The digest of a log as far as it was read: of each of its records. For one thread at a time."""

    __slots__ = ("_columns", "_early", "_layout", "digest", "records")

    def __init__(self) -> None:
        self.records = 0
        self.digest = 0
        self._early = 0  # that at the last milestone
        self._layout: Layout | None = None  # of the last record, and where it has what is written
        self._columns: tuple[int | None, ...] = ()

    def note(self, record: Record) -> None:
        """Take in the next record. A step that it does not state itself is a conclusion, and left out."""
        self.records += 1
        if record.layout is not self._layout:
            self._go_by(record.layout)
        values = record.values
        step = _NAN if record.step is None or record.placement is not None else record.step
        written = [_NAN if at is None else values[at] for at in self._columns]
        self.digest = zlib.crc32(_IDENTITY.pack(self.records, step, *written), self.digest)
        if not self.records & (self.records - 1):
            self._early = self.digest

    @property
    def mark(self) -> LogMark:
        """What the log is known by up to the last record."""
        return LogMark(self.digest, self._early)

    def _go_by(self, layout: Layout) -> None:
        self._layout, columns = layout, layout.series
        self._columns = tuple(columns.index(key) if key in columns else None for key in _WRITTEN)
