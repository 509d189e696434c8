"""A log that a loop looks at again and again, and what lies beside it."""

from __future__ import annotations

import math

from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.reading import Source
from llmtrain_exporter.watching.beside import guard_beside

CHECK_SECONDS = 3.0
"""Time between two looks whether a path still names the file that is open, at the least."""


class TrackedLog:
    """What a loop needs of every log: when to look at it, and where."""

    # Slots, here and in a live run: ten thousand of these are kept.
    __slots__ = (
        "caught_up",
        "changes_at",
        "check_at",
        "failure",
        "found",
        "grew_at",
        "grown",
        "guard",
        "name",
        "source",
    )

    def __init__(self, found: Found, name: str, source: Source) -> None:
        self.found = found
        self.name = name
        self.source = source
        # The source's own bound method: it is asked of every run, several times a second.
        self.grown = source.grown
        self.check_at = -math.inf  # monotonic
        self.changes_at = math.inf  # Unix time
        self.caught_up = False  # all that was there when it was read last has been read
        self.grew_at = 0.0  # Unix time at which records were last seen to be added; 0: never
        self.failure: str | None = None  # the class of the exception that ended the analysis
        self.guard = guard_beside(found)

    def check_path(self, monotonic: float, again_in: float = CHECK_SECONDS) -> None:
        """Look whether its path names the file that is open, and what its guard tells, unless just done.

        `again_in`: seconds until that is worth another look.
        """
        if monotonic >= self.check_at:
            self.source.check(monotonic)
            self.check_at = monotonic + again_in
            if self.guard is not None and self.guard.look():
                self.changes_at = -math.inf

    def check_within(self, monotonic: float, seconds: float) -> None:
        """Something has happened to its file: look at its path so soon, if that is looked at at all."""
        if self.check_at < math.inf:
            self.check_at = min(self.check_at, monotonic + seconds)

    @property
    def hangs_on_its_file(self) -> bool:
        """Whether nothing comes but by what happens to one file: no row waits, nothing beside it is asked."""
        return self.guard is None and self.source.fingerprint is not None and self.source.wait is None

    def give_up(self, error: Exception) -> None:
        """Look at it no more: `error` came out of it."""
        self.failure = type(error).__name__
        self.source.close()
        self.grown = _never
        self.check_at = self.changes_at = math.inf
        self.caught_up = True


def _never() -> bool:
    return False
