"""A log that is read again from its start once it has shown which of its numbers come late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from llmtrain_exporter.ingest.late_numbers import Lateness
from llmtrain_exporter.ingest.reading import AroundSource, Reading, Source


class RelearnedSource(AroundSource):
    """Such a log."""

    def __init__(self, opened: Callable[[], Source], lateness: Lateness) -> None:
        """`opened`: the log from its start, whose readers learn `lateness` and go by it."""
        super().__init__(opened())
        self._opened = opened
        self._lateness = lateness
        self._lessons = lateness.lessons
        self._again = self._restarted = False  # to be told with the next reading

    def poll(self, now: float) -> Reading | None:
        """The next records; all from the start where the log has taught how late some numbers are."""
        reading = self._inner.poll(now)
        while self._lessons != self._lateness.lessons:
            self._lessons, self._again = self._lateness.lessons, True
            self._restarted = self._restarted or (reading is not None and reading.restarted)
            self._inner.close()
            self._inner = self._opened()
            reading = self._inner.poll(now)
        if reading is None or not self._again:
            return reading
        again, restarted = self._again, self._restarted or reading.restarted
        self._again = self._restarted = False
        return replace(reading, again=again, restarted=restarted)
