"""What Transformers, TRL and all that is built on them print: Python dicts between bars and other text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from llmtrain_exporter.ingest import axolotl
from llmtrain_exporter.ingest.arguments import FIRST_BYTES
from llmtrain_exporter.ingest.console import ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role, Shape
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.normalise import NO_RECORD, Normaliser
from llmtrain_exporter.ingest.own_rows import OwnRows
from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.ingest.printed_arguments import printed_arguments
from llmtrain_exporter.ingest.printed_rows import PrintedRows
from llmtrain_exporter.ingest.schedule import Schedule
from llmtrain_exporter.ingest.undecided import UndecidedReader
from llmtrain_exporter.ingest.writer import WriterMark
from llmtrain_exporter.knowledge.producers import AXOLOTL, LLAMAFACTORY, SWIFT, TRANSFORMERS, UNSLOTH
from llmtrain_exporter.model import Record, RowKind

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


_MAYBE = re.compile(rb"""['"](?:epoch|train_runtime|global_step/max_steps)['"]""")  # before all is read
_PLACED = frozenset(("epoch", "global_step/max_steps"))


def sniff(head: Head) -> Confidence:
    """Any text may be printed; where a row of a trainer stands in it, a training likely prints it.

    What begins with such a row as JSON was logged as data, if it can be.
    """
    grammar, normaliser = PrintedRows(), Normaliser()
    if not _MAYBE.search(head.text):
        return Confidence.FALLBACK
    if head.first is not None and _is_trainers(head.first, normaliser):
        return Confidence.POSSIBLE
    rows = (cells for line in re.split(rb"[\r\n]+", head.text) for cells in grammar.rows(line))
    likely = any(_is_trainers(cells, normaliser) for cells in rows)
    return Confidence.LIKELY if likely else Confidence.FALLBACK


def _is_trainers(cells: Mapping[str, object], normaliser: Normaliser) -> bool:
    """Whether a row says where in its epochs a training is, and how it goes; others print dicts, too."""
    if "train_runtime" in cells:
        return True
    record = normaliser.record(cells) if not _PLACED.isdisjoint(cells) else NO_RECORD
    return isinstance(record, Record) and record.kind in (RowKind.TRAIN, RowKind.EVAL)


def reader(normaliser: Normaliser, schedule: Schedule) -> UndecidedReader:
    """A reader of one log, which may turn out to be another program's."""
    usual = ConsoleReader(normaliser, OwnRows(PrintedRows().rows).rows, schedule, WRITERS)
    return UndecidedReader(usual, _other_programs, schedule)


@cache
def _other_programs() -> Sequence[Dialect]:
    known = (dialect for dialect in registered().values() if dialect is not DIALECT)
    return [each for each in known if each.role is Role.CONSOLE and each.shape is Shape.LINES]


def stated(begin: bytes) -> Mapping[str, object]:
    """The settings that the begin of a log prints."""
    return {**printed_arguments(begin), **axolotl.printed_settings(begin)}


DIALECT = Dialect(
    name="printed",
    producer=TRANSFORMERS,
    reader=reader,
    sniff=sniff,
    normaliser=lambda: Normaliser(hand_written=True),
    role=Role.CONSOLE,
    stepless=True,
    stated=lambda path: stated(read_part(path, FIRST_BYTES)),
)
