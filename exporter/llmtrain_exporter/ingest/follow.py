"""A growing file to whole lines, and nothing else: no clock, no parsing, no discovery.

When to look is for others to say (`serve/quiet_logs.py`). Bytes are consumed once, in order; a line is
handed on when its end has been written. A file that begins with all that was read is the same log, whatever
its number; any other is another log, and its reader starts anew. `docs/following.md` has the whole table.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from llmtrain_exporter.ingest.fingerprint import Fingerprint, Likeness, Suspect, next_data, stands_in
from llmtrain_exporter.ingest.frames import Units
from llmtrain_exporter.ingest.lines import Lines
from llmtrain_exporter.ingest.patience import Past, Patience, Trust
from llmtrain_exporter.ingest.readable import demand_regular, explain
from llmtrain_exporter.printable import printable

QUIET_POLLS, QUIET_SECONDS = 2, 0.5  # a replaced file is left after so many quiet polls, so far apart
DRAIN_SECONDS = 30.0  # ... or after this, when its writer never rests: the new file must not starve
NUL_POLLS, NUL_SECONDS = 3, 0.5  # NULs over NFS can be data on the way: look again so often, so far apart
SHORT_SECONDS = 1.0  # a shorter file may be a copy on its way: so long without growth, it is another log
SHORT_SIGHT = 0.5  # seconds between two looks at what is not whole
BULK = 16 << 10  # bytes that no trainer writes between two looks: a copy is on its way
MEETING_SECONDS = 2.0  # so soon after another log was met, and after each bulk of it
COMPARED_PER_SECOND = 128 << 10  # bytes, on average, where each look shows another inode
CHUNK, CAP = 1 << 17, 64 << 20  # bytes that are read at once, and of the longest line
HOLE = 1 << 20  # bytes without data on disk that are worth asking the file system for
BACK_OFF_SECONDS = (0.5, 30.0)  # after an error: the first wait, doubled each time, up to the last

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_NOTHING: Mapping[str, int] = MappingProxyType({})


class Batch(NamedTuple):
    """What one poll found. `lines` can be empty: a long line is on its way, or something was dropped."""

    lines: list[bytes]  # whole lines without their "\n", or the data of records
    modified: float  # st_mtime of the file that they were read from, seconds since the epoch
    restarted: bool  # another log stands there with these lines: whoever folds them starts anew
    past: bool  # that log had them when it was met: they are history, not news
    more: bool  # unread bytes remain: poll again at once
    dropped: Mapping[str, int]  # how often text was not handed on, by reason


def open_regular(path: str) -> tuple[int, os.stat_result]:
    """A descriptor for reading, and its fstat. Raises OSError; never waits for a pipe's other end."""
    demand_regular(os.stat(path).st_mode, path)  # before: to open a pipe or a device can have effects
    fd = os.open(path, _FLAGS)
    try:
        state = os.fstat(fd)
        demand_regular(state.st_mode, path)  # after: the path may have changed hands in between
    except OSError:
        os.close(fd)
        raise
    return fd, state


def begins_with(path: str, fingerprint: Fingerprint) -> bool:
    """Whether that file begins with what this is of. Compares all of it. Raises OSError."""
    descriptor, _ = open_regular(path)
    try:
        return stands_in(descriptor, fingerprint)
    finally:
        os.close(descriptor)


