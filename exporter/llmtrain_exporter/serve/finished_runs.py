"""On disk: runs that are over, so that a restart reads none of their logs again.

One SQLite file in the state folder. What it says of a run is taken only while log, settings and program are
the same as when it was written: beside each run stands a digest of all of that. Where one of these is another
the log is read, and its counters go on from those that are kept, which Prometheus still has. To delete the
file is harmless; where it cannot be written, all logs are read at each start.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from llmtrain_exporter import __version__
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.arguments import argument_paths
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.own_database import DatabaseLayout, opened_or_anew, throw_away, transaction
from llmtrain_exporter.serve.kept_run import KeptRun, PackedRun, WrongDataError, unpacked_run
from llmtrain_exporter.watching.predecessor import Predecessor

FILE = "finished-runs.sqlite"

FORGET_SECONDS = 90 * 86400.0
"""A run that no start has met for so long is forgotten."""

PATIENCE_SECONDS = 0.2
RETRY_SECONDS = 60.0
WRITTEN_TOGETHER = 200
"""Runs that are written at once; the last ones are written with `flush`."""

NO_PROOF = b""
"""Of a run of which the counters alone are taken."""

PROVED_BYTES = 4096
"""Of the begin and of the end of a log: with number, size and times of its file they tell it from others."""

_LAYOUT = DatabaseLayout(
    application=0x4C4C_4652,
    version=2,
    tables="""
