"""The history of a run from its log: read once, or read on for those who look on."""

from __future__ import annotations

from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.watching.history.columns import History, Recorder
from llmtrain_exporter.watching.on_demand import BytesRead, open_log, read_once, read_to_end


def history(
    found: Found, options: RunOptions, readers: Readers, now: float, progress: BytesRead | None = None
) -> History | NoRun:
    """One log, read to its end with all its values. 8 bytes per value. `now`: Unix time."""
    run = open_log(found, options, readers, Recorder)
    outcome = read_once(run, now, progress)
    return outcome if isinstance(outcome, NoRun) else run.observer.history(outcome)


class RecordedLog:
    """A log with all its values, which is read on from where it was left. For one thread at a time."""

    def __init__(self, found: Found, options: RunOptions, readers: Readers) -> None:
        self._run = open_log(found, options, readers, Recorder)

    @property
    def recorder(self) -> Recorder:
        """The values so far; another one when the log was rewritten."""
        return self._run.observer

    def history(self, now: float, monotonic: float) -> History | NoRun:
        """The log as it stands, without a half line at its end; nothing stays open. `now`: Unix time.

        The history grows with the next call, and is not to be looked at any more by then.
        """
        try:
            read_to_end(self._run, monotonic, now)
            self._read_held(monotonic, now)
        finally:
            self._run.source.park()
        outcome = self._run.outcome(now)
        return outcome if isinstance(outcome, NoRun) else self.recorder.history(outcome)

    def _read_held(self, monotonic: float, now: float) -> None:
        """The row, too, that has become whole in the silence since the last write."""
        wait, silent = self._run.source.wait, now - self._run.written_at
        if wait is not None and silent >= wait:
            self._run.source.note_silence(silent)
            read_to_end(self._run, monotonic, now)
