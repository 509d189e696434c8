"""A log that is read once and judged many times."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.model import NoRun, Record, RowKind, Snapshot
from llmtrain_exporter.model.blocks import RecordBlock, RecordParts
from llmtrain_exporter.watching.on_demand import open_log, read_once


@dataclass(frozen=True, slots=True, eq=False)
class KeptLog:
    """The records of a run, and how it was judged so far. `folder`: the run's name before any rule."""

    run: Snapshot
    folder: str
    records: Sequence[Record]
    producer: Producer | None  # as far as it was known at the first record

    @property
    def trained(self) -> int:
        """Its training records."""
        return self.run.records.get(RowKind.TRAIN, 0)

    def folded(self, options: RunOptions) -> Analysis | None:
        """What becomes of it with other limits; None where there is nothing to judge."""
        run = Run(options, self.run.hyper_parameters)
        run.producer = self.producer
        run.fold_all(self.records, 0.0)
        return run.analysis


class RecordsKept:
    """Keeps the records of a run as they are folded; 8 bytes for each value of those that come in blocks."""

    reads_state: ClassVar[bool] = False

    def __init__(self, run: Run) -> None:
        self._run = run
        self.producer: Producer | None = None
        self.parts: list[Sequence[Record]] = []

    def note(self, record: Record, _: Analysis | None) -> None:
        """Keep a record."""
        self._add((record,))

    def note_block(self, block: RecordBlock, _: Analysis | None) -> None:
        """Keep a block."""
        columns = [array("d", column) for column in block.columns]
        self._add(RecordBlock(block.layout, array("q", block.steps), block.max_steps, columns))

    def _add(self, part: Sequence[Record]) -> None:
        if not self.parts:
            self.producer = self._run.producer
        self.parts.append(part)


def keep_log(found: Found, options: RunOptions, readers: Readers, now: float) -> KeptLog | NoRun:
    """One log, read to its end. `now`: Unix time."""
    live = open_log(found, options, readers, RecordsKept)
    run = read_once(live, now)
    if isinstance(run, NoRun):
        return run
    kept = live.observer
    return KeptLog(run, found.folder, RecordParts(kept.parts), kept.producer)
