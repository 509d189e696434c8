"""LLaMA-Factory's `trainer_log.jsonl`: old schema with nulls, new schema, and the v1 engine's."""

from __future__ import annotations

from collections.abc import Iterable

from llmtrain_exporter.ingest.dialects.base import JsonLines
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.model import Kind, Record, Skip

ALIASES = {
    "lr": "learning_rate",
    "accuracy": "rewards/accuracies",  # its callback writes that under this name
}


class LlamaFactory:
    """Reads one `trainer_log.jsonl`."""

    def __init__(self) -> None:
        self._rows = JsonLines(Normaliser(ALIASES, progress_rows=True))

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The record of a line. The old schema writes all columns: with a null loss it is a training row."""
        for record in self._rows.read(line):
            if isinstance(record, Record) and record.kind is Kind.PROGRESS and b'"loss": null' in line:
                yield record._replace(kind=Kind.TRAIN)
            else:
                yield record
