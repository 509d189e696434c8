"""A log from its first byte to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from exporter.analyse.analysis import Analysis
from exporter.analyse.run import Options, Run
from exporter.ingest.arguments import read_checkpoints, read_settings
from exporter.ingest.dialects import Dialects, producer
from exporter.ingest.discover import Found
from exporter.ingest.source import open_source
from exporter.knowledge import words
from exporter.model import Record, Snapshot

Note = Callable[[Record, Analysis | None], object]
"""Sees a record that was folded, and what the run is judged by: None before its first training record.
The same record of a second writer is not told."""


@dataclass(frozen=True, slots=True)
class NoTraining:
    """Why a log is no run, and its lines by reason."""

    reason: str
    skipped: Mapping[str, int]


Progress = Callable[[int], object]
"""Told how many bytes of a log were read since it was told last."""


def read(
    found: Found,
    options: Options,
    dialects: Dialects,
    now: float,
    note: Note | None = None,
    progress: Progress | None = None,
) -> Snapshot | NoTraining:
    """One log, read to its end: the run as it stands at `now`, Unix time."""
    folder = os.path.dirname(found.path)
    run = Run(options, read_settings(folder))
    source = open_source(found, dialects, patient=False)
    try:
        while (reading := source.poll(0.0)) is not None:
            _fold(run, reading.records, reading.modified, note)
            run.skip(reading.skipped)
            if progress is not None:
                progress(reading.size)
        _fold(run, source.rest(), found.modified, note)
    finally:
        source.close()
    if run.is_training:
        snapshot = run.snapshot(found.run, found.path, producer(found.dialect), now)
        return replace(snapshot, checkpoints=read_checkpoints(folder))
    reason = source.error or (words.NO_RECORD if run.skipped else words.EMPTY).en
    return NoTraining(reason, dict(run.skipped))


def _fold(run: Run, records: Iterable[Record], arrived: float, note: Note | None) -> None:
    for record in records:
        if run.fold(record, arrived) and note is not None:
            note(record, run.analysis)
