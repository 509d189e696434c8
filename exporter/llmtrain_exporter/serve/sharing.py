"""What the threads have in common that watch the roots of one exporter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.stirrings import Allowance
from llmtrain_exporter.push.live_history import HistorySink
from llmtrain_exporter.serve.finished_runs import FinishedRuns
from llmtrain_exporter.serve.first_read import Processes
from llmtrain_exporter.serve.protection import Protection
from llmtrain_exporter.watching.seats import Seats


@dataclass(frozen=True, slots=True)
class Sharing:
    """What the watchers of several roots share. `named_after`: see `Surroundings`; all roots are there.

    `sink`: takes the history of all runs, where that is sent; `protection`: protects them, where wanted.
    `finished`: keeps runs that are over for the next start; `start`: starts processes that read such logs.
    `allowance`: of watches on logs.
    """

    seats: Seats
    named_after: dict[str, str]  # written by all threads, each for its own roots
    sink: HistorySink | None = None
    protection: Protection | None = None
    finished: FinishedRuns | None = None
    start: Callable[[Settings], Processes | None] = lambda _: None
    allowance: Allowance = field(default_factory=Allowance)
