"""How far a push is, on one line of a terminal that is written over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

PROGRESS_SECONDS = 1.0
"""Time between two texts; what is done before that shows none."""


class PushProgress:
    """Shown nowhere but on a terminal, and cleared in the end and before anything else is said."""

    def __init__(self, err: TextIO, clock: Callable[[], float]) -> None:
        """`clock`: monotonic seconds."""
        self._err = err
        self._clock = clock
        self._on = err.isatty()
        self._said_at = clock()
        self._shown = 0  # characters

    def say(self, records: int) -> None:
        """So many records were sent."""
        if not self._on or self._clock() - self._said_at < PROGRESS_SECONDS:
            return
        self._said_at = self._clock()
        text = f"{records} records sent"
        self._err.write(f"\r{text}")
        self._err.flush()
        self._shown = len(text)

    def clear(self) -> None:
        """Leave no trace."""
        if self._shown:
            self._err.write("\r" + " " * self._shown + "\r")
            self._err.flush()
            self._shown = 0
