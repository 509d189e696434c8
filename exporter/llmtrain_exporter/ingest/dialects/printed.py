"""What Transformers, TRL and all that is built on them print: Python dicts between bars and other text."""

from __future__ import annotations

import re

from llmtrain_exporter.ingest.console import ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.printed_rows import PrintedRows
from llmtrain_exporter.ingest.writer import WriterMark
from llmtrain_exporter.knowledge.producers import AXOLOTL, LLAMAFACTORY, SWIFT, TRANSFORMERS, UNSLOTH

WRITERS = (
    WriterMark(
        SWIFT,
        frozenset(("global_step/max_steps", "train_speed(iter/s)", "train_speed(s/it)", "memory(GiB)")),
        re.compile(rb"\[(?:DEBUG|INFO|WARNING|ERROR):swift\]|run sh: `[^`]{0,2000}swift/cli/"),
    ),
    WriterMark(
        LLAMAFACTORY,
        frozenset(),
        re.compile(
            rb"\[[A-Z]{4,8}\|[^\]]{0,60}\] llamafactory\.[\w.]+:\d+ >>|- (?:llmtuner|llamafactory)\.[\w.]+ -"
        ),
    ),
    WriterMark(
        AXOLOTL,
        frozenset(("memory/max_active (GiB)", "memory/max_mem_active(gib)")),
        re.compile(rb"\[(?:DEBUG|INFO|WARNING|ERROR)\] \[axolotl\.[\w.]+(?::\d+)?\]"),
    ),
    WriterMark(
        UNSLOTH, frozenset(), re.compile(rb"Unsloth: Will patch your computer|==\(\(====\)\)==  Unsloth")
    ),
)
"""Those that say who they are. Source: the lines that their own code prints, and real logs."""


def sniff(head: Head) -> Confidence:
    """Any text may be printed. What Docker keeps of that is JSON, and no trainer's."""
    wrapped = head.first is not None and "log" in head.first and "stream" in head.first
    return Confidence.SURE if wrapped else Confidence.FALLBACK


DIALECT = Dialect(
    name="printed",
    producer=TRANSFORMERS,
    reader=lambda normaliser, schedule: ConsoleReader(normaliser, PrintedRows().rows, schedule, WRITERS),
    sniff=sniff,
    role=Role.CONSOLE,
    stepless=True,
)
