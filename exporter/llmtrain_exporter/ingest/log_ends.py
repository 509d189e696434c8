"""The first and the last rows of a log: whether two logs are of the same training."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from llmtrain_exporter.ingest.dialect import Dialect, HoldsRow, Shape
from llmtrain_exporter.ingest.encoding import as_utf8, wide_encoding
from llmtrain_exporter.ingest.file_series import fitting
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.framed import FrameSource
from llmtrain_exporter.ingest.frames import Frames
from llmtrain_exporter.ingest.framing import Framing
from llmtrain_exporter.ingest.half_line import whole_part
from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.ingest.schedule import UNKNOWN
from llmtrain_exporter.ingest.store import Store, first_rows
from llmtrain_exporter.ingest.tracked_rows import TrackedRun
from llmtrain_exporter.model import Record, RowKind, Series, Skip

END_BYTES = 32 << 10
"""Of a log of lines, at either end."""

LARGEST_DOCUMENT = 4 << 20  # bytes of one that is read only to compare it

MOST_READINGS = 64
"""Of a log of frames, only to compare it."""

ROWS_COMPARED = 20  # at either end
ROWS_ALIKE = 2  # as many, or all that there are, show that it is the same training
VALUES_ALIKE = 2  # of a row, zeros apart
DIGITS = 1e-3
"""Relative difference of a value that is the same: some print four digits of what others log whole."""

TrainingRow = Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class LogEnds:
    """The rows with which a log begins, and those with which it ends so far."""

    first: Sequence[TrainingRow]
    last: Sequence[TrainingRow]


NO_ROWS = LogEnds((), ())


def read_first(path: str, dialect: Dialect) -> TrainingRow:
    """The first row of a log of lines, of what is read of its begin; empty where there is none."""
    try:
        begin = read_part(path, END_BYTES)
    except OSError:
        return {}
    return next(_rows(as_utf8(begin), dialect), {})


def read_ends(path: str, dialect: Dialect, key: str = "") -> LogEnds:
    """The rows at both ends of a log; none of one that is too large or cannot be read.

    `key`: of a run in a store of several, below whose path it stands.
    """
    try:
        if dialect.framing is not None:
            return _ends_of_frames(path, dialect, dialect.framing)
        if dialect.store is not None:
            return _begin_of_stored(dialect.store(os.path.dirname(path) if key else path), key, dialect)
        if dialect.files_per_run:
            return _ends_of_series(path, dialect)
        descriptor, state = open_regular(path)
    except OSError:
        return NO_ROWS
    with open(descriptor, "rb") as file:
        try:
            if dialect.shape is Shape.LINES:
                return _ends_of_lines(file.fileno(), state.st_size, dialect)
            readable = dialect.shape is Shape.DOCUMENT and state.st_size <= LARGEST_DOCUMENT
            return _ends_of_document(file.read(), dialect) if readable else NO_ROWS
        except OSError:
            return NO_ROWS


def are_of_one_training(one: LogEnds, other: LogEnds) -> bool | None:
    """Whether two logs show the same rows, where both begin or where both end; None: one has no rows yet.

    A log that another process began, when the training was resumed, ends like the one that goes on.
    """
    if not (one.last and other.last):
        return None
    return _share_rows(one.first, other.first) or _share_rows(one.last, other.last)


def are_copies(one: LogEnds, other: LogEnds) -> bool:
    """Whether two logs show the same rows at both ends, as those of two programs that print one training.

    A training that was started again with the same seed begins in the same way, and ends elsewhere.
    """
    return _share_rows(one.first, other.first) and _share_rows(one.last, other.last)


def _ends_of_frames(path: str, dialect: Dialect, framing: Callable[[], Framing]) -> LogEnds:
    """A log of frames is read as it always is."""
    normaliser = dialect.normaliser()
    source = FrameSource(path, framing, lambda: dialect.reader(normaliser, UNKNOWN), patient=False)
    rows: list[TrainingRow] = []
    try:
        for _ in range(MOST_READINGS):
            reading = source.poll(0.0)
            rows += _training_rows(reading.records) if reading else ()
            if reading is None or not reading.more:
                break
    finally:
        source.close()
    return LogEnds(rows[:ROWS_COMPARED], rows[-ROWS_COMPARED:])


def _begin_of_stored(store: Store, key: str, dialect: Dialect) -> LogEnds:
    """A run in a store is known by its first rows: it goes on there, whichever process logs it."""
    run = TrackedRun(dialect.normaliser())
    rows = list(_training_rows(read for row in first_rows(store, key) for read in run.read(row)))
    return LogEnds(rows[:ROWS_COMPARED], rows[-ROWS_COMPARED:])


def _ends_of_series(path: str, dialect: Dialect) -> LogEnds:
    """Of a log in several files the first rows of the first one, and the last rows of the last one."""
    files = fitting(os.path.dirname(path), dialect.files)
    first, last = (_rows_of_records(file, dialect) for file in (files[0], files[-1]))
    return LogEnds(first[:ROWS_COMPARED], (last or first)[-ROWS_COMPARED:])


def _rows_of_records(path: str, dialect: Dialect) -> Sequence[TrainingRow]:
    content = read_part(path, LARGEST_DOCUMENT)
    reader = dialect.reader(dialect.normaliser(), UNKNOWN)
    found = [read for record in Frames(0, 0).take(content, 0, len(content)) for read in reader.read(record)]
    held = reader.release() if isinstance(reader, HoldsRow) else ()
    return list(_training_rows([*found, *held]))


def _ends_of_lines(descriptor: int, size: int, dialect: Dialect) -> LogEnds:
    begin = os.pread(descriptor, END_BYTES, 0)
    encoding = wide_encoding(begin)
    rows = _rows(as_utf8(begin), dialect)
    if size <= len(begin):
        first = list(rows)
        return LogEnds(first[:ROWS_COMPARED], first[-ROWS_COMPARED:])
    first = list(islice(rows, ROWS_COMPARED))
    end = os.pread(descriptor, END_BYTES, (size - END_BYTES) & ~1)
    text = end.decode(encoding, "replace").encode() if encoding else end
    last = list(_rows(text.partition(b"\n")[2], dialect))
    return LogEnds(first[:ROWS_COMPARED], (last or first)[-ROWS_COMPARED:])


def _ends_of_document(content: bytes, dialect: Dialect) -> LogEnds:
    reader = dialect.reader(dialect.normaliser(), UNKNOWN)
    rows = list(_training_rows(reader.read(as_utf8(content))))
    return LogEnds(rows[:ROWS_COMPARED], rows[-ROWS_COMPARED:])


def _rows(text: bytes, dialect: Dialect) -> Iterator[TrainingRow]:
    reader = dialect.reader(dialect.normaliser(), UNKNOWN)
    *lines, half_line = text.split(b"\n")
    for line in (*lines, whole_part(half_line)):
        yield from _training_rows(reader.read(line))


def _training_rows(found: Iterable[Record | Skip]) -> Iterator[TrainingRow]:
    for record in found:
        if isinstance(record, Record) and record.kind is RowKind.TRAIN:
            columns = record.layout.identity
            yield {record.layout.series[at]: record.values[at] for at in columns}


def _share_rows(some: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> bool:
    wanted = min(ROWS_ALIKE, len(some), len(others))
    alike = (row for row in some if any(_is_alike(row, other) for other in others))
    return 0 < wanted == sum(1 for _ in islice(alike, wanted))


def _is_alike(one: TrainingRow, other: TrainingRow) -> bool:
    shared = [(one[name], other[name]) for name in one.keys() & other.keys()]
    telling = sum(value != 0 and math.isfinite(value) for value, _ in shared)
    return telling >= VALUES_ALIKE and all(_is_same(*pair) for pair in shared)


def _is_same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=DIGITS, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))
