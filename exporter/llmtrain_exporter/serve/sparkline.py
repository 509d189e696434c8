"""The course of a run in a few numbers: enough for a line as long as a word."""

from __future__ import annotations

from array import array

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Layout, Record, RowKind
from llmtrain_exporter.model.blocks import RecordBlock

POINTS = 32
"""Points at which a line is thinned to half as many."""

LARGEST = 1e38
"""What lies beyond does not fit into 32 bits; NaN and infinities are left out as well."""


class Sparkline:
    """The reward of a run, or its loss where it logs none, over all its records.

    Written by the loop, read by any thread: `values` is only ever appended to, or replaced as a whole.
    """

    __slots__ = ("_count", "_sum", "_width", "rewarded", "values")

    def __init__(self) -> None:
        self.rewarded = False
        self._clear()

    @property
    def reads_state(self) -> bool:
        """It draws what a record says, and nothing else."""
        return False

    def note(self, record: Record, _: Analysis | None, /) -> None:
        """See a record that was folded; only those of training make a point."""
        if record.kind is not RowKind.TRAIN:
            return
        at = self._column(record.layout)
        if at is not None and -LARGEST < record.values[at] < LARGEST:
            self._put(record.values[at])

    def note_block(self, block: RecordBlock, _: Analysis | None, /) -> None:
        """See the records of a block."""
        at = self._column(block.layout)
        for value in () if at is None else block.columns[at]:
            if -LARGEST < value < LARGEST:
                self._put(value)

    @property
    def metric(self) -> str:
        """What the line shows: "reward" or "loss"."""
        return "reward" if self.rewarded else "loss"

    def alone(self) -> Sparkline:
        """The line as it is, of which nothing more comes, without what else a subclass holds."""
        drawn = Sparkline()
        drawn.rewarded, drawn.values = self.rewarded, self.values
        return drawn

    def _column(self, layout: Layout) -> int | None:
        """The column of what is drawn."""
        at = layout.position.get(c.REWARD)
        if at is not None and not self.rewarded:  # the rows before had a loss alone
            self.rewarded = True
            self._clear()
        return at if self.rewarded else layout.position.get(c.LOSS)

    def _clear(self) -> None:
        self.values = array("f")
        self._width = 1  # records in a point
        self._sum = 0.0
        self._count = 0

    def _put(self, value: float) -> None:
        self._sum += value
        self._count += 1
        if self._count < self._width:
            return
        self.values.append(self._sum / self._width)
        self._sum, self._count = 0.0, 0
        if len(self.values) >= POINTS:
            pairs = zip(self.values[::2], self.values[1::2], strict=True)
            self.values = array("f", [(earlier + later) / 2 for earlier, later in pairs])
            self._width *= 2
