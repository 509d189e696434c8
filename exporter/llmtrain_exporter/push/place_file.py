"""On disk: up to where one server has each log, so that a restart sends nothing twice and forgets nothing.

One SQLite file for each server, so that a kill at any moment leaves what was written. It holds digests,
numbers and times: no name of a run, no address. Before records are sent their times are noted: who is killed
before the server's answer sends the same records with the same times, whatever their log says of times then.

Where the file cannot be written, sending goes on, and a restart sends again. A file of another version, or
one that is damaged, is thrown away: sending again is harmless.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import chain
from pathlib import Path

import orjson

from llmtrain_exporter.own_database import DatabaseLayout, opened_or_anew, throw_away, transaction
from llmtrain_exporter.push.place import NOWHERE, Place

FORGET_SECONDS = 90 * 86400.0
"""A log of which nothing was sent for so long is forgotten."""

RETRY_SECONDS = 60.0
PATIENCE_SECONDS = 1.0

_ALL = "SELECT * FROM places"

_LAYOUT = DatabaseLayout(
    application=0x4C4C_4D48,
    version=1,
    tables="""
CREATE TABLE places (
    run BLOB PRIMARY KEY, record INTEGER, time_ms INTEGER, read_to INTEGER, first_too_old INTEGER,
    last_too_old INTEGER, digests TEXT, under_way TEXT, noted REAL
) WITHOUT ROWID;
""",
)

log = logging.getLogger(__name__)


class PlaceFile:
    """The places of one server's runs. Belongs to one thread at a time."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        """`path` None: nothing is kept. `clock`: Unix time."""
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._places: dict[bytes, Place] = {}
        self._retry_at = float("-inf")
        self._is_failing = False
        if path is not None:
            self._try(self._read)

    @property
    def is_kept(self) -> bool:
        """Whether what is noted is on disk."""
        return self._connection is not None

    def place_of(self, run: str) -> Place:
        """Up to where the server had that run's log when this program began."""
        return self._places.pop(_key(run), NOWHERE)

    def note(self, places: Mapping[str, Place]) -> None:
        """Write these places, by run."""
        if self._path is None or (self._connection is None and self._clock() < self._retry_at):
            return
        rows = [(_key(run), *_row(place), self._clock()) for run, place in places.items()]
        self._try(lambda: self._write(rows))

    def close(self) -> None:
        """Give the file back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self) -> None:
        self._places = dict(_stored(self._opened()))

    def _write(self, rows: Iterable[tuple[object, ...]]) -> None:
        with transaction(self._opened()) as connection:
            connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (sqlite3.Error, OSError, ValueError) as error:
            self.close()
            self._retry_at = self._clock() + RETRY_SECONDS
            if not self._is_failing:
                log.warning(
                    "What of the history was sent is not kept on disk: %s: %s. After a restart it is sent "
                    "again; check that the folder can be written, has room and belongs to one exporter "
                    "alone, or name another --state-dir",
                    self._path,
                    error,
                )
            self._is_failing = True
        else:
            self._is_failing = False

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            assert self._path is not None
            self._connection = _connected(self._path, self._clock())
        return self._connection


def _key(run: str) -> bytes:
    return blake2b(run.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _row(place: Place) -> tuple[int | str, ...]:
    lists = (orjson.dumps(list(each.items())).decode() for each in (place.digests, place.under_way))
    return (place.record, place.time_ms, place.read_to, *place.too_old, *lists)


def _stored(connection: sqlite3.Connection) -> Iterator[tuple[bytes, Place]]:
    """What can be understood; the rest is as if it were not there."""
    for run, record, time_ms, read_to, first, last, digests, under_way, noted in connection.execute(_ALL):
        try:
            known, times = dict(orjson.loads(digests)), dict(orjson.loads(under_way))
        except (ValueError, TypeError):
            continue
        numbers = chain((record, time_ms, read_to, first, last), known, known.values(), times, times.values())
        # SQLite holds no column to its type.
        if all(type(number) is int for number in numbers) and type(noted) is float:
            yield run, Place(record, time_ms, read_to, known, times, (first, last), noted)


def _connected(path: Path, now: float) -> sqlite3.Connection:
    def forget_old(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            connection.execute("DELETE FROM places WHERE noted < ?", (now - FORGET_SECONDS,))
        os.chmod(path, 0o600)

    def make_way(error: sqlite3.DatabaseError) -> None:
        log.warning("What of the history was sent is not known, and it is sent again: %s: %s", path, error)
        throw_away(path)

    return opened_or_anew(path, _LAYOUT, PATIENCE_SECONDS, forget_old, make_way)
