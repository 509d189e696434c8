"""A log that is read again from its start once it has shown which of its numbers come late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.ingest.late_numbers import Lateness
from llmtrain_exporter.ingest.reading import Reading, Source
from llmtrain_exporter.model import Record


class RelearnedSource:
    """Such a log."""

    def __init__(self, opened: Callable[[], Source], lateness: Lateness) -> None:
        """`opened`: the log from its start, whose readers learn `lateness` and go by it."""
        self._opened = opened
        self._lateness = lateness
        self._lessons = lateness.lessons
        self._source = opened()
        self._again = self._restarted = False  # to be told with the next reading
        self.path = self._source.path

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, for people."""
        return self._source.error

    @property
    def place(self) -> tuple[int, int] | None:
        """Where the follower stands."""
        return self._source.place

    @property
    def fingerprint(self) -> Fingerprint | None:
        """Of what was read so far."""
        return self._source.fingerprint

    def begins_with(self, fingerprint: Fingerprint) -> bool:
        """Whether the log begins with what this is of."""
        return self._source.begins_with(fingerprint)

    def grown(self) -> bool:
        """Whether a look may bring something."""
        return self._source.grown()

    def check(self, now: float) -> None:
        """Look whether the path still names the same file."""
        self._source.check(now)

    def park(self) -> None:
        """Give back what is held open."""
        self._source.park()

    def close(self) -> None:
        """Give back everything."""
        self._source.close()

    def rest(self) -> list[Record]:
        """What is held, for whoever knows that nobody writes any more."""
        return self._source.rest()

    def poll(self, now: float) -> Reading | None:
        """The next records; all from the start where the log has taught how late some numbers are."""
        reading = self._source.poll(now)
        while self._lessons != self._lateness.lessons:
            self._lessons, self._again = self._lateness.lessons, True
            self._restarted = self._restarted or (reading is not None and reading.restarted)
            self._source.close()
            self._source = self._opened()
            reading = self._source.poll(now)
        if reading is None or not self._again:
            return reading
        again, restarted = self._again, self._restarted or reading.restarted
        self._again = self._restarted = False
        return replace(reading, again=again, restarted=restarted)
