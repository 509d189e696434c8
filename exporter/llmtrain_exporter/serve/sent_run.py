"""What looks on while a run is folded whose history is sent somewhere."""

from __future__ import annotations

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.model import Record
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.live_history import LiveHistory
from llmtrain_exporter.serve.sparkline import Sparkline


class SentRun(Sparkline):
    """The sparkline of a run, and its history."""

    __slots__ = ("history",)

    def __init__(self, run: Run, chosen: ChosenMetrics) -> None:
        super().__init__()
        self.history = LiveHistory(run, chosen)

    @property
    def reads_state(self) -> bool:
        """Its history does, once that follows the log."""
        return self.history.reads_state

    def note(self, record: Record, analysis: Analysis | None, /) -> None:
        """See a record that was folded."""
        super().note(record, analysis)
        self.history.note(record, analysis)
