"""Many logs that were met at once, read a few at a time: those of runs that are over in other processes.

Ten thousand runs that are read side by side would all be held in memory, and none of them shown for long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.serve.kept_run import PackedRun
from llmtrain_exporter.serve.reading_processes import Read
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.watching.live import OVER_SECONDS, LiveRun
from llmtrain_exporter.watching.run_set import Awaited, RunSet

AT_ONCE = 64
"""Logs that this thread reads side by side."""

MISSES = 16
"""So many logs in a row that are of no run that is over: those that are left were written to later still."""

STEP_SECONDS = 0.25
"""So long the others are asked what they have read, before all logs are looked at again."""


class Processes(Protocol):
    """See `ReadingProcesses`."""

    @property
    def alive(self) -> bool:
        """Whether any of them reads."""

    @property
    def idle(self) -> bool:
        """Whether one of them could have another log."""

    def give(self, found: Found) -> None:
        """Have a log read."""

    def answers(self, seconds: float) -> Iterable[Read]:
        """What has become of logs."""

    def close(self) -> None:
        """End them."""


class FirstRead:
    """Reads the logs that wait. For one thread."""

    def __init__(
        self,
        runs: RunSet[Sparkline],
        keep: Callable[[Awaited, PackedRun, int], bool],
        start: Callable[[], Processes | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`keep`: takes a run that was read elsewhere, with the bytes that were read, if its log is still so.

        `start`: starts the processes, None where there are to be none.
        """
        self._runs = runs
        self._keep = keep
        self._start = start
        self._monotonic = monotonic
        self._processes: Processes | None = None
        self._is_started = False
        self._given: set[str] = set()  # paths of logs that are read elsewhere
        self._reading: list[LiveRun[Sparkline]] = []  # here
        self._misses = 0

    def step(self, now: float) -> bool:
        """Go on for a moment; whether any log still waits."""
        if not self._runs.awaited:
            self.close()
            return False
        if not self._is_started:
            self._is_started, self._processes = True, self._start()
        if self._processes is not None:
            self._have_read(self._processes, now)
        self._read_here(now)
        return True

    def close(self) -> None:
        """Nobody reads elsewhere any more."""
        self._is_started = False
        self._end_processes()

    def _end_processes(self) -> None:
        if self._processes is not None:
            self._processes.close()
            self._processes = None
        self._given.clear()
        self._misses = 0

    def _have_read(self, processes: Processes, now: float) -> None:
        until = self._monotonic() + STEP_SECONDS
        self._hand_out(processes, now)
        while self._given and (left := until - self._monotonic()) > 0:
            for read in processes.answers(left):
                self._hand_out(processes, now)  # before anything else: nobody is to wait
                awaited = self._runs.awaited.get(read.path)
                if awaited is not None:
                    self._take(awaited, read)
                self._given.discard(read.path)  # not before: nobody is to read it once more
            if not processes.alive or self._misses >= MISSES:
                self._end_processes()
                return

    def _hand_out(self, processes: Processes, now: float) -> None:
        """The oldest first: they are the most likely to be over."""
        while processes.idle:
            found = self._runs.oldest_awaited(self._given)
            if found is None or now - found.modified < OVER_SECONDS:
                return
            self._given.add(found.path)
            processes.give(found)

    def _take(self, awaited: Awaited, read: Read) -> None:
        if read.run is not None and self._keep(awaited, read.run, read.size):
            self._misses = 0
            return
        self._misses += awaited.before is None  # else it may well be over, and count otherwise than before
        self._reading.append(self._runs.meet_awaited(read.path))

    def _read_here(self, now: float) -> None:
        """The newest first: somebody may be training them."""
        self._reading = [
            run for run in self._reading if not (run.caught_up or run.failure or run.source.error)
        ]
        while len(self._reading) < AT_ONCE:
            found = self._runs.newest_awaited(self._given)
            is_for_others = self._processes is not None and found is not None
            if found is None or (is_for_others and now - found.modified >= OVER_SECONDS):
                return
            self._reading.append(self._runs.meet_awaited(found.path))
