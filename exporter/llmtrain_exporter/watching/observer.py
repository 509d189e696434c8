"""Who looks on while the records of a run are folded."""

from __future__ import annotations

from typing import Protocol, TypeVar

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.model import Record


class Observer(Protocol):
    """Sees the records of a run as they are folded. A run that begins anew has a new one."""

    @property
    def reads_state(self) -> bool:
        """Whether it looks at the run or its analysis; if not, these may be some records further on."""

    def note(self, record: Record, analysis: Analysis | None, /) -> object:
        """See a record, and what the run is judged by: None before its first training record.

        What a second writer says once more is not shown.
        """


ObserverT = TypeVar("ObserverT", bound=Observer | None)


def unobserved(_: Run) -> None:
    """The observer of a run whose records nobody else wants to see."""
