"""The terminal that a command runs on, handed to it as a shell hands it to a job."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class ForegroundTerminal:
    """The controlling terminal of this process, if it has one. For one thread."""

    def __init__(self, path: str = "/dev/tty") -> None:
        self._descriptor: int | None = None
        with suppress(OSError):
            self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def is_ours(self) -> bool:
        """Whether this process is of the group that is typed to."""
        if self._descriptor is None:
            return False
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return False  # it was closed

    def give_to(self, group: int) -> None:
        """Let a process group be the one that is typed to, and that Ctrl-C ends."""
        if self._descriptor is not None:
            with suppress(OSError), _unstopped():
                os.tcsetpgrp(self._descriptor, group)

    def take_back(self, group: int) -> None:
        """Take it from a process group that it was given to, if that still has it: else it is a shell's."""
        if self._descriptor is not None:
            with suppress(OSError):
                if os.tcgetpgrp(self._descriptor) == group:
                    self.give_to(os.getpgrp())


@contextmanager
def _unstopped() -> Iterator[None]:
    """In the background, taking the terminal stops whoever does not block SIGTTOU."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTTOU,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
