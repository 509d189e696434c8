"""A log on disk to records: the follower and the dialect put together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from llmtrain_exporter.ingest.arguments import argument_paths, read_hyper_parameters
from llmtrain_exporter.ingest.checkpoints import CurrentDocument
from llmtrain_exporter.ingest.continued_source import ContinuedSource
from llmtrain_exporter.ingest.dialect import Dialect, HoldsRow, LogReader, Shape
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.document_source import DocumentSource
from llmtrain_exporter.ingest.evaluated_source import EvaluatedSource
from llmtrain_exporter.ingest.evaluation_folders import evaluations_of, training_of
from llmtrain_exporter.ingest.file_series import FileSeries, fitting
from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.ingest.follow import Follower, begins_with
from llmtrain_exporter.ingest.framed import ANY, FrameSource
from llmtrain_exporter.ingest.frames import Frames, Units
from llmtrain_exporter.ingest.gathered_source import GatheredSource
from llmtrain_exporter.ingest.half_line import whole_part
from llmtrain_exporter.ingest.late_numbers import Lateness, TakesLateness
from llmtrain_exporter.ingest.lines import Lines
from llmtrain_exporter.ingest.normalise import layout_of
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import AroundSource, Held, Reading, Source, sort_rows
from llmtrain_exporter.ingest.recognise import FileNames
from llmtrain_exporter.ingest.relearned import RelearnedSource
from llmtrain_exporter.ingest.schedule import UNKNOWN, Schedule
from llmtrain_exporter.ingest.several_files import SeveralFiles
from llmtrain_exporter.ingest.side_by_side import SideBySide
from llmtrain_exporter.ingest.stated import in_common_words
from llmtrain_exporter.ingest.stored import StoreSource
from llmtrain_exporter.ingest.timed_lines import read_many, read_timed
from llmtrain_exporter.model import HyperParameters, Layout, Record, RowKind, Series


class LineSource:
    """A log of lines."""

    def __init__(
        self, path: str, reader: Callable[[], LogReader], patient: bool = True, units: Units = Lines
    ) -> None:
        """`patient`: wait for what may still be on its way to the file; else take it as it lies.

        `units`: what the file consists of.
        """
        self.path = path
        self._new_reader = reader
        self.reader = reader()
        self._follower = Follower(path, units, patient=patient)

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, for people."""
        return self._follower.error

    @property
    def place(self) -> tuple[int, int] | None:
        """Where the follower stands."""
        return self._follower.place

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the whole lines that were read."""
        return self._follower.fingerprint

    def begins_with(self, fingerprint: Fingerprint) -> bool:
        """Whether the log begins with what this is of."""
        return begins_with(self.path, fingerprint)

    @property
    def grown(self) -> Callable[[], bool]:
        """Whether the file has grown; the follower's own answer, without a detour for the idle loop."""
        return self._follower.grown

    def check(self, now: float) -> None:
        """Look whether the path still names the same file."""
        self._follower.check_path(now)

    def park(self) -> None:
        """Give back the descriptor, remember the place."""
        self._follower.park()

    def close(self) -> None:
        """Give back the descriptor."""
        self._follower.close()

    def poll(self, now: float) -> Reading | None:
        """The records of the lines that were completed since."""
        batch = self._follower.poll(now)
        if batch is None:
            return None
        if batch.restarted:
            self.reader = self._new_reader()
        records, skipped, times = read_many(self.reader, batch.lines)
        skipped.update(batch.dropped)
        size = sum(map(len, batch.lines)) + len(batch.lines)
        producer = self.reader.producer if hasattr(self.reader, "producer") else None
        return Reading(
            records,
            skipped,
            batch.modified,
            batch.restarted,
            batch.more,
            size,
            past=batch.past,
            producer=producer,
            times=times,
        )

    @property
    def wait(self) -> float | None:
        """A line is whole at its end, and not by silence."""
        return None

    def note_silence(self, seconds: float) -> None:
        """Nobody waits for it."""

    def rest(self) -> Held:
        """The record of what is whole of a half line at the end, and of a row that may not be whole."""
        records, _, times = read_timed(self.reader, [whole_part(self._follower.unfinished)])
        held = self.reader.release() if isinstance(self.reader, HoldsRow) else ()
        return records + [read for read in held if isinstance(read, Record)], times


