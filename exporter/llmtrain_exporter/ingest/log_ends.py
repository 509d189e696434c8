"""The first and the last rows of a log: whether two logs are of the same training."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from llmtrain_exporter.ingest.dialect import Dialect, HoldsRow, Shape
from llmtrain_exporter.ingest.encoding import as_utf8, wide_encoding
from llmtrain_exporter.ingest.file_series import fitting
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.framed import ANY, FrameSource, first_frames, last_frames
from llmtrain_exporter.ingest.frames import Frames
from llmtrain_exporter.ingest.framing import Framing
from llmtrain_exporter.ingest.half_line import whole_part
from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.ingest.same_rows import (
    Agreement,
    TrainingRow,
    agreement,
    first_stands_in,
    last_stands_in,
    stands_by_step,
)
from llmtrain_exporter.ingest.schedule import UNKNOWN
from llmtrain_exporter.ingest.store import Store, first_rows
from llmtrain_exporter.ingest.tracked_rows import RowsByKey, TrackedRun
from llmtrain_exporter.model import Record, RowKind, Skip

LARGEST_DOCUMENT = 4 << 20  # bytes of one that is read only to compare it

FEW_ROWS = 5
"""Trainings of one seed that ended so early may have no other ones."""

MOST_WITHOUT_ROW = 64  # files of a log in several that are passed until there is a row

LAST_ROWS = 20
"""In which two programs that print one training are at any time."""

SMALL_PIECE = 6 << 10  # bytes of short rows in which there are as many


class Extent(NamedTuple):
    """How much of a log is read to compare it."""

    size: int  # bytes at either end
    rows: int | None  # the first ones, and as many of the last ones or some more; None: all in so many bytes

    @property
    def last_pieces(self) -> Sequence[int]:
        """Bytes of the end, in which there should be the last rows; the next where there are too few."""
        return (SMALL_PIECE, self.size) if self.rows is not None else (self.size,)


BRIEF = Extent(32 << 10, 32)  # most logs are told by that
ENDS = Extent(32 << 10, None)
WIDE = Extent(2 << 20, None)

WIDE_READINGS = 256
"""Of a log of frames or a store, which is read as it always is where a wide look is needed."""

FRAMES_BEGIN = 1 << 20
"""Bytes in which the first rows of a log of frames stand, behind what its run was started with."""


class LogEnds(NamedTuple):
    """The rows with which a log begins, and those with which it ends so far, as far as they are known."""

    first: Sequence[TrainingRow]
    last: Sequence[TrainingRow]
    whole: bool = False  # the first ones are all that there are

    @property
    def silent(self) -> bool:
        """Whether it says nothing yet."""
        return not (self.first or self.last)

    @property
    def states_steps(self) -> bool:
        """Whether each row says which step it is."""
        return all(row.step is not None for row in (*self.first, *self.last))

    def is_within(self, other: LogEnds) -> bool:
        """Whether it is known to its end, and the other one to there."""
        steps = [[row.step for row in ends.first if row.step is not None] for ends in (self, other)]
        stated = len(steps[0]) == len(self.first) and len(steps[1]) == len(other.first)
        reached = [max(each, default=0) for each in steps] if stated else [len(self.first), len(other.first)]
        return self.whole and reached[0] <= reached[1]

    def has_begin_of(self, other: LogEnds) -> bool | None:
        """Whether it begins with the rows of the other one, or before; None: these were not read so far."""
        if self.states_steps and other.states_steps and self.first and other.first:
            return _first_step(self) <= _first_step(other)
        if first_stands_in(other.first, self.first) or first_stands_in(other.first, self.last):
            return True
        return False if self.whole or first_stands_in(self.first, other.first) else None

    def has_end_of(self, other: LogEnds) -> bool | None:
        """Whether it has the last rows of the other one; None: what was read does not tell."""
        if not (self.last and other.last):
            return None
        if self.states_steps and other.states_steps:
            return stands_by_step(other.last, (*self.first, *self.last))
        if last_stands_in(other.last, self.last) or last_stands_in(other.last, self.first):
            return True
        return False if self.whole or last_stands_in(self.last, other.last) else None


NO_ROWS = LogEnds((), ())


def _first_step(ends: LogEnds) -> int:
    return min(row.step for row in ends.first if row.step is not None)


def _all_of(rows: Sequence[TrainingRow], whole: bool = True) -> LogEnds:
    return LogEnds(rows, rows if whole else (), whole)


def read_first(path: str, dialect: Dialect) -> TrainingRow | None:
    """The first row of a log of lines, of what is read of its begin; None where there is none."""
    try:
        begin = read_part(path, ENDS.size)
    except OSError:
        return None
    return next(_rows(as_utf8(begin), dialect), None)


def read_ends(path: str, dialect: Dialect, key: str = "", extent: Extent = ENDS) -> LogEnds:
    """The rows at both ends of a log; none of one that is too large or cannot be read.

    `key`: of a run in a store of several, below whose path it stands.
    """
    try:
        if dialect.framing is not None:
            if extent is not WIDE:  # each process writes its own: they begin alike
                size = extent.size if extent is BRIEF else FRAMES_BEGIN
                return _ends_of_frames(path, dialect, dialect.framing, size)
            return _all_of(_rows_of_frames(path, dialect, dialect.framing))
        if dialect.store is not None:
            return _of_stored(dialect.store(os.path.dirname(path) if key else path), key, dialect, extent)
        if dialect.files_per_run:
            return _ends_of_series(path, dialect, extent)
        descriptor, state = open_regular(path)
    except OSError:
        return NO_ROWS
    with open(descriptor, "rb") as file:
        try:
            if dialect.shape is Shape.LINES:
                return _ends_of_lines(file.fileno(), state.st_size, dialect, extent)
            readable = dialect.shape is Shape.DOCUMENT and state.st_size <= LARGEST_DOCUMENT
            return _all_of(_rows_of_document(file.read(), dialect)) if readable else NO_ROWS
        except OSError:
            return NO_ROWS


def are_of_one_training(one: LogEnds, other: LogEnds) -> Agreement | None:
    """Whether two logs agree as far as both go; None: one says nothing yet.

    A log that another process began, when the training was resumed, ends like the one that goes on.
    """
    if one.silent or other.silent:
        return None
    begin = agreement(one.first, other.first)
    if begin is Agreement.DIFFERENT or (one.whole and other.whole):
        return begin
    if begin is Agreement.SAME and (one.is_within(other) or other.is_within(one)):
        return begin
    end = agreement(one.last, other.last)
    return Agreement.UNSURE if begin is Agreement.SAME and end is Agreement.APART else end


def are_alike(one: LogEnds, other: LogEnds) -> Agreement | None:
    """Whether two logs that lie anywhere are copies of so many rows that this is no chance; None: not yet."""
    if one.silent or other.silent:
        return None
    begin = agreement(one.first[:FEW_ROWS], other.first[:FEW_ROWS])
    few = min(len(one.first), len(other.first)) < FEW_ROWS
    return Agreement.APART if few or begin is not Agreement.SAME else are_copies(one, other)


def are_copies(one: LogEnds, other: LogEnds) -> Agreement | None:
    """Whether two logs show the same rows and end alike; None: one says nothing yet.

    A training that was started again with the same seed begins in the same way, and ends elsewhere.
    """
    found = are_of_one_training(one, other)
    if found is not Agreement.SAME:
        return found
    if not (one.last and other.last):
        return Agreement.UNSURE
    return agreement(one.last[-LAST_ROWS:], other.last[-LAST_ROWS:])


def _ends_of_frames(path: str, dialect: Dialect, framing: Callable[[], Framing], size: int) -> LogEnds:
    first = islice(_rows_in(first_frames(path, framing(), size), dialect), BRIEF.rows)
    last = _rows_in(last_frames(path, framing(), BRIEF.size), dialect)
    return LogEnds(list(first), list(last)[1:])  # the first of these may lack its begin


def _rows_in(frames: Iterable[bytes], dialect: Dialect) -> Iterator[TrainingRow]:
    reader = dialect.reader(dialect.normaliser(), UNKNOWN)
    return _training_rows(read for frame in frames for read in reader.read(frame))


def _rows_of_frames(path: str, dialect: Dialect, framing: Callable[[], Framing]) -> Sequence[TrainingRow]:
    """A log of frames is read as it always is."""
    normaliser = dialect.normaliser()
    source = FrameSource(
        path, framing, lambda: dialect.reader(normaliser, UNKNOWN), False, settings_known=ANY
    )
    rows: list[TrainingRow] = []
    try:
        for _ in range(WIDE_READINGS):
            reading = source.poll(0.0)
            rows += _training_rows(reading.records) if reading else ()
            if reading is None or not reading.more:
                break
    finally:
        source.close()
    return rows


def _of_stored(store: Store, key: str, dialect: Dialect, extent: Extent) -> LogEnds:
    """A run in a store is known by its first rows: it goes on there, whichever process logs it."""
    run = TrackedRun(dialect.normaliser())
    if extent is not WIDE:
        begin = first_rows(store, key)
        return _all_of(list(_training_rows(read for row in begin for read in run.read(row))), whole=False)
    rows, after = RowsByKey(), 0
    found: list[TrainingRow] = []
    for _ in range(WIDE_READINGS):
        portion = store.read(key, after)
        after = portion.after
        whole = [row for each in portion.rows for row in rows.add(each)] if store.by_key else portion.rows
        found += _training_rows(read for row in whole for read in run.read(row))
        if not portion.more:
            break
    return _all_of(found)


def _ends_of_series(path: str, dialect: Dialect, extent: Extent) -> LogEnds:
    """Of a log in several files the rows of the first one that has any, and those of the last one."""
    files = fitting(os.path.dirname(path), dialect.files)
    first: Sequence[TrainingRow] = ()
    for file in files[:MOST_WITHOUT_ROW]:
        first = list(islice(_rows_of_records(read_part(file, extent.size), dialect), extent.rows))
        if first:
            break
    size = os.stat(files[-1]).st_size
    if file == files[-1] and size <= extent.size and len(first) != extent.rows:
        return _all_of(first)

    def last(piece: int) -> Sequence[TrainingRow]:
        part = read_part(files[-1], piece, max(size - piece, 0))
        return list(_rows_of_records(part, dialect))[1 if size > piece else 0 :]

    return LogEnds(first, _enough(last, extent))


def _rows_of_records(content: bytes, dialect: Dialect) -> Iterator[TrainingRow]:
    reader = dialect.reader(dialect.normaliser(), UNKNOWN)
    for record in Frames(0, 0).take(content, 0, len(content)):
        yield from _training_rows(reader.read(record))
    if isinstance(reader, HoldsRow):
        yield from _training_rows(reader.release())


def _ends_of_lines(descriptor: int, size: int, dialect: Dialect, extent: Extent) -> LogEnds:
    begin = os.pread(descriptor, extent.size, 0)
    encoding = wide_encoding(begin)
    first = list(islice(_rows(as_utf8(begin), dialect), extent.rows))
    if size <= len(begin) and len(first) != extent.rows:
        return _all_of(first)

    def last(piece: int) -> Sequence[TrainingRow]:
        end = os.pread(descriptor, piece, max(size - piece, 0) & ~1)
        text = end.decode(encoding, "replace").encode() if encoding else end
        return list(_rows(text.partition(b"\n")[2], dialect))[1:]  # the first of these may lack its begin

    return LogEnds(first, _enough(last, extent))


def _enough(last: Callable[[int], Sequence[TrainingRow]], extent: Extent) -> Sequence[TrainingRow]:
    """The last rows. `last`: those in so many bytes of the end."""
    rows: Sequence[TrainingRow] = ()
    for piece in extent.last_pieces:
        rows = last(piece)
        if len(rows) >= LAST_ROWS:
            break
    return rows


def _rows_of_document(content: bytes, dialect: Dialect) -> Sequence[TrainingRow]:
    reader = dialect.reader(dialect.normaliser(), UNKNOWN)
    return list(_training_rows(reader.read(as_utf8(content))))


def _rows(text: bytes, dialect: Dialect) -> Iterator[TrainingRow]:
    reader = dialect.reader(dialect.normaliser(), UNKNOWN)
    *lines, half_line = text.split(b"\n")
    for line in (*lines, whole_part(half_line)):
        yield from _training_rows(reader.read(line))
    if isinstance(reader, HoldsRow):
        yield from _training_rows(reader.release())


def _training_rows(found: Iterable[Record | Skip]) -> Iterator[TrainingRow]:
    for record in found:
        if isinstance(record, Record) and record.kind is RowKind.TRAIN:
            series = record.layout.series
            values = {series[at]: record.values[at] for at in record.layout.identity}
            yield TrainingRow(record.step if record.placement is None else None, values)
