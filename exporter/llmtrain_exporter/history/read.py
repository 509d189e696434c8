"""A log from its first byte to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Options, Run
from llmtrain_exporter.ingest.arguments import read_checkpoints
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source, read_run_settings
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.model import Record, Snapshot

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


class Reader:
    """A log that is folded as far as it was read, and read on whenever somebody asks.

    For one thread at a time. A half line at the end is left for the next look; `finish` takes it.
    """

    def __init__(
        self, found: Found, options: Options, readers: Readers, begin: Callable[[Run], Note] | None = None
    ) -> None:
        """`begin`: told of the run that is folded from the first line on, again when a log was rewritten."""
        self._found = found
        self._folder = os.path.dirname(found.path)
        self._options = options
        self._told = begin
        self._source = open_source(found, readers, patient=False)
        self._begin()

    def read_on(self, monotonic: float, progress: Progress | None = None) -> None:
        """Read what is new, anew where the log was rewritten. `monotonic`: seconds."""
        self._source.check(monotonic)
        while (reading := self._source.poll(monotonic)) is not None:
            if reading.restarted or reading.again:
                self._begin()
            self._fold(reading.records, reading.modified)
            self._run.skip(reading.skipped)
            if progress is not None:
                progress(reading.size)

    def finish(self) -> None:
        """Take the half line at the end too: nobody writes any more, or nobody waits. Not after `park`."""
        self._fold(self._source.rest(), self._found.modified)

    def snapshot(self, now: float) -> Snapshot | NoTraining:
        """The run as it stands at `now`, Unix time."""
        run, found = self._run, self._found
        if run.is_training:
            snapshot = run.snapshot(found.run, found.path, found.dialect.producer, now)
            return replace(snapshot, checkpoints=read_checkpoints(self._folder))
        reason = self._source.error or (words.NO_RECORD if run.skipped else words.EMPTY).en
        return NoTraining(reason, dict(run.skipped))

    def park(self) -> None:
        """Hold nothing open until the next look."""
        self._source.park()

    def close(self) -> None:
        """Give back everything."""
        self._source.close()

    def _begin(self) -> None:
        self._run = Run(self._options, read_run_settings(self._found))
        self._note = None if self._told is None else self._told(self._run)

    def _fold(self, records: Iterable[Record], arrived: float) -> None:
        run, note = self._run, self._note
        for record in records:
            if run.fold(record, arrived) and note is not None:
                note(record, run.analysis)


def read(
    found: Found,
    options: Options,
    readers: Readers,
    now: float,
    note: Note | None = None,
    progress: Progress | None = None,
) -> Snapshot | NoTraining:
    """One log, read to its end: the run as it stands at `now`, Unix time."""
    reader = Reader(found, options, readers, None if note is None else lambda _: note)
    return read_whole(reader, now, progress)


def read_whole(reader: Reader, now: float, progress: Progress | None = None) -> Snapshot | NoTraining:
    """What a reader finds in a log that is looked at once. `now`: Unix time."""
    try:
        reader.read_on(0.0, progress)
        reader.finish()
        return reader.snapshot(now)
    finally:
        reader.close()