CREATE TABLE layouts (digest BLOB PRIMARY KEY, series BLOB) WITHOUT ROWID;
CREATE TABLE runs (
    log BLOB PRIMARY KEY, proof BLOB, facts BLOB, layout BLOB, numbers BLOB, seal BLOB, met REAL
);
""",
)

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


class FinishedRuns:
    """The file. From any thread; nothing of it raises."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        """`path` None: nothing is kept. `clock`: Unix time."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()  # guards all below
        self._connection: sqlite3.Connection | None = None
        self._retry_at = float("-inf")
        self._failing = False
        self._met: list[bytes] = []  # logs of which was found what is kept
        self._waiting: dict[bytes, tuple[bytes, PackedRun]] = {}  # to be written: by log, its proof and run

    def find(self, found: Found, settings: Settings, options: RunOptions) -> KeptRun | Predecessor | None:
        """What is kept of the run of that log, judged so; what was counted where that is another by now.

        None where nothing is kept.
        """
        if self._path is None:
            return None
        key = _key(found)
        with self._lock:
            row = self._try(lambda connection: _row(connection, key))
            if row is None:
                return None
            self._met.append(key)
        proof, packed = row
        try:
            kept = unpacked_run(packed)
        except WrongDataError:
            log.debug("%s: what is kept of it is wrong", found.path, exc_info=True)
            return None
        is_so = proof != NO_PROOF and proof == proof_of(found, settings, options)
        return kept if is_so else kept.before

    def note(
        self, found: Found, settings: Settings, options: RunOptions, packed: PackedRun, began: float
    ) -> None:
        """Keep the run of that log, which was begun to be read at a Unix time."""
        if self._path is not None:
            self._keep(found, proof_of(found, settings, options, began) or NO_PROOF, packed)

    def note_counters(self, found: Found, packed: PackedRun) -> None:
        """Keep what was counted of a run that goes on, or that its log alone does not tell."""
        if self._path is not None:
            self._keep(found, NO_PROOF, packed)

    def _keep(self, found: Found, proof: bytes, packed: PackedRun) -> None:
        with self._lock:
            self._waiting[_key(found)] = proof, packed
        if len(self._waiting) >= WRITTEN_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            waiting, met = self._waiting, self._met
            if (waiting or met) and self._path is not None:
                self._waiting, self._met = {}, []
                self._try(lambda connection: _write(connection, waiting, met, self._clock()))

    def close(self) -> None:
        """Write what waits, and give the file back."""
        self.flush()
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _try(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT | None:
        if self._connection is None and self._clock() < self._retry_at:
            return None
        try:
            found = work(self._opened())
        except (sqlite3.Error, OSError) as error:
            self._close()
            self._retry_at = self._clock() + RETRY_SECONDS
            log.log(
                logging.DEBUG if self._failing else logging.INFO,
                "Finished runs are not kept on disk, and their logs are read at each start: %s: %s",
                self._path,
                error,
            )
            self._failing = True
            return None
        self._failing = False
        return found

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            assert self._path is not None
            self._connection = _connected(self._path, self._clock())
        return self._connection


def proof_of(
    found: Found, settings: Settings, options: RunOptions, began: float | None = None
) -> bytes | None:
    """A digest of all that the state of a run follows from: program, settings, log, what lies beside that.

    None where that cannot be told, or a file was written to since `began`, Unix time.
    """
    digest = blake2b(digest_size=16)
    digest.update(
        f"{_program()} {_judging(settings)} {options.profile} {sorted(options.labels.items())}".encode()
    )
    digest.update(f"{found.dialect.name} {found.key} {found.parts}".encode(errors="surrogatepass"))
    try:
        for path in (
            *found.extra,
            *argument_paths(os.path.dirname(found.path), found.dialect.argument_files),
        ):
            state = _state(path)
            if began is not None and state is not None and state[2] > began * 1e9:
                return None
            digest.update(f"{path} {state} ".encode(errors="surrogatepass"))
        digest.update(_text(found.path))
    except (OSError, ValueError):
        return None
    return digest.digest()


def _text(path: str) -> bytes:
    descriptor, state = open_regular(path)
    try:
        size = state.st_size
        begin = os.pread(descriptor, PROVED_BYTES, 0)
        end = os.pread(descriptor, PROVED_BYTES, max(size - PROVED_BYTES, 0))
    finally:
        os.close(descriptor)
    return f"{_identity(state)} ".encode() + begin + end


def _state(path: str) -> tuple[int, int, int, int] | None:
    try:
        return _identity(os.stat(path))
    except FileNotFoundError:
        return None


def _identity(state: os.stat_result) -> tuple[int, int, int, int]:
    """What tells a file from what it was: a time of writing can be set, that of a change cannot."""
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _judging(settings: Settings) -> str:
    """What the settings say of how all runs are judged."""
    return repr(
        (
            settings.profiles,
            settings.logging_steps,
            settings.stdout_log,
            settings.max_other_keys,
            settings.max_reward_functions,
        )
    )


@cache
def _program() -> str:
    """This very program: its version, and its files where somebody changes them."""
    folder = Path(__file__).parent.parent
    files = sorted(folder.rglob("*.py"))
    states = [(str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    digest = blake2b(repr(states).encode(), digest_size=16).hexdigest()
    return f"{__version__} {digest} {sys.version} {sys.byteorder}"


def _key(found: Found) -> bytes:
    text = f"{found.path} {found.key}"
    return _digest(text.encode("utf-8", "surrogatepass"))


def _row(connection: sqlite3.Connection, key: bytes) -> tuple[bytes, PackedRun] | None:
    columns = "proof, facts, series, numbers, seal"
    asked = f"SELECT {columns} FROM runs JOIN layouts ON layout = digest WHERE log = ?"  # noqa: S608
    row = connection.execute(asked, (key,)).fetchone()
    # SQLite holds no column to its type, and looks at no content of one.
    if row is None or not all(type(each) is bytes for each in row):
        return None
    proof, *parts, seal = row
    packed = PackedRun(*parts)
    return (proof, packed) if seal == _seal(proof, packed) else None


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def _seal(proof: bytes, run: PackedRun) -> bytes:
    """What tells the bytes that were written from others: a number that has changed is one all the same."""
    return _digest(b"".join(map(_digest, (proof, *run))))


def _write(
    connection: sqlite3.Connection,
    waiting: dict[bytes, tuple[bytes, PackedRun]],
    met: list[bytes],
    now: float,
) -> None:
    with transaction(connection):
        connection.executemany("UPDATE runs SET met = ? WHERE log = ?", [(now, key) for key in met])
        layouts = {run.layout: _digest(run.layout) for _, run in waiting.values()}
        # Also one that is there by its digest: its bytes may be damaged.
        anew = "INSERT OR REPLACE INTO layouts (series, digest) VALUES (?, ?)"
        connection.executemany(anew, layouts.items())
        for key, (proof, run) in waiting.items():
            digest = layouts[run.layout]
            row = key, proof, run.facts, digest, run.numbers, _seal(proof, run), now
            connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _connected(path: Path, now: float) -> sqlite3.Connection:
    def forget_old(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            connection.execute("DELETE FROM runs WHERE met < ?", (now - FORGET_SECONDS,))
            connection.execute("DELETE FROM layouts WHERE digest NOT IN (SELECT layout FROM runs)")
        os.chmod(path, 0o600)

    def make_way(error: sqlite3.DatabaseError) -> None:
        log.info("What was kept of finished runs is thrown away: %s: %s", path, error)
        throw_away(path)

    return opened_or_anew(path, _LAYOUT, PATIENCE_SECONDS, forget_old, make_way)
