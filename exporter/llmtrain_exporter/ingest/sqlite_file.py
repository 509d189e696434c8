"""A SQLite database that somebody else writes: asked in a moment, and never changed.

Only what SQLite itself does for readers is done: with a write-ahead log no writer waits for one, and else for
the milliseconds of a query. Where that log is empty no lock is taken, and where it cannot be shared both are
copied; what was read is then believed if nobody has written meanwhile.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TypeVar
from urllib.parse import quote

from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.printable import printable

BUSY_SECONDS = 0.2
"""A query waits so long for a writer; then it is asked again with the next look."""

LARGEST_COPIED = 256 << 20
"""Bytes of a database and its write-ahead log."""

LOG = "-wal"
"""What is added to the path of a database for its write-ahead log's."""

MAGIC = b"SQLite format 3\0"
_WRITE_VERSION, _WITH_LOG = 18, 2  # offset in the header; with a write-ahead log
_ANSWERS_WITHIN = 50_000_000  # instructions of the database's machine: seconds

State = tuple[tuple[int, int, int], ...]
AnswerT = TypeVar("AnswerT")


class BusyError(OSError):
    """Somebody writes: to be asked again."""


class StoreError(OSError):
    """It is no database, or a broken one."""


def state_of(path: str) -> State:
    """What changes with each write, of the database and its write-ahead log. Raises OSError."""
    found = [os.stat(path)]
    with suppress(FileNotFoundError):
        found.append(os.stat(path + LOG))
    return tuple((state.st_ino, state.st_size, state.st_mtime_ns) for state in found)


def is_database(path: str) -> bool:
    """Whether a file begins as a SQLite database does. Raises OSError."""
    return _header(path).startswith(MAGIC)


def ask(path: str, question: Callable[[sqlite3.Connection], AnswerT]) -> AnswerT:
    """What `question` gets of a database that is only read. Raises BusyError, StoreError, OSError."""
    logged = _header(path)[_WRITE_VERSION : _WRITE_VERSION + 1] == bytes((_WITH_LOG,))
    if logged and not _size(path + LOG):
        return _ask_unlocked(path, question)
    if logged and not os.path.exists(path + "-shm"):  # whoever opens it makes that
        return _ask_copy(path, question)
    try:
        return _ask(path, "mode=ro", question)
    except StoreError as error:
        if error.errno != errno.EACCES:
            raise
        return _ask_copy(path, question) if logged else _ask_unlocked(path, question)


def _header(path: str) -> bytes:
    return read_part(path, 100)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _ask_unlocked(path: str, question: Callable[[sqlite3.Connection], AnswerT]) -> AnswerT:
    with _undisturbed(path):
        return _ask(path, "immutable=1", question)


def _ask_copy(path: str, question: Callable[[sqlite3.Connection], AnswerT]) -> AnswerT:
    from tempfile import TemporaryDirectory  # loads what makes random numbers; hardly any store is copied

    if _size(path) + _size(path + LOG) > LARGEST_COPIED:
        raise StoreError(errno.EFBIG, "SQLite: its write-ahead log cannot be shared, nor copied", path)
    with _undisturbed(path), TemporaryDirectory() as folder:
        copied = os.path.join(folder, "copy")
        for end in ("", LOG):
            shutil.copyfile(path + end, copied + end)
        return _ask(copied, "mode=rw", question)


@contextmanager
def _undisturbed(path: str) -> Iterator[None]:
    """Raises BusyError where somebody writes meanwhile, whatever else goes wrong by that."""
    before = state_of(path)
    try:
        yield
    except OSError as error:
        if state_of(path) != before:
            raise BusyError(errno.EAGAIN, "is being written", path) from error
        raise
    if state_of(path) != before:
        raise BusyError(errno.EAGAIN, "is being written", path)


def _ask(path: str, mode: str, question: Callable[[sqlite3.Connection], AnswerT]) -> AnswerT:
    with _explained(path), closing(_connect(path, mode)) as connection:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA trusted_schema = 0")
        connection.set_progress_handler(lambda: 1, _ANSWERS_WITHIN)
        return question(connection)


def _connect(path: str, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(path)}?{mode}", uri=True, timeout=BUSY_SECONDS)
    connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    return connection


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Errors of SQLite as the system's own; of a damaged database it cannot even tell some."""
    try:
        yield
    except (sqlite3.Error, UnicodeError) as error:
        reason = str(error)
        if any(word in reason for word in ("locked", "busy")):
            raise BusyError(errno.EAGAIN, "is being written", path) from error
        if "unable to open" in reason or "readonly" in reason:
            raise StoreError(errno.EACCES, f"SQLite: {printable(reason)}", path) from error
        raise StoreError(errno.EIO, f"SQLite: {printable(reason)}", path) from error
