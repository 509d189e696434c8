"""LLaMA-Factory's `trainer_log.jsonl`: old schema with nulls, new schema, and the v1 engine's."""

from __future__ import annotations

from collections.abc import Iterable

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.dialects import trainer_state
from llmtrain_exporter.ingest.json_rows import JsonRows
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge.producers import LLAMAFACTORY
from llmtrain_exporter.model import Record, RowKind, Skip

ALIASES = {
    "accuracy": "rewards/accuracies",  # its callback writes that under this name
    "throughput": "train_tokens_per_second",  # since its process started, as that is
}


class LlamaFactory:
    """Reads one `trainer_log.jsonl`."""

    __slots__ = ("_rows",)

    def __init__(self, normaliser: Normaliser) -> None:
        self._rows = JsonRows(normaliser)

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The record of a line. The old schema writes all columns: with a null loss it is a training row."""
        for record in self._rows.read(line):
            if isinstance(record, Record) and record.kind is RowKind.PROGRESS and b'"loss": null' in line:
                yield record._replace(kind=RowKind.TRAIN)
            else:
                yield record


def sniff(head: Head) -> Confidence:
    """No other trainer's rows have `current_steps`."""
    return Confidence.SURE if head.first is not None and "current_steps" in head.first else Confidence.NO


DIALECT = Dialect(
    name="llamafactory",
    producer=LLAMAFACTORY,
    reader=lambda normaliser, _: LlamaFactory(normaliser),
    sniff=sniff,
    files=("trainer_log.jsonl",),
    normaliser=lambda: Normaliser(ALIASES, progress_rows=True),
    completed_by=trainer_state.DIALECT,  # grad_norm, kl and more stand there alone
)
