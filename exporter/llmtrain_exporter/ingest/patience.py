"""How long a log is waited for while something else stands in its place."""

from __future__ import annotations

from llmtrain_exporter.ingest.fingerprint import Likeness


class Patience:
    """With the file that is read, the one in its place, and those that have less than was read."""

    __slots__ = ("_drain_seconds", "_quiet_polls", "_short", "_short_seconds", "doubtful", "quiet", "since")

    def __init__(self, quiet_polls: int, drain_seconds: float, short_seconds: float) -> None:
        """A replaced file is left after so many quiet polls, at least after so long, to drain it.

        A file that has less than was read is another log when it did not grow for `short_seconds`.
        """
        self._quiet_polls = quiet_polls
        self._drain_seconds = drain_seconds
        self._short_seconds = short_seconds
        self.since: float | None = None  # when the path was seen to name another file
        self.quiet = 0  # quiet polls since then
        self.doubtful = False  # the open file has less than was read, and yet something
        self._short: tuple[float, float, int] | None = None  # seen shorter, grown last, size by then

    def begin(self, now: float) -> None:
        """The path names another file."""
        self.since, self.quiet = now, 0

    def is_over(self, now: float) -> bool:
        """Whether the old file was drained for as long as may be, its writer resting or not."""
        return self.since is not None and now - self.since >= self._drain_seconds

    def found_whole(self) -> bool:
        """What was read stands in the open file; whether there is nothing else to wait for."""
        self.doubtful = False
        if self.since is None:
            self._short = None
        return self.since is None

    def end(self) -> None:
        """There is another open file, or none."""
        self.since, self.doubtful = None, False

    def forget(self) -> None:
        """It is decided which file is read."""
        self.end()
        self._short = None

    def ends(self, verdict: Likeness, size: int, in_place: bool, now: float) -> bool:
        """Whether the log that was read is left for the one of this verdict and size in bytes."""
        drained = self.since is None or self.quiet >= self._quiet_polls or self.is_over(now)
        if verdict is Likeness.SHORTER and not self._waited(size, now):
            return in_place and self.since is not None and drained and size > 0
        return in_place or (drained and not self.doubtful)

    def _waited(self, size: int, now: float) -> bool:
        """Whether a file that has less than was read had the time to grow. An empty one says nothing."""
        since, grown, known = self._short or (now, now, size)
        if size != known:
            grown = now
        self._short = since, grown, size
        return size > 0 and (now - grown >= self._short_seconds or now - since >= self._drain_seconds)


class Trust:
    """Whether the last bytes are proof enough, where each look at a file shows another inode.

    To compare all of a log at each of its rows is too much. So that is done later, at a bounded rate.
    """

    __slots__ = ("_until", "owed")

    def __init__(self) -> None:
        self._until = float("-inf")  # monotonic
        self.owed = False  # something was taken on trust

    def compared(self, size: int, rate: float, now: float) -> None:
        """So many bytes were compared, which may be done at so many per second."""
        self._until = now + size / rate
        self.owed = False

    def holds(self, now: float) -> bool:
        """Whether all was compared a moment ago."""
        return now < self._until


class Past:
    """What of another log is its past: what it had when it was seen first, and what a copy still brought."""

    __slots__ = ("_bulk", "_end", "_seconds", "_seen", "_until")

    def __init__(self, bulk: int, seconds: float) -> None:
        """`bulk`: bytes in one look that are a copy's, for so many seconds from the meeting or the last."""
        self._bulk = bulk
        self._seconds = seconds
        self._seen: tuple[tuple[int, int] | None, int] | None = None  # identity and size at first sight
        self._end = 0  # offset in the log that was met last
        self._until = float("-inf")

    def see(self, identity: tuple[int, int] | None, size: int) -> None:
        """This file stands in the place of the log. An empty one has not begun yet."""
        if size and (self._seen is None or self._seen[0] != identity):
            self._seen = identity, size

    def lose_sight(self) -> None:
        """It does so no longer."""
        self._seen = None

    def meet(self, now: float) -> None:
        """It is the log from now on."""
        self._end = self._seen[1] if self._seen else 0
        self._seen = None
        self._until = now + self._seconds

    def left(self, offset: int) -> int:
        """Bytes of the past from there on; what is read at once is either past or news."""
        return max(0, self._end - offset)

    def covers(self, start: int, end: int, size: int, now: float) -> bool:
        """Whether that part of the file is past. `size`: of the file."""
        if start >= self._end and end - start >= self._bulk and now < self._until:
            self._end, self._until = size, now + self._seconds
        return start < self._end
