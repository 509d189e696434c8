"""What Transformers, TRL and all that is built on them print: Python dicts between bars and other text."""

from __future__ import annotations

from llmtrain_exporter.ingest.console import ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.printed_rows import PrintedRows
from llmtrain_exporter.knowledge.producers import TRANSFORMERS


def sniff(head: Head) -> Confidence:
    """Any text may be printed. What Docker keeps of that is JSON, and no trainer's."""
    wrapped = head.first is not None and "log" in head.first and "stream" in head.first
    return Confidence.SURE if wrapped else Confidence.FALLBACK


DIALECT = Dialect(
    name="printed",
    producer=TRANSFORMERS,
    reader=lambda normaliser, schedule: ConsoleReader(normaliser, PrintedRows().rows, schedule),
    sniff=sniff,
    role=Role.CONSOLE,
    stepless=True,
)
