"""The readers of logs, and what those of one dialect share."""

from __future__ import annotations

from dataclasses import replace

from llmtrain_exporter.ingest.dialect import Dialect, LogReader
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.schedule import UNKNOWN, Schedule


class Readers:
    """Makes the readers of logs. Those of a dialect share what they know of names, not what a log taught.

    For one thread at a time, as are the readers.
    """

    def __init__(self, logging_steps: int | None = None) -> None:
        """`logging_steps`: steps between the records of logs that state none, by the operator's word."""
        self._logging_steps = logging_steps
        self._normalisers: dict[Dialect, Normaliser] = {}

    def reader(self, dialect: Dialect, schedule: Schedule = UNKNOWN) -> LogReader:
        """A reader for one log. `schedule`: what its own arguments say; the operator goes before them."""
        normaliser = self._normalisers.get(dialect)
        if normaliser is None:
            normaliser = self._normalisers[dialect] = dialect.normaliser()
        if self._logging_steps is not None:
            schedule = replace(schedule, logging_steps=self._logging_steps)
        return dialect.reader(normaliser, schedule)
