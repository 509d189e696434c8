"""A growing file to whole lines, and nothing else: no clock, no parsing, no discovery.

Polling, because notifications miss what other machines write. Bytes are consumed once, in order; a line is
handed on when its end has been written. What was consumed last must still stand there at the next look, or
the file was rewritten and its reader starts anew.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from llmtrain_exporter.printable import printable

TAIL = 64  # consumed bytes that must still stand in the file; never its head: training logs begin alike
OVERWRITTEN = 1 << 20  # bytes of progress bars without a line's end that are worth keeping
QUIET_POLLS, QUIET_SECONDS = 2, 0.5  # a replaced file is left after so many quiet polls, so far apart
DRAIN_SECONDS = 30.0  # ... or after this, when its writer never rests: the new file must not starve
NUL_POLLS, NUL_SECONDS = 3, 0.5  # NULs over NFS can be data on the way: look again so often, so far apart
BACK_OFF_SECONDS = (0.5, 30.0)  # after an error: the first wait, doubled each time, up to the last

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_NOTHING: Mapping[str, int] = MappingProxyType({})
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll found. `lines` can be empty: a long line is on its way, or something was dropped."""

    lines: list[bytes]  # whole lines without their "\n"
    modified: float  # st_mtime of the file that they were read from, seconds since the epoch
    restarted: bool  # the file was rewritten or replaced before these lines: whoever folds them starts anew
    more: bool  # unread bytes remain: poll again at once
    dropped: Mapping[str, int]  # how often text was not handed on, by reason: too_long, nul, overwritten


def explain(error: OSError) -> str:
    """What is wrong, for people; of a refusal also who was refused, which in a container is not plain."""
    reason = printable(error.strerror or str(error))
    if not isinstance(error, PermissionError):
        return reason
    return f"{reason} for user {os.geteuid()}, group {os.getegid()}: run as the owner, or let others read it"


class NotAFileError(OSError):
    """Something else stands where a regular file was looked for; it is never opened."""


def demand_regular(mode: int, path: str) -> None:
    """Raises NotAFileError that says what stands there."""
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise NotAFileError(errno.EINVAL, f"is {kind}, not a regular file", path)


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


