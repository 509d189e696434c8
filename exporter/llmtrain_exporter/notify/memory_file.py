"""The relay's memory on disk: one SQLite file, so that a kill at any moment leaves what was written.

It holds digests and times: no address, no secret, no name of a run. A row is written before Alertmanager is
answered, for each bot as soon as that bot took the card. Before a card is sent a note says so. Who finds that
note after a restart knows that this one card may have arrived: it is sent again, and says so, for twice is
better than never.

Where the file cannot be written the relay goes on in memory, says so once, and tries again every minute. A
file of another version, or one that is damaged, is put aside as FILE.unreadable.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from anyio import CapacityLimiter, fail_after, to_thread

from llmtrain_exporter.notify.memory import KEEP_SECONDS, AlertState
from llmtrain_exporter.own_database import DatabaseLayout, ForeignFileError, opened_or_anew, transaction

PATIENCE_SECONDS = 3.0
"""A disk that takes longer hangs."""

RETRY_SECONDS = 60.0
MOST_PENDING = 200_000

_LAYOUT = DatabaseLayout(
    application=0x4C4C_4D52,
    version=1,
    tables="""
CREATE TABLE alerts (
    bot BLOB, alert BLOB, firing INTEGER, started REAL, ended REAL, asked REAL, run BLOB, rank INTEGER,
    PRIMARY KEY (bot, alert)
) WITHOUT ROWID;
CREATE TABLE attempts (bot BLOB, cards BLOB, at REAL, PRIMARY KEY (bot, cards)) WITHOUT ROWID;
""",
)

_TYPES = [int, float, float, float, bytes, int]

_STATES = "SELECT alert, firing, started, ended, asked, run, rank FROM alerts WHERE bot = ? ORDER BY asked"

log = logging.getLogger(__name__)

Change = tuple[str, tuple[object, ...]]
"""A statement and its values."""


class MemoryFile:
    """All bots' memory in one file. Owned by the event loop's thread; one worker at a time writes."""

    def __init__(
        self, path: Path | None, clock: Callable[[], float], watch: Callable[[bool], object]
    ) -> None:
        """`path` None: nothing is kept. `clock` never goes back; `watch` is told whether it is on disk."""
        self._path = path
        self._clock = clock
        self._watch = watch
        self._pending: dict[tuple[str, bytes, bytes], Change] = {}
        self._limiter = CapacityLimiter(1)
        self._busy = threading.Lock()  # held by a worker while it writes, also by one that was given up
        self._connection: sqlite3.Connection | None = None  # the worker's, once `states` were asked for
        self._retry_at = float("-inf")
        self._failing = False
        if path is not None:
            self._begin()

    def states(self, bot: bytes) -> Iterator[tuple[bytes, AlertState]]:
        """What that bot was told by alert, the longest untouched first."""
        for alert, *values in self._rows(_STATES, bot):
            if list(map(type, values)) == _TYPES:  # SQLite holds no column to its type
                yield alert, AlertState(bool(values[0]), *values[1:])

    def attempts(self, bot: bytes) -> Iterator[bytes]:
        """Groups of which a card was on its way when the relay was killed."""
        for (cards,) in self._rows("SELECT cards FROM attempts WHERE bot = ?", bot):
            yield cards

    def put(self, bot: bytes, alert: bytes, state: AlertState | None) -> None:
        """The bot was told this; None forgets it."""
        change: Change = ("DELETE FROM alerts WHERE bot = ? AND alert = ?", (bot, alert))
        if state is not None:
            values = (state.firing, state.started, state.ended, state.asked, state.run, state.rank)
            change = ("INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (bot, alert, *values))
        self._note(("alert", bot, alert), change)

    def attempt(self, bot: bytes, group: bytes, at: float | None) -> None:
        """A card of that group is on its way since `at`; None when it is known what came of it."""
        change: Change = ("DELETE FROM attempts WHERE bot = ? AND cards = ?", (bot, group))
        if at is not None:
            change = ("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)", (bot, group, at))
        self._note(("attempt", bot, group), change)

    async def flush(self) -> None:
        """Write what was put. Where that fails it stays noted, and is written with what comes later."""
        if not self._pending or self._clock() < self._retry_at:
            return
        changes, self._pending = self._pending, {}
        try:
            with fail_after(PATIENCE_SECONDS):
                await to_thread.run_sync(
                    self._write, list(changes.values()), limiter=self._limiter, abandon_on_cancel=True
                )
        except (sqlite3.Error, OSError) as error:  # TimeoutError is one
            self._pending = {**changes, **self._pending}
            self._failed(error)
        else:
            self._succeeded()

    def close(self) -> None:
        """Give the file back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin(self) -> None:
        try:
            self._connection = self._opened()
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
        else:
            self._succeeded()

    def _note(self, key: tuple[str, bytes, bytes], change: Change) -> None:
        if self._path is None:
            return
        self._pending[key] = change
        while len(self._pending) > MOST_PENDING:
            del self._pending[next(iter(self._pending))]

    def _rows(self, query: str, bot: bytes) -> Iterable[tuple]:  # type: ignore[type-arg]  # as stored
        connection = self._connection
        return () if connection is None else connection.execute(query, (bot,)).fetchall()

    def _write(self, changes: Iterable[Change]) -> None:
        """In a worker. Raises sqlite3.Error and OSError, after which the file is opened anew."""
        if not self._busy.acquire(blocking=False):
            raise OSError("the disk does not answer")
        try:
            if self._connection is None:
                self._connection = self._opened()
            with transaction(self._connection) as connection:
                for statement, values in changes:
                    connection.execute(statement, values)
        except sqlite3.Error:
            self.close()
            raise
        finally:
            self._busy.release()

    def _opened(self) -> sqlite3.Connection:
        assert self._path is not None
        return _connected(self._path)

    def _failed(self, error: Exception) -> None:
        self._retry_at = self._clock() + RETRY_SECONDS
        if not self._failing:
            log.warning(
                "What bots are told is not kept on disk: %s: %s. After a restart cards may come twice; check "
                "that the folder can be written and has room, or name another memory_file",
                self._path,
                str(error) or "the disk does not answer",
            )
        self._failing = True
        self._watch(False)

    def _succeeded(self) -> None:
        if self._failing:
            log.warning("What bots are told is kept on disk again: %s", self._path)
        self._failing, self._retry_at = False, float("-inf")
        self._watch(True)


def _connected(path: Path) -> sqlite3.Connection:
    def make_way(error: sqlite3.DatabaseError) -> None:
        _put_aside(path)
        aside = _aside(path).name
        log.warning(
            "What bots were told before is not known: %s is unreadable (%s). It is now called %s",
            path,
            error,
            aside,
        )

    return opened_or_anew(path, _LAYOUT, PATIENCE_SECONDS, _forget_old, make_way)


def _forget_old(connection: sqlite3.Connection) -> None:
    """Drop what bots that are gone were told. By the newest row, for the machine's clock may be wrong."""
    try:
        with transaction(connection):
            ((newest,),) = connection.execute("SELECT max(asked) FROM alerts WHERE typeof(asked) = 'real'")
            oldest = ((newest or 0.0) - 4 * KEEP_SECONDS,)
            connection.execute("DELETE FROM alerts WHERE asked < ?", oldest)
            connection.execute("DELETE FROM attempts WHERE at < ?", oldest)
            connection.execute(_STATES, (b"",))
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        raise ForeignFileError(str(error)) from None


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.unreadable")


def _put_aside(path: Path) -> None:
    os.replace(path, _aside(path))
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
