"""Whether the threads that look at files still come round, or hang in a file system that does not answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from llmtrain_exporter.knowledge import unread_words as words
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.numbers import moment_text

log = logging.getLogger(__name__)

STUCK_SECONDS = 15.0
"""A thread that has done nothing for so long is stuck: it reads pieces that take a moment each."""

LOOK_SECONDS = 1.0
"""Time between two looks at the threads."""


MOST_ASKERS = 2
"""Requests that may hang in the files of one root; the others do without."""


class Pulse:
    """The signs of life of the thread that looks at some roots.

    Written by that thread, but for what it says; `stuck_since` is written by who looks after the threads.
    A thread that hangs in the kernel cannot be ended: it is left alone until its file system goes on.
    """

    def __init__(self, roots: Sequence[str], monotonic: float) -> None:
        self.roots = tuple(roots)
        self.ready = False  # every log that was there at the start is read to its end
        self.logs = 0, 0  # that are read to their end, and all that there are
        self.went_round_at: float | None = None  # Unix time of the last look at all of its logs
        self.looks_at = ""  # the path that it looks at now, or did last
        self.stuck_since: float | None = None  # Unix time of its last sign of life; None: it is alive
        self.times_stuck = 0
        self.ended = False  # it was told to stop
        self.askers = threading.Semaphore(MOST_ASKERS)  # requests that look at its files at once
        self._beaten_at = monotonic

    def beat(self, monotonic: float, path: str = "") -> None:
        """It is alive, and about to look at `path`."""
        self._beaten_at = monotonic
        self.looks_at = path

    def judge(self, monotonic: float, now: float) -> bool:
        """See whether it is stuck; whether that has changed. `now`: Unix time."""
        silent = monotonic - self._beaten_at
        stuck, was = silent >= STUCK_SECONDS and not self.ended, self.stuck_since is not None
        if stuck and not was:
            self.stuck_since = now - silent
            self.times_stuck += 1
        elif not stuck:
            self.stuck_since = None
        return stuck != was

    @contextmanager
    def asking(self, seconds: float = 1.0) -> Iterator[bool]:
        """For requests: whether the files may be looked at; of a root that is stuck none would come back.

        Waits so many seconds for those that look already.
        """
        may = self.stuck_since is None and self.askers.acquire(timeout=seconds)
        try:
            yield may
        finally:
            if may:
                self.askers.release()

    @property
    def hindrance(self) -> str:
        """What hinders it, for people; it is stuck."""
        since = moment_text(self.stuck_since or 0.0)
        if not self.looks_at or self.looks_at in self.roots:
            return words.SILENT.en.format(time=since)
        return words.SILENT_AT.en.format(place=printable(self.looks_at), time=since)


class Pulses:
    """Those of all threads, and who looks after them. Asked by many threads."""

    def __init__(self, pulses: Sequence[Pulse], changed: Callable[[Pulses], object] = lambda _: None) -> None:
        """`changed`: told when a thread got stuck, or is back."""
        self.all = tuple(pulses)
        self._changed = changed

    @property
    def stuck(self) -> Sequence[Pulse]:
        """Those that hang."""
        return [pulse for pulse in self.all if pulse.stuck_since is not None]

    @property
    def ready(self) -> bool:
        """Whether every log is read that was there at the start, but for those that cannot be."""
        return all(pulse.ready or pulse.stuck_since is not None for pulse in self.all)

    @property
    def logs(self) -> tuple[int, int]:
        """How many logs are read to their end, and how many there are, as far as they were looked for."""
        counts = [pulse.logs for pulse in self.all]
        return sum(read for read, _ in counts), sum(there for _, there in counts)

    @property
    def problems(self) -> Mapping[str, str]:
        """What hinders each root that is not read, for people."""
        return {printable(root): pulse.hindrance for pulse in self.stuck for root in pulse.roots}

    @property
    def alive(self) -> bool:
        """Whether any thread still reads."""
        return not self.all or len(self.stuck) < len(self.all)

    def judge(self, monotonic: float, now: float) -> None:
        """See which threads are stuck, and tell. `now`: Unix time."""
        changed = [pulse for pulse in self.all if pulse.judge(monotonic, now)]
        for pulse in changed:
            roots = ", ".join(map(printable, pulse.roots))
            if pulse.stuck_since is None:
                log.warning("%s: answers again", roots)
            else:
                log.error("%s: %s", roots, pulse.hindrance)
        if changed:
            self._changed(self)
