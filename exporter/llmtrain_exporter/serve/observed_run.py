"""What looks on while a run is folded that others than the pages want to see."""

from __future__ import annotations

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.model import Record
from llmtrain_exporter.model.blocks import RecordBlock
from llmtrain_exporter.push.live_history import LiveHistory
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.watching.observer import Observer, show


class ObservedRun(Sparkline):
    """The sparkline of a run, and what those see who send its history or protect it."""

    __slots__ = ("_others", "history", "protected")

    def __init__(self, history: LiveHistory | None, protected: Observer | None) -> None:
        """`protected`: the observer of its protector. None: nobody sends or protects it."""
        super().__init__()
        self.history = history
        self.protected = protected
        self._others = tuple(other for other in (history, protected) if other is not None)

    @property
    def reads_state(self) -> bool:
        """Whether one of them does: a history, once that follows the log."""
        return any(other.reads_state for other in self._others)

    def note_block(self, block: RecordBlock, analysis: Analysis | None, /) -> None:
        """See the records of a block."""
        super().note_block(block, analysis)
        for other in self._others:
            show(block, other, analysis)

    def note(self, record: Record, analysis: Analysis | None, /) -> None:
        """See a record that was folded."""
        super().note(record, analysis)
        for other in self._others:
            other.note(record, analysis)
