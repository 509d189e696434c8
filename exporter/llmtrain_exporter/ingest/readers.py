"""The readers of logs, and what those of one dialect share."""

from __future__ import annotations

from llmtrain_exporter.ingest.dialect import Dialect, LogReader
from llmtrain_exporter.ingest.normalise import Normaliser


class Readers:
    """Makes the readers of logs. Those of a dialect share what they know of names, not what a log taught.

    For one thread at a time, as are the readers.
    """

    def __init__(self, logging_steps: int | None = None) -> None:
        """`logging_steps`: steps between the records of logs that state none, by the operator's word."""
        self._logging_steps = logging_steps
        self._normalisers: dict[Dialect, Normaliser] = {}

    def reader(self, dialect: Dialect, logging_steps: int | None = None) -> LogReader:
        """A reader for one log. `logging_steps`: what its own arguments say; the operator goes before it."""
        normaliser = self._normalisers.get(dialect)
        if normaliser is None:
            normaliser = self._normalisers[dialect] = dialect.normaliser()
        return dialect.reader(normaliser, self._logging_steps or logging_steps)
