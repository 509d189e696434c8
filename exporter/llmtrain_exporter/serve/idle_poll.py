"""A look at many quiet logs at once, for as little as that can cost."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from typing import Generic, TypeVar

from llmtrain_exporter.watching.tracked_log import TrackedLog

LogT = TypeVar("LogT", bound=TrackedLog)


class IdlePoll(Generic[LogT]):
    """Which of some logs may have grown.

    Of logs that are open and read to their end only two numbers are kept, side by side: after a pause nothing
    of a thousand runs is in the processor's cache, and fetching each run's objects costs more than to ask.
    Void as soon as one of them was read, replaced or put to sleep.
    """

    def __init__(self, runs: Iterable[LogT]) -> None:
        self._others: list[LogT] = []
        self._open: list[LogT] = []
        self._descriptors = array("i")
        self._ends = array("q")
        for run in runs:
            place = run.source.place
            if place is None:
                self._others.append(run)
            else:
                self._open.append(run)
                self._descriptors.append(place[0])
                self._ends.append(place[1])

    def stirred(self) -> list[LogT]:
        """The logs that may have something new."""
        return [*self._longer(), *(run for run in self._others if run.grown())]

    def _longer(self) -> list[LogT]:
        try:
            return [
                run
                for descriptor, end, run in zip(self._descriptors, self._ends, self._open, strict=True)
                if os.lseek(descriptor, 0, os.SEEK_END) != end
            ]
        except OSError:  # a stale handle: each one's own look finds it
            return [run for run in self._open if run.grown()]
