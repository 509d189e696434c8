"""LLaMA-Factory's `trainer_log.jsonl`: old schema with nulls, new schema, and the v1 engine's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.dialects import trainer_state
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.row_blocks import AlikeRows
from llmtrain_exporter.knowledge.producers import LLAMAFACTORY
from llmtrain_exporter.model import Record, RowKind, Skip
from llmtrain_exporter.model.blocks import RecordBlock

ALIASES = {
    "accuracy": "rewards/accuracies",  # its callback writes that under this name
    "throughput": "train_tokens_per_second",  # since its process started, as that is
}


class LlamaFactory:
    """Reads one `trainer_log.jsonl`."""

    __slots__ = ("_rows",)

    def __init__(self, normaliser: Normaliser) -> None:
        self._rows = AlikeRows(normaliser)

    def read(self, line: bytes) -> Sequence[Record | Skip]:
        """The record of a line."""
        return _trained(self._rows.read(line), line)

    def read_all(self, lines: Sequence[bytes]) -> Iterable[Sequence[Record | Skip]]:
        """What `read` reads of each line, rows that are alike as a block."""
        return (_trained(rows, line) for line, rows in self._rows.read_all(lines))


def _trained(rows: Sequence[Record | Skip], line: bytes) -> Sequence[Record | Skip]:
    """The old schema writes all columns: what has a null loss is a training row."""
    if isinstance(rows, RecordBlock) or b'"loss": null' not in line:
        return rows
    return [
        row._replace(kind=RowKind.TRAIN) if isinstance(row, Record) and row.kind is RowKind.PROGRESS else row
        for row in rows
    ]


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
