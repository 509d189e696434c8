"""What each format has to do."""

from __future__ import annotations

from typing import Protocol

from llmtrain_exporter.push.record_samples import RecordSamples


class HistoryWriter(Protocol):
    """Writes records into a file, those of one run after those of another. Raises OSError."""

    def write(self, samples: RecordSamples) -> None:
        """Take a record."""

    def finish(self) -> None:
        """Write what is left. Not to be called where something went wrong."""

    def close(self) -> None:
        """Forget what was kept meanwhile; to be called in any case."""
