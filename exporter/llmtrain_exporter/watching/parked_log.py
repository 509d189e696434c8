"""A log that was read to its end, without all that reads it: enough to notice that it goes on."""

from __future__ import annotations

import os
from collections.abc import Sequence

from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.ingest.follow import Follower, begins_with
from llmtrain_exporter.ingest.lines import Lines
from llmtrain_exporter.ingest.reading import Held, Reading, Source
from llmtrain_exporter.ingest.source import completing
from llmtrain_exporter.model import Record

FileState = tuple[int, int, int, int]
"""What tells a file from what it was before: device, inode, bytes, st_mtime_ns."""


class ParkedLog:
    """The source of a run that is over. What it brings is void: who gets anything reads the log anew."""

    __slots__ = ("_fingerprint", "_follower", "_others", "_seen", "_state", "path")

    def __init__(
        self,
        path: str,
        state: FileState,
        fingerprint: Fingerprint,
        others: Sequence[tuple[str, FileState | None]] = (),
    ) -> None:
        """`state`: of the file, all of which was read and is in the fingerprint. `others`: read with it."""
        self.path = path
        self._state = self._seen = state
        self._fingerprint = fingerprint
        self._others = tuple(others)
        self._follower: Follower | None = None  # while it is not clear what stands there

    @property
    def state(self) -> FileState:
        """That of the file when all of it was read."""
        return self._state

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, for people."""
        return None if self._follower is None else self._follower.error

    @property
    def place(self) -> None:
        """Nothing is open."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Of what was read."""
        return self._fingerprint

    def begins_with(self, fingerprint: Fingerprint) -> bool:
        """Whether the log begins with what this is of. Compares all of it. Raises OSError."""
        return begins_with(self.path, fingerprint)

    def grown(self) -> bool:
        """Whether a look may bring something: a stat of each file."""
        if self._follower is not None or any(state_of(path) != state for path, state in self._others):
            return True
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            return True
        seen = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
        if seen == self._state:  # and two of equal ones are not kept
            self._seen = self._state
            return False
        self._seen = seen
        return True

    def check(self, now: float) -> None:
        """Nothing is open that could be another file than the one at the path."""

    def poll(self, now: float) -> Reading | None:
        """Something empty where there is more in the log, or another log. `now`: monotonic seconds."""
        if any(state_of(path) != state for path, state in self._others):
            return _SOMETHING
        if self._follower is None:
            self._follower = Follower(self.path, self._lines)
            self._follower.identity = self._state[:2]  # else it would take any file for its log
        if self._follower.poll(now) is not None:
            return _SOMETHING
        if self._follower.opened:  # it is the same text, touched or copied
            self._state = self._seen
            self.close()
        return None

    def park(self) -> None:
        """It is parked."""

    def close(self) -> None:
        """Give back everything."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    @property
    def wait(self) -> None:
        """No row is held: all was read."""

    def note_silence(self, seconds: float) -> None:
        """Nobody waits for it."""

    def rest(self) -> Held:
        """There is none: all of it was read."""
        records: list[Record] = []
        return records, ()

    def _lines(self, max_line: int, patience: int) -> Lines:
        """Those of a file that has to begin with what was read, and is read on from there."""
        lines = Lines(max_line, patience)
        lines.fingerprint = self._fingerprint.copy()
        lines.offset = self._fingerprint.end
        return lines


_SOMETHING = Reading([], {}, 0.0, restarted=False, more=False, size=0)


def state_of(path: str) -> FileState | None:
    """That of a file as it is now; None where there is none, or none that can be looked at."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # a name with a NUL
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def parked_log(found: Found, source: Source) -> ParkedLog | None:
    """A log of whole lines that was read to its end; None of any other: its source knows it again."""
    fingerprint = source.fingerprint
    if fingerprint is None or fingerprint.start or found.parts or found.key or found.dialect.kept_by_tracker:
        return None
    return parked_at(found, fingerprint.copy())


def parked_at(found: Found, fingerprint: Fingerprint) -> ParkedLog | None:
    """A log all of whose text is in the fingerprint; None where that is not all that stands there by now."""
    state = state_of(found.path)
    if state is None or state[2] != fingerprint.end:  # half a line stands at its end, or more by now
        return None
    beside = completing(found)
    others = [] if beside is None else [(beside, state_of(beside))]
    return ParkedLog(found.path, state, fingerprint, others)
