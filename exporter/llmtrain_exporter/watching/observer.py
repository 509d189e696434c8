"""Who looks on while the records of a run are folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.model import Record
from llmtrain_exporter.model.blocks import RecordBlock, parts_of


class Observer(Protocol):
    """Sees the records of a run as they are folded. A run that begins anew has a new one."""

    @property
    def reads_state(self) -> bool:
        """Whether it looks at the run or its analysis; if not, these may be some records further on."""

    def note(self, record: Record, analysis: Analysis | None, /) -> object:
        """See a record, and what the run is judged by: None before its first training record.

        What a second writer says once more is not shown.
        """


@runtime_checkable
class NotesBlocks(Protocol):
    """An observer that sees many records together, which is quicker."""

    def note_block(self, block: RecordBlock, analysis: Analysis | None, /) -> object:
        """See the records of a block, as `note` would one by one."""


ObserverT = TypeVar("ObserverT", bound=Observer | None)


def unobserved(_: Run) -> None:
    """The observer of a run whose records nobody else wants to see."""


def show(records: Sequence[Record], observer: Observer, analysis: Analysis | None) -> None:
    """Let an observer see records that were folded together."""
    for part in parts_of(records):
        if isinstance(part, RecordBlock) and isinstance(observer, NotesBlocks):
            observer.note_block(part, analysis)
        else:
            for record in part:
                observer.note(record, analysis)
