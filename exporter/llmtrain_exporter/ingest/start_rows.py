"""Rows of a log whose writer states no step: its tracker keeps them all at step 0, where they are counted."""

from __future__ import annotations

from llmtrain_exporter.model import Placement, Record, RowKind, StepSource

_COUNTED = Placement(StepSource.COUNTED)


class StartRows:
    """The records of a run that stand at step 0."""

    def __init__(self) -> None:
        self._rows = 0  # of the training, one after the other, that were all logged at step 0

    @property
    def counts(self) -> bool:
        """Whether the last row of the training stood there."""
        return self._rows > 0

    def place(self, record: Record) -> Record:
        """The record, from the second one on with its number and the word that it is one."""
        if record.kind is RowKind.TRAIN and record.step is not None:
            self._rows = 0 if record.step else self._rows + 1
        if record.step != 0 or self._rows < 2:
            return record
        return record._replace(step=self._rows - 1, placement=_COUNTED)
