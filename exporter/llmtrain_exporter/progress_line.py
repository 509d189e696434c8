"""How far something is, on one line of a terminal that is written over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

EVERY_SECONDS = 0.2
"""Time between two texts of the line; what is done before that shows none."""


class ProgressLine:
    """Shown nowhere but on a terminal, not before it takes long, and cleared in the end."""

    def __init__(
        self,
        err: TextIO,
        clock: Callable[[], float],
        every: float,
        columns: Callable[[str], int] = len,
    ) -> None:
        """`clock`: monotonic seconds; `every`: those between two texts. `columns`: that a text takes."""
        self._err = err
        self._clock = clock
        self._every = every
        self._columns = columns
        self._on = err.isatty()
        self._said_at = clock()
        self._shown = 0  # columns

    def say(self, compose: Callable[[], str]) -> None:
        """Show that text, which is composed if it is time for one."""
        if not self._on or self._clock() - self._said_at < self._every:
            return
        self._said_at = self._clock()
        text = compose()
        width = self._columns(text)
        self._err.write(f"\r{text}{' ' * max(self._shown - width, 0)}")
        self._err.flush()
        self._shown = width

    def clear(self) -> None:
        """Leave no trace."""
        if self._shown:
            self._err.write("\r" + " " * self._shown + "\r")
            self._err.flush()
            self._shown = 0
