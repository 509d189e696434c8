"""The logs of the runs that are watched, read once more from their beginning, for who sends history."""

from __future__ import annotations

import time
from collections.abc import Iterator

from llmtrain_exporter.config import Settings
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.watching.rules import rules_for_serving


class WatchedLogs:
    """Finds and reads them. From any threads: whoever reads a log has all that is needed to himself."""

    def __init__(self, fleet: Fleet, settings: Settings) -> None:
        self._fleet = fleet
        self._settings = settings  # replaced as a whole

    def change(self, settings: Settings) -> None:
        """Go by these settings when the next log is read."""
        self._settings = settings

    def modified(self, run: str) -> float | None:
        """Unix time of the last write to a run's log as it was found; None where there is no such run."""
        shown = self._fleet.find(run)
        return None if shown is None or shown.found is None else shown.found.modified

    def __call__(self, run: str) -> Iterator[RecordSamples | None] | None:
        """All records of a run that are there by now, and pauses; None where there is no such run."""
        shown = self._fleet.find(run)
        if shown is None or shown.found is None:
            return None
        settings = self._settings
        rules = rules_for_serving(settings)
        chosen = ChosenMetrics(settings.history_metrics)
        options = rules.options(shown.found)
        history = RunHistory(shown.found, shown.snapshot.run, options, rules.readers, chosen, patient=True)
        return history.with_pauses(time.monotonic(), time.time())