class JoinedSource(AroundSource):
    """A live log, and another of its run that adds what the live one lacks, record by record.

    The other one comes late, as a document that is written when the run ends. Then the live log is read
    again from its start, each record with what the other says of the same step.
    """

    def __init__(self, live: Callable[[], Source], other: Source) -> None:
        super().__init__(live())
        self._new_live = live
        self._other = other
        self._again = False  # the live log begins anew, which is to be told with its next reading
        self._rows: dict[tuple[RowKind, int], Record] = {}
        self._joined: dict[tuple[Layout, Layout], tuple[Layout, tuple[int, ...]]] = {}

    @property
    def place(self) -> tuple[int, int] | None:
        """There are two logs to ask."""
        return None

    def grown(self) -> bool:
        """Whether either log has grown."""
        return self._inner.grown() or self._other.grown()

    def check(self, now: float) -> None:
        """Look whether the path still names the same file."""
        self._inner.check(now)
        self._other.check(now)

    def poll(self, now: float) -> Reading | None:
        """The next records of the live log, completed."""
        if self._other.grown() and self._learn(now):
            self._inner.close()
            self._inner = self._new_live()
            self._again = True
        reading = self._inner.poll(now)
        if reading is None:
            return None
        again, self._again = self._again, False
        return replace(reading, records=[self._complete(record) for record in reading.records], again=again)

    def close(self) -> None:
        """Give back everything."""
        self._inner.close()
        self._other.close()

    def rest(self) -> Held:
        """The record of a half line at the end of the live log."""
        records, times = self._inner.rest()
        return [self._complete(record) for record in records], times

    def _learn(self, now: float) -> bool:
        """Read the other log; whether it says more than before."""
        reading = self._other.poll(now)
        if reading is None or not reading.records:
            return False
        if reading.restarted:
            self._rows.clear()
        self._rows.update({(row.kind, row.step): row for row in reading.records if row.step is not None})
        return True

    def _complete(self, record: Record) -> Record:
        row = self._rows.get((record.kind, record.step)) if record.step is not None else None
        if row is None:
            return record
        joined = self._joined.get((record.layout, row.layout))
        if joined is None:
            joined = self._joined[record.layout, row.layout] = _join(record.layout, row.layout)
        layout, columns = joined
        return record._replace(
            layout=layout, values=record.values + tuple([row.values[at] for at in columns])
        )


def open_source(found: Found, readers: Readers, patient: bool = True) -> Source:
    """The log of a run, joined with another of its folder where the dialect lacks what that one has."""
    dialect, other = found.dialect, found.dialect.completed_by
    if found.parts and dialect.several is not None:
        return _of_several(found, dialect.several, readers, patient)
    schedule = Schedule.of(read_run_hyper_parameters(found).numbers) if dialect.stepless else UNKNOWN

    def live() -> Source:
        return _source(found.path, dialect, lambda: readers.reader(dialect, schedule), patient)

    if dialect.kept_by_tracker:
        lateness = Lateness()
        return RelearnedSource(lambda: _tracked(found, readers, patient, lateness), lateness)
    beside = completing(found)
    if other is None or beside is None:
        return live()
    return JoinedSource(live, _source(beside, other, lambda: readers.reader(other), patient))


def completing(found: Found) -> str | None:
    """Which of the other logs of a run's folder adds what the followed one lacks."""
    other = found.dialect.completed_by
    return _beside(found.extra, other) if other is not None else None


def evaluation_logs(found: Found) -> Sequence[str]:
    """The logs in other folders that are read with a run's own, for their evaluations."""
    try:
        return _evaluation_logs(found.path, found.dialect) if found.dialect.files_per_run else ()
    except OSError:
        return ()


def paths_read(found: Found) -> Iterator[str]:
    """The files that are read of a run, and the folder of which all is read."""
    yield found.path
    yield from logs_read(found)
    yield from argument_paths(os.path.dirname(found.path), found.dialect.argument_files)
    if found.dialect.whole_folder:
        yield os.path.dirname(found.file)


def logs_read(found: Found) -> Iterator[str]:
    """The files in which the rows of a run stand by now, or may stand."""
    dialect = found.dialect
    yield from (found.file, *found.extra, *found.parts)
    if dialect.grown_files is not None:
        with suppress(OSError):
            yield from dialect.grown_files(found.file)
    elif dialect.store is not None:
        yield found.file + "-wal"  # where SQLite writes what is new
    if dialect.files_per_run:
        with suppress(OSError):
            yield from fitting(os.path.dirname(found.path), dialect.files)
    yield from evaluation_logs(found)


def settings_read(found: Found) -> Sequence[str]:
    """The files beside a log in which its run's settings may stand, the most telling first."""
    paths = argument_paths(os.path.dirname(found.path), found.dialect.argument_files)
    return [path for path in paths if os.path.isfile(path)]


def read_run_hyper_parameters(found: Found) -> HyperParameters:
    """What the log itself states, and the argument files beside it say, of those that its dialect knows."""
    folder = os.path.dirname(found.path)
    return read_hyper_parameters(folder, found.dialect.argument_files, in_common_words(_stated(found)))