class Follower:
    """One owner of one log: its descriptor, and whether what stands there is still the log that it was.

    The loop asks `grown()` often and `check_path()` every few seconds, and calls `poll()` when `grown()` says
    so. `poll()` alone is enough too, at a higher price. Nothing here raises OSError: see `error`.
    """

    def __init__(
        self, path: str, units: Units = Lines, chunk: int = CHUNK, max_line: int = CAP, patient: bool = True
    ) -> None:
        """`chunk`, `max_line`: bytes. `patient` False: nobody writes any more, and nothing is waited for."""
        self.path = path
        self.identity: tuple[int, int] | None = None  # (device, inode) of the file opened last
        self.generation = 0  # how often the lines began anew
        self.error: str | None = None  # the last I/O error that still stands, for people
        self._chunk = min(chunk, max_line)  # so that only a line across two chunks can pass the cap
        self._patient = patient  # with what may be on its way
        self._lines = units(max_line, NUL_POLLS if patient else 0)
        self._fd: int | None = None
        self._suspect: Suspect | None = None  # what is being compared; its descriptor can be the open one
        self._parked: tuple[int, int, int, int] | None = None  # device, inode, size, st_mtime_ns
        self._modified_ns = -1  # st_mtime_ns when the file was read last
        self._due = True  # poll even though the size says that there is nothing new
        self._restarted = False  # to be told with the next batch
        self._past = Past(BULK, MEETING_SECONDS)
        self._patience = Patience(QUIET_POLLS, DRAIN_SECONDS, SHORT_SECONDS)
        self._trust = Trust()
        self._compared_to = -1  # offset up to which all was compared last
        self._wake = float("-inf")  # no poll before
        self._failures = 0  # in a row

    @property
    def offset(self) -> int:
        """Bytes consumed, the unfinished line included."""
        return self._lines.offset

    @property
    def fingerprint(self) -> Fingerprint:
        """Of what was consumed, without the unfinished line."""
        return self._lines.fingerprint

    @property
    def place(self) -> tuple[int, int] | None:
        """The open descriptor and the bytes consumed, while only a change of its size can bring something."""
        return None if self._fd is None or self._due else (self._fd, self._lines.offset)

    @property
    def opened(self) -> bool:
        """Whether this follower holds a descriptor."""
        return self._fd is not None

    @property
    def unfinished(self) -> bytes:
        """The half line at the end: a line after all for whoever knows that nobody writes any more."""
        return self._lines.unfinished

    def grown(self) -> bool:
        """Whether a poll may find something: one lseek (a stat when parked). True also when not open."""
        if self._fd is None:
            return self._parked is None or self._stirred()
        try:
            return self._due or os.lseek(self._fd, 0, os.SEEK_END) != self._lines.offset
        except OSError:
            return True

    def check_path(self, now: float) -> bool:
        """Whether the path names another file than the open one: one stat. A missing path changes nothing.

        To be called every few seconds: it also notices a file rewritten to the same size, and makes a network
        file system look the size up, which lseek alone does not.
        """
        patience = self._patience
        if self._fd is None or patience.since is not None:
            return patience.since is not None
        try:
            there = os.stat(self.path)
        except InterruptedError:
            return False
        except OSError as error:
            self._tell(error)
            return False
        if (there.st_dev, there.st_ino) == self.identity:
            self.error = None
        else:
            patience.begin(now)
        self._due = self._due or patience.since is not None or there.st_mtime_ns != self._modified_ns
        self._pay_debt(now)
        return patience.since is not None

    def poll(self, now: float) -> Batch | None:
        """Reads at most `chunk` bytes; None when there is nothing new. `now`: monotonic seconds."""
        if now < self._wake or not (self._parked is None or self.grown()):
            return None
        try:
            batch = self._look(now)
        except InterruptedError:  # of file systems in user space; nothing is known, so it is asked again
            self._due = True
            return None
        except OSError as error:
            self._release()
            self._back_off(error, now)
            return None
        self._failures = 0
        return batch

    def park(self) -> None:
        """Gives the descriptor back and remembers the place: `poll` reopens the file when it has changed.

        What is written to a file after it was parked and before it was replaced cannot be read any more.
        """
        if self._fd is not None and self.identity is not None:
            self._parked = (*self.identity, self._lines.offset, self._modified_ns)
            self._release()

    def close(self) -> None:
        """Gives the descriptor back."""
        self._release()

    def _stirred(self) -> bool:
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return (there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns) != self._parked

    def _look(self, now: float) -> Batch | None:
        if self._fd is None and self._suspect is None:
            self._open(now)
        for _ in range(2):  # what is doubtful again once it was decided is looked at with the next poll
            if self._suspect is not None and not self._decide(now):
                break
            if self._fd is None:
                return None
            batch = self._read(self._fd, now)
            if self._suspect is None:
                self._after(batch, now)
                return batch
        self._due = True
        if self._suspect is None and self._fd is not None:  # in place there is less than was read, for now
            self._reached_end(True, now)
        return None

    def _open(self, now: float) -> None:
        """Open what the path names. It is the log itself, or it becomes a suspect. Raises OSError."""
        fd, state = open_regular(self.path)
        identity, known = (state.st_dev, state.st_ino), self._lines.fingerprint
        self._due = True
        if self._fd is not None and identity == self.identity:  # moved away and back
            os.close(fd)
            self._patience.since = None
            return
        self._suspect = suspect = Suspect(fd, identity, known.start)
        # A number is only proof while its file is open. Of many parked logs not each can be compared at each
        # row, so there it is believed, and the next read looks at the tail.
        numbered = self._parked is not None and identity == self.identity
        if numbered or self.identity is None or self._passes(fd, state, now):
            self._take_over(suspect)

    def _passes(self, fd: int, state: os.stat_result, now: float) -> bool:
        """Whether a file with another number need not be compared now."""
        lines = self._lines
        unchanged = (state.st_size, state.st_mtime_ns) == (lines.offset, self._modified_ns)
        end, mark = lines.fingerprint.end, lines.mark
        if not unchanged and (state.st_size < end or not self._trust.holds(now) or self._is_steady(state)):
            return False
        passes = os.pread(fd, len(mark), end - len(mark)) == mark
        self._trust.owed = self._trust.owed or (passes and not unchanged)
        return passes

    def _is_steady(self, opened: os.stat_result) -> bool:
        """Whether the path shows the number that the file had when it was opened just now."""
        there = os.stat(self.path)
        return (there.st_dev, there.st_ino) == (opened.st_dev, opened.st_ino)

    def _pay_debt(self, now: float) -> None:
        trust = self._trust
        if trust.owed and self._fd is not None and self._suspect is None and not trust.holds(now):
            self._suspect = Suspect(self._fd, self.identity, self._lines.fingerprint.start)
            self._due = True

    def _decide(self, now: float) -> bool:
        """Whether it is clear by now which log the suspect is; then that is the one to read on in."""
        suspect, known = self._suspect, self._lines.fingerprint
        if suspect is None:
            return True
        verdict = suspect.compare(known)
        if verdict is Likeness.UNDECIDED:
            return False
        if verdict is Likeness.SAME:
            self._trust.compared(known.length, COMPARED_PER_SECOND, now)
            self._take_over(suspect)
            self._compared_to = self._lines.offset
            return True
        self._past.see(suspect.identity, suspect.size)
        in_place = suspect.descriptor == self._fd
        if not self._patient or self._patience.ends(verdict, suspect.size, in_place, now):
            self._take_over(suspect)
            self._restart(now)
            return True
        if in_place:
            self._patience.doubtful = suspect.size > 0
        self._acquit()
        if self._patience.since is None and (suspect.size or not in_place):
            self._wake = now + SHORT_SIGHT
        return False

    def _take_over(self, suspect: Suspect) -> None:
        """Read on in this file; the half line is read again."""
        if suspect.descriptor != self._fd:
            self._shut()
            self._fd, self.identity = suspect.descriptor, suspect.identity
        self._lines.rewind()
        self._patience.forget()
        self._suspect = self._parked = self.error = None
        self._due = True
        self._wake = float("-inf")

    def _acquit(self) -> None:
        """Compare no longer."""
        suspect, self._suspect = self._suspect, None
        if suspect is not None and suspect.descriptor != self._fd:
            _close(suspect.descriptor)

    def _release(self) -> None:
        """The partial line lives with the descriptor: without that, it has to be read again."""
        self._acquit()
        self._shut()
        self._fd = None
        self._patience.end()
        self._lines.rewind()

    def _shut(self) -> None:
        if self._fd is not None:
            _close(self._fd)

    def _restart(self, now: float) -> None:
        self._lines.begin()
        self._trust.owed = False
        self.generation += 1
        self._restarted = True
        self._past.meet(now)

    def _read(self, fd: int, now: float) -> Batch | None:
        """What follows on what was read. Where that stands there no longer, the file becomes a suspect."""
        state, lines = os.fstat(fd), self._lines
        tail, start = lines.tail, lines.offset
        size = min(self._chunk, state.st_size - start, self._past.left(start) or self._chunk)
        # Tail and news in one read: nobody can rewrite the file between the check and the reading.
        data = os.pread(fd, len(tail) + size, start - len(tail)) if size >= 0 else b""
        if size >= 0 and len(data) < len(tail) and tail.startswith(data):  # a short read proves nothing
            self._due, self._wake = True, now + SHORT_SIGHT
            return None
        # NULs prove nothing: a hole is like any other. So what follows on one is held against all before it.
        blank = bool(tail) and not (tail.strip(b"\0") or data.startswith(b"\0", len(tail)))
        doubtful = blank and len(data) > len(tail) and self._compared_to != start
        if size < 0 or not data.startswith(tail) or doubtful:
            self._suspect = Suspect(fd, self.identity, lines.fingerprint.start)
            return None
        self._modified_ns, self._due = state.st_mtime_ns, False
        if self._patience.found_whole():
            self._past.lose_sight()
        whole = lines.take(data, len(tail), state.st_size)
        if lines.in_hole:
            self._leap(fd, state.st_size)
        more = start < lines.offset < state.st_size
        past = self._past.covers(start, lines.offset, state.st_size, now)
        if whole or more or lines.dropped:
            return self._batch(whole, state.st_mtime, more, past)
        return None

    def _leap(self, fd: int, size: int) -> None:
        data = next_data(fd, self._lines.offset, size)
        if data - self._lines.offset >= HOLE:
            self._lines.leap(data)

    def _batch(self, whole: list[bytes], modified: float, more: bool, past: bool) -> Batch:
        restarted, dropped = self._restarted, self._lines.dropped
        self._restarted, self._lines.dropped = False, {}
        return Batch(whole, modified, restarted, past, more, dropped or _NOTHING)

    def _after(self, batch: Batch | None, now: float) -> None:
        if self._lines.waiting:
            self._wake = now + NUL_SECONDS
        elif batch is None or not batch.more:
            self._reached_end(batch is None, now)

    def _reached_end(self, quiet: bool, now: float) -> None:
        """At the end of the file: does the path still name it? Another log's is drained, then left."""
        patience = self._patience
        noticed = patience.since is not None
        if not noticed and not (quiet and self.check_path(now)):
            return
        self._due = True
        patience.quiet += quiet and noticed
        if quiet or patience.is_over(now):
            self._examine_path(now)
        if quiet and noticed and patience.since is not None:
            self._wake = max(self._wake, now + QUIET_SECONDS)

    def _examine_path(self, now: float) -> None:
        try:
            self._open(now)
            if self._suspect is not None:
                self._decide(now)
        except InterruptedError:
            return  # the next poll goes on comparing
        except OSError as error:
            self._acquit()
            self._patience.since = None  # gone again, or no file: the old descriptor stays the best there is
            self._back_off(error, now)

    def _back_off(self, error: OSError, now: float) -> None:
        self._tell(error)
        first, most = BACK_OFF_SECONDS
        self._wake = now + min(most, first * 2 ** min(self._failures, 16))
        self._failures += 1

    def _tell(self, error: OSError) -> None:
        self.error = f"{printable(self.path)}: {explain(error)}"


def _close(fd: int) -> None:
    with contextlib.suppress(OSError):  # a stale handle can refuse even this
        os.close(fd)
