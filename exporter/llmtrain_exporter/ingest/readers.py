"""The readers of logs, and what those of one dialect share."""

from __future__ import annotations

from weakref import WeakValueDictionary

from llmtrain_exporter.ingest.dialect import Dialect, LogReader
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.schedule import UNKNOWN, Schedule
from llmtrain_exporter.ingest.store import Store


class Readers:
    """Makes the readers of logs. Those of a dialect share what they know of names, not what a log taught.

    For one thread at a time, as are the readers.
    """

    def __init__(self, logging_steps: int | None = None) -> None:
        """`logging_steps`: steps between the records of logs that state none, by the operator's word."""
        self._logging_steps = logging_steps
        self._normalisers: dict[Dialect, Normaliser] = {}
        # Given back when the last of their runs is.
        self._stores: WeakValueDictionary[tuple[Dialect, str], Store] = WeakValueDictionary()

    def normaliser(self, dialect: Dialect) -> Normaliser:
        """What the readers of a dialect share."""
        known = self._normalisers.get(dialect)
        if known is None:
            known = self._normalisers[dialect] = dialect.normaliser()
        return known

    def reader(self, dialect: Dialect, schedule: Schedule = UNKNOWN) -> LogReader:
        """A reader for one log. `schedule`: what its own arguments say; the operator goes before them."""
        normaliser = self.normaliser(dialect)
        if self._logging_steps is not None:
            schedule = schedule._replace(logging_steps=self._logging_steps)
        return dialect.reader(normaliser, schedule)

    def store(self, dialect: Dialect, path: str) -> Store | None:
        """The store at that path, the same for all of its runs; None where the dialect has none."""
        known = self._stores.get((dialect, path))
        if known is None and dialect.store is not None:
            known = self._stores[dialect, path] = dialect.store(path)
        return known
