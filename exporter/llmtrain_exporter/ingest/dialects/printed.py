"""What Transformers, TRL and all that is built on them print: Python dicts between bars and other text."""

from __future__ import annotations

import re

from llmtrain_exporter.ingest.console import ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.own_rows import OwnRows
from llmtrain_exporter.ingest.printed_rows import PrintedRows
from llmtrain_exporter.ingest.schedule import Schedule
from llmtrain_exporter.ingest.writer import WriterMark
from llmtrain_exporter.knowledge.producers import AXOLOTL, LLAMAFACTORY, SWIFT, TRANSFORMERS, UNSLOTH
from llmtrain_exporter.model import Record

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
    """Any text may be printed. JSON alone in its line is rather a log of data."""
    grammar, normaliser = OwnRows(PrintedRows().rows), Normaliser()
    lines = (line for line in re.split(rb"[\r\n]", head.text) if b"{" in line)
    rows = (cells for line in lines for cells in grammar.rows(line))
    trains = head.first is None and any(isinstance(normaliser.record(cells), Record) for cells in rows)
    return Confidence.LIKELY if trains else Confidence.FALLBACK


def reader(normaliser: Normaliser, schedule: Schedule) -> ConsoleReader:
    """A reader of one log."""
    return ConsoleReader(normaliser, OwnRows(PrintedRows().rows).rows, schedule, WRITERS)


DIALECT = Dialect(
    name="printed",
    producer=TRANSFORMERS,
    reader=reader,
    sniff=sniff,
    role=Role.CONSOLE,
    stepless=True,
)