def _stated(found: Found) -> Mapping[str, object]:
    dialect = found.dialect
    try:
        if dialect.store is not None:
            return dialect.store(found.file).settings(found.key)
        return dialect.stated(found.path) if dialect.stated is not None else {}
    except OSError:
        return {}


def _tracked(found: Found, readers: Readers, patient: bool, lateness: Lateness) -> Source:
    """A log in which each number has its own step. `lateness`: of some of them, which its readers learn."""
    dialect = found.dialect

    def reader() -> LogReader:
        return _expecting(readers.reader(dialect), lateness)

    if dialect.framing is not None:
        return FrameSource(found.path, dialect.framing, reader, patient, len(_stated(found)))
    store = readers.store(dialect, found.file)
    if store is None:
        return _events(found.path, dialect, reader, readers, patient)
    known = len(_stated(found))
    normaliser = readers.normaliser(dialect)
    return StoreSource(found.path, found.key, store, normaliser, patient, known, lateness)


def _events(
    path: str, dialect: Dialect, reader: Callable[[], LogReader], readers: Readers, patient: bool
) -> Source:
    """Event files, and those of the evaluations of their training."""

    def evaluation_reader() -> LogReader:
        own = dialect.evaluation_reader
        return own(readers.normaliser(dialect)) if own is not None else reader()

    def evaluations(first: str) -> Source:
        return _source(first, dialect, evaluation_reader, patient)

    if training_of(os.path.dirname(path), lambda folder: _first_events(folder, dialect) is not None):
        return evaluations(path)
    return EvaluatedSource(
        _source(path, dialect, reader, patient), lambda: _evaluation_logs(path, dialect), evaluations
    )


def _evaluation_logs(path: str, dialect: Dialect) -> list[str]:
    """The first event files of each folder with evaluations of the training that has written these."""
    folders = evaluations_of(os.path.dirname(path), lambda folder: _first_events(folder, dialect) is not None)
    return [first for folder in folders if (first := _first_events(folder, dialect)) is not None]


def _first_events(folder: str, dialect: Dialect) -> str | None:
    with suppress(OSError):
        return next(iter(fitting(folder, dialect.files)), None)
    return None


def _expecting(reader: LogReader, lateness: Lateness) -> LogReader:
    if isinstance(reader, TakesLateness):
        reader.expect(lateness)
    return reader


def _of_several(found: Found, several: SeveralFiles, readers: Readers, patient: bool) -> Source:
    """The files of one training, one after the other or side by side."""
    dialect, paths = found.dialect, (found.path, *found.parts)
    if several.time_of is not None:
        lines = SideBySide(paths, lambda: readers.reader(dialect), several.time_of, patient)
        return GatheredSource(lines)

    def part(path: str) -> Source:
        """One of them. What the first one states of the settings is what counts."""
        if dialect.framing is not None and path != found.path:
            return FrameSource(path, dialect.framing, lambda: readers.reader(dialect), patient, ANY)
        return open_source(replace(found, path=path, parts=()), readers, patient)

    return ContinuedSource(paths, part)


def _source(path: str, dialect: Dialect, reader: Callable[[], LogReader], patient: bool) -> Source:
    if dialect.shape is Shape.DOCUMENT:
        return DocumentSource(CurrentDocument(path) if dialect.in_checkpoints else lambda: path, reader)
    if dialect.shape is Shape.RECORDS:
        return FileSeries(path, dialect.files, lambda file: _gathered(file, reader, patient, Frames))
    return _gathered(path, reader, patient) if dialect.gathers else LineSource(path, reader, patient)


def _gathered(
    path: str, reader: Callable[[], LogReader], patient: bool, units: Units = Lines
) -> GatheredSource:
    return GatheredSource(LineSource(path, reader, patient, units))


def _beside(paths: Iterable[str], dialect: Dialect) -> str | None:
    """The first of these files that by its name is of the dialect."""
    names = FileNames((dialect,))
    return next((path for path in paths if names.candidates(os.path.basename(path))), None)


def read_lines(reader: LogReader, lines: Iterable[bytes]) -> tuple[list[Record], Counter[str]]:
    """The records of lines, and how many were none, by reason."""
    return sort_rows(map(reader.read, lines))


def _join(layout: Layout, other: Layout) -> tuple[Layout, tuple[int, ...]]:
    """The layout of both rows' columns, and which columns of the other row it takes."""
    columns = [at for at, series in enumerate(other.series) if series not in layout.series]
    added: list[Series] = [other.series[at] for at in columns]
    return layout_of(layout.kind, [*layout.series, *added]), tuple(columns)
