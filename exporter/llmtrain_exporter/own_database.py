"""A SQLite file that one program has to itself: checked when opened, changed as a whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path


class ForeignFileError(sqlite3.DatabaseError):
    """A database, but not this program's, or of another version, or damaged."""


@dataclass(frozen=True, slots=True)
class DatabaseLayout:
    """What such a file holds: the numbers in its head, and the statements that make its tables."""

    application: int
    version: int
    tables: str


def opened(
    path: Path, layout: DatabaseLayout, patience: float, begin: Callable[[sqlite3.Connection], None]
) -> sqlite3.Connection:
    """The file, made where it is not there, for its owner alone.

    `patience`: seconds to wait for who has it. `begin`: what is done before anybody else has it. Raises
    OSError and OperationalError for the disk's trouble, another DatabaseError for the file's own.
    """
    created = not path.exists()
    if not created and not path.is_file():
        raise OSError("it is no file")
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        if created:
            os.chmod(path, 0o600)
        # One program alone may use it; and so no shared memory is needed, which network file systems lack.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check(connection, layout)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        begin(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def opened_or_anew(
    path: Path,
    layout: DatabaseLayout,
    patience: float,
    begin: Callable[[sqlite3.Connection], None],
    make_way: Callable[[sqlite3.DatabaseError], object],
) -> sqlite3.Connection:
    """The same, in a folder that is made where it is not there.

    `make_way`: what is done with a file that is damaged, or of another program, before another one is made;
    it is told which of both.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return opened(path, layout, patience, begin)
    except sqlite3.OperationalError:
        raise  # the disk's trouble, or another program has it
    except sqlite3.DatabaseError as error:
        make_way(error)
        return opened(path, layout, patience, begin)


def throw_away(path: Path) -> None:
    """Delete the file and what SQLite keeps beside it. Raises OSError."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """What is done within is done as a whole, or not at all."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            cursor.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has ended it already
                cursor.execute("ROLLBACK")
            raise


def _check(connection: sqlite3.Connection, layout: DatabaseLayout) -> None:
    ((version,),) = connection.execute("PRAGMA user_version")
    ((application,),) = connection.execute("PRAGMA application_id")
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    if not (version or application or tables):
        head = f"PRAGMA application_id = {layout.application}; PRAGMA user_version = {layout.version};"
        connection.executescript(f"BEGIN IMMEDIATE; {head} {layout.tables} COMMIT;")
        return
    if (application, version) != (layout.application, layout.version):
        raise ForeignFileError("it is of another version or another program")
    ((state,),) = connection.execute("PRAGMA quick_check(1)")
    if state != "ok":
        raise ForeignFileError(f"it is damaged: {state}")
