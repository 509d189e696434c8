"""How long a log is waited for while something else stands in its place."""

from __future__ import annotations

from llmtrain_exporter.ingest.fingerprint import Verdict


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

    def found_whole(self) -> None:
        """What was read stands in the open file."""
        self.doubtful = False
        if self.since is None:
            self._short = None

    def end(self) -> None:
        """There is another open file, or none."""
        self.since, self.doubtful = None, False

    def forget(self) -> None:
        """It is decided which file is read."""
        self.end()
        self._short = None

    def ends(self, verdict: Verdict, size: int, in_place: bool, now: float) -> bool:
        """Whether the log that was read is left for the one of this verdict and size in bytes."""
        drained = self.since is None or self.quiet >= self._quiet_polls or self.is_over(now)
        if verdict is Verdict.SHORTER and not self._waited(size, now):
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
