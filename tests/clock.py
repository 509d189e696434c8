"""One clock for a relay and its bots, which no busy machine makes late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class Clock:
    """Goes on when a test cranks it, and when somebody sleeps while nobody is at work.

    Told and cranked from any thread. Who sleeps and who is at work does so in one event loop's thread.
    """

    def __init__(self, start: float) -> None:
        """`start`: Unix time."""
        self.sleepers = 0  # who wait for somebody at work
        self._start = start
        self._seconds = 0.0
        self._lock = threading.Lock()
        self._at_work = 0
        self._idle: anyio.Event | None = None

    def seconds(self) -> float:
        """Since the start."""
        return self._seconds

    def time(self) -> float:
        """Unix time."""
        return self._start + self._seconds

    def crank(self, seconds: float) -> None:
        """Let so much time pass."""
        self._reach(self._seconds + seconds)

    async def sleep(self, seconds: float) -> None:
        """Lets so much time pass, unless others do."""
        until = self._seconds + seconds
        self.sleepers += 1
        try:
            while self._idle is not None:
                await self._idle.wait()
        finally:
            self.sleepers -= 1
        self._reach(until)
        await anyio.lowlevel.checkpoint()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """No sleeper lets time pass before the block ends."""
        self._at_work += 1
        self._idle = self._idle or anyio.Event()
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._idle.set()
                self._idle = None

    def _reach(self, seconds: float) -> None:
        with self._lock:
            self._seconds = max(self._seconds, seconds)
