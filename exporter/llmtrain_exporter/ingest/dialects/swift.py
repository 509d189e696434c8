"""ms-swift's `logging.jsonl`, all versions and its Megatron path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.row_blocks import AlikeRows, layouts
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import MEGATRON_SWIFT, SWIFT
from llmtrain_exporter.model import Layout, Record, Skip

ALIASES = {
    "throughput": "throughput per GPU (TFLOP/s/GPU)",  # of its Megatron path to 3.12: Megatron's own figure
}
_HISTORY = b', "log_history": ['
_MEGATRON = b'"iteration": "'
_LONG = 1 << 14  # no row is as long; the summary row holds all earlier rows again


class Swift:
    """Reads one `logging.jsonl`."""

    __slots__ = ("_layout", "_rows", "producer")

    def __init__(self, normaliser: Normaliser) -> None:
        self._rows = AlikeRows(normaliser)
        self._layout: Layout | None = None  # of the last row
        self.producer: Producer | None = None  # that of its Megatron path, once a row shows it

    def read(self, line: bytes) -> Sequence[Record | Skip]:
        """The record of a line. Of the summary row only what stands before its copy of the log is parsed."""
        if len(line) > _LONG:
            history = line.find(_HISTORY)
            line = line if history < 0 else line[:history] + b"}"
        return self._noted(self._rows.read(line), line)

    def read_all(self, lines: Sequence[bytes]) -> Iterable[Sequence[Record | Skip]]:
        """What `read` reads of each line, rows that are alike as a block."""
        if max(map(len, lines), default=0) > _LONG:
            return map(self.read, lines)
        return (self._noted(rows, line) for line, rows in self._rows.read_all(lines))

    def _noted(self, rows: Sequence[Record | Skip], line: bytes) -> Sequence[Record | Skip]:
        """What was read of a line, or from it on."""
        for layout in layouts(rows):
            if layout is not self._layout:
                self._layout = layout
                self.producer = MEGATRON_SWIFT if _MEGATRON in line else self.producer
        return rows


def sniff(head: Head) -> Confidence:
    """Its rows have had other keys in each version: any object a line may be one."""
    return Confidence.NO if head.first is None else Confidence.LIKELY


DIALECT = Dialect(
    name="swift",
    producer=SWIFT,
    reader=lambda normaliser, _: Swift(normaliser),
    sniff=sniff,
    files=("logging.jsonl",),
    normaliser=lambda: Normaliser(ALIASES, hand_written=True),  # JSON of others is named by hand, too
)
