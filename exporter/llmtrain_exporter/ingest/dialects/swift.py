"""ms-swift's `logging.jsonl`, all versions and its Megatron path."""

from __future__ import annotations

from collections.abc import Iterable

from llmtrain_exporter.ingest.dialects.base import JsonLines
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.model import Record, Skip

_HISTORY = b', "log_history": ['
_LONG = 1 << 14  # no row is as long; the summary row holds all earlier rows again


class Swift:
    """Reads one `logging.jsonl`."""

    def __init__(self) -> None:
        self._rows = JsonLines(Normaliser())

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The record of a line. Of the summary row only what stands before its copy of the log is parsed."""
        if len(line) > _LONG:
            history = line.find(_HISTORY)
            line = line if history < 0 else line[:history] + b"}"
        return self._rows.read(line)