def raise_descriptor_limit() -> int:
    """Raises the soft limit of open files to the hard one where that is allowed; the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


class _Lines:
    """Consecutive bytes of one file to whole lines: how far they were consumed, and the last half line."""

    __slots__ = ("_max_line", "_nul_polls", "_patience", "_skipping", "dropped", "mark", "offset", "partial")

    def __init__(self, max_line: int, patience: int) -> None:
        self.dropped: dict[str, int] = {}
        self._max_line = max_line
        self._patience = patience  # looks at NULs before they are skipped
        self.partial = bytearray()  # what was consumed behind the last "\n"
        self.begin()

    def begin(self) -> None:
        """Back to the first byte of a file."""
        self.offset = 0  # bytes consumed, the partial line included
        self.mark = b""  # the last bytes before the partial line, up to TAIL
        self.partial.clear()
        self._skipping = False  # inside a line above the cap, up to its end
        self._nul_polls = 0

    def rewind(self) -> None:
        """Back to the begin of the partial line."""
        self.offset -= len(self.partial)
        self.partial.clear()

    @property
    def tail(self) -> bytes:
        """The last bytes consumed, up to TAIL."""
        return bytes(self.mark + self.partial[-TAIL:])[-TAIL:]

    @property
    def waiting(self) -> bool:
        """Whether NULs stand next that may yet become data."""
        return 0 < self._nul_polls <= self._patience

    def take(self, data: bytes, begin: int) -> list[bytes]:
        """Consumes data[begin:], at most up to its first NUL; what is before `begin` was consumed earlier."""
        begin = self._past_nuls(data, begin)
        nul = data.find(b"\0", begin)
        end = len(data) if nul < 0 else nul
        if begin < end:
            self._nul_polls = 0
        self.offset += end - begin
        last = data.rfind(b"\n", begin, end)
        if last < 0:
            self._extend(data[begin:end])
            return []
        lines = data[begin:last].split(b"\n")
        self._complete(lines)
        self.partial += data[last + 1 : end]
        self.mark = data[max(0, last + 1 - TAIL) : last + 1]
        return lines

    def _past_nuls(self, data: bytes, begin: int) -> int:
        """Where to go on: before the NULs as long as they may become data, then behind them."""
        if data[begin : begin + 1] != b"\0":
            self._nul_polls = 0
            return begin
        self._nul_polls += 1
        if self.waiting:
            return begin
        if self._nul_polls == self._patience + 1:  # once for a run of NULs, however many chunks it takes
            self._drop("nul")
        end = len(data) - len(data[begin:].lstrip(b"\0"))
        self.partial.clear()
        self.mark = data[max(0, end - TAIL) : end]
        self.offset += end - begin
        return end

    def _complete(self, lines: list[bytes]) -> None:
        """Joins the partial line with the first of `lines`, which is its end."""
        if self._skipping:
            self._skipping = False
            del lines[0]
        elif len(self.partial) + len(lines[0]) > self._max_line:
            self._drop("too_long")
            del lines[0]
        elif self.partial:
            self.partial += lines[0]
            lines[0] = bytes(self.partial)
        self.partial.clear()

    def _extend(self, text: bytes) -> None:
        """Adds to the partial line, and bounds it."""
        known = len(self.partial)
        self.partial += text
        if self._skipping:
            self._forget(len(self.partial))
            return
        limit = min(OVERWRITTEN, self._max_line)
        if len(self.partial) > limit:
            # Without the last byte, which may be the first half of "\r\n"; without what was searched before.
            cut = self.partial.rfind(b"\r", known - 1 if known > limit else 0, -1) + 1
            self._forget(cut, "overwritten")
        if len(self.partial) > self._max_line:
            self._forget(len(self.partial), "too_long")
            self._skipping = True

    def _forget(self, count: int, reason: str | None = None) -> None:
        """Drops the first `count` bytes of the partial line."""
        if count and reason:
            self._drop(reason)
        self.mark = bytes(self.mark + self.partial[max(0, count - TAIL) : count])[-TAIL:]
        del self.partial[:count]

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


class Follower:
    """One owner of one file: its descriptor, and whether it is still the file that it was.

    The loop asks `grown()` often and `check_path()` every few seconds, and calls `poll()` when `grown()` says
    so. `poll()` alone is enough too, at a higher price. Nothing here raises OSError: see `error`.
    """

    def __init__(
        self, path: str, *, chunk: int = 1 << 18, max_line: int = 64 << 20, patient: bool = True
    ) -> None:
        """`chunk`, `max_line`: bytes. `patient` False: nobody writes any more; NULs are skipped at once."""
        self.path = path
        self.identity: tuple[int, int] | None = None  # (device, inode) of the file opened last
        self.generation = 0  # how often the lines began anew
        self.error: str | None = None  # the last I/O error that still stands, for people
        self._chunk = min(chunk, max_line)  # so that only a line across two chunks can pass the cap
        self._lines = _Lines(max_line, NUL_POLLS if patient else 0)
        self._fd: int | None = None
        self._parked: tuple[int, int, int, int] | None = None  # device, inode, size, st_mtime_ns
        self._modified_ns = -1  # st_mtime_ns when the file was read last
        self._due = True  # poll even though the size says that there is nothing new
        self._restarted = False  # to be told with the next batch
        self._replaced_at: float | None = None  # when the path was seen to name another file
        self._quiet = 0  # quiet polls since then
        self._wake = float("-inf")  # no poll before
        self._failures = 0  # in a row

    @property
    def offset(self) -> int:
        """Bytes consumed, the unfinished line included."""
        return self._lines.offset

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
        return bytes(self._lines.partial)

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
        if self._fd is None or self._replaced_at is not None:
            return self._replaced_at is not None
        try:
            there = os.stat(self.path)
        except OSError as error:
            self._tell(error)
            return False
        if (there.st_dev, there.st_ino) == self.identity:
            self.error = None
        else:
            self._replaced_at, self._quiet = now, 0
        self._due = self._due or self._replaced_at is not None or there.st_mtime_ns != self._modified_ns
        return self._replaced_at is not None

    def poll(self, now: float) -> Batch | None:
        """Reads at most `chunk` bytes; None when there is nothing new. `now`: monotonic seconds."""
        if now < self._wake or not (self._parked is None or self.grown()):
            return None
        try:
            batch = self._read(self._open() if self._fd is None else self._fd)
        except OSError as error:
            self._release()
            self._back_off(error, now)
            return None
        self._failures = 0
        if self._lines.waiting:
            self._wake = now + NUL_SECONDS
        elif batch is None or not batch.more:
            self._reached_end(batch is None, now)
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

    def _open(self) -> int:
        fd, state = open_regular(self.path)
        self._shut()
        identity = state.st_dev, state.st_ino
        if self.identity not in (None, identity):
            self._restart()
        # The same number is no proof that it is the same file: the next read looks at the tail.
        self._fd, self.identity = fd, identity
        self._due, self._parked, self._replaced_at, self.error = True, None, None, None
        return fd

    def _release(self) -> None:
        """The partial line lives with the descriptor: without that, it has to be read again."""
        self._shut()
        self._fd = self._replaced_at = None
        self._lines.rewind()

    def _shut(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):  # a stale handle can refuse even this
                os.close(self._fd)

    def _restart(self) -> None:
        self._lines.begin()
        self.generation += 1
        self._restarted = True

    def _read(self, fd: int) -> Batch | None:
        state, lines = os.fstat(fd), self._lines
        tail, start = lines.tail, lines.offset
        size = min(self._chunk, state.st_size - start)
        # Tail and news in one read: nobody can rewrite the file between the check and the reading.
        data = os.pread(fd, len(tail) + size, start - len(tail)) if size >= 0 else b""
        if size < 0 or not data.startswith(tail):
            self._restart()
            return self._read(fd)
        self._modified_ns, self._due = state.st_mtime_ns, False
        whole = lines.take(data, len(tail))
        more = start < lines.offset < state.st_size
        return self._batch(whole, state.st_mtime, more) if whole or more or lines.dropped else None

    def _batch(self, whole: list[bytes], modified: float, more: bool) -> Batch:
        restarted, dropped = self._restarted, self._lines.dropped
        self._restarted, self._lines.dropped = False, {}
        return Batch(whole, modified, restarted, more, dropped or _NOTHING)

    def _reached_end(self, quiet: bool, now: float) -> None:
        """At the end of the file: does the path still name it? A replaced one is drained, then left."""
        if self._replaced_at is None:
            if quiet:
                self.check_path(now)
            return
        self._due = True
        self._quiet += quiet
        if self._quiet >= QUIET_POLLS or now - self._replaced_at >= DRAIN_SECONDS:
            self._switch(now)
        elif quiet:
            self._wake = now + QUIET_SECONDS

    def _switch(self, now: float) -> None:
        try:
            self._open()
        except OSError as error:
            self._replaced_at = None  # gone again, or no file: the old descriptor stays the best there is
            self._back_off(error, now)

    def _back_off(self, error: OSError, now: float) -> None:
        self._tell(error)
        first, most = BACK_OFF_SECONDS
        self._wake = now + min(most, first * 2 ** min(self._failures, 16))
        self._failures += 1

    def _tell(self, error: OSError) -> None:
        self.error = f"{printable(self.path)}: {explain(error)}"
