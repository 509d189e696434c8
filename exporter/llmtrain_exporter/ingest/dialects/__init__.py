"""One file per producer: a line to a record, or to the reason why it is none."""

from __future__ import annotations

from llmtrain_exporter.ingest.dialects.base import Reader
from llmtrain_exporter.ingest.dialects.llamafactory import LlamaFactory
from llmtrain_exporter.ingest.dialects.printed import Printed
from llmtrain_exporter.ingest.dialects.swift import Swift
from llmtrain_exporter.ingest.dialects.trainer_state import TrainerState
from llmtrain_exporter.ingest.normalise import Normaliser

LIVE = frozenset(("swift", "llamafactory"))
"""Logs whose very name says that a training writes them, even while they are empty."""

_PRODUCER = {"trainer_state": "transformers", "printed": "transformers"}

DOCUMENTS = frozenset(("trainer_state",))
"""Logs that are one document, written whole again, instead of lines."""


def producer(dialect: str) -> str:
    """Who writes logs of this dialect."""
    return _PRODUCER.get(dialect, dialect)


class Dialects:
    """Makes the readers of logs. They share what they know of names, not what they learn from a log."""

    def __init__(self, logging_steps: int | None = None) -> None:
        """`logging_steps`: steps between the records of printed logs, for those that do not tell."""
        self._logging_steps = logging_steps
        self._swift = Swift()
        self._llamafactory = LlamaFactory()
        self._trainer_state = TrainerState()
        self._printed = Normaliser()

    def reader(self, dialect: str, logging_steps: int | None = None) -> Reader:
        """A reader for one log. Raises KeyError for a dialect that does not exist.

        `logging_steps`: what the log's own argument file says; the operator's word goes before it.
        """
        if dialect == "printed":
            return Printed(self._printed, self._logging_steps or logging_steps)
        shared: dict[str, Reader] = {
            "swift": self._swift,
            "llamafactory": self._llamafactory,
            "trainer_state": self._trainer_state,
        }
        return shared[dialect]
