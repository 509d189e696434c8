"""How far another thread has come, to be waited for."""

from __future__ import annotations

import threading


class Progress:
    """Counts the steps of one thread; others wait for them."""

    def __init__(self) -> None:
        self.steps = 0
        self._ended = False
        self._changed = threading.Condition()

    def step(self) -> None:
        """One more is done."""
        with self._changed:
            self.steps += 1
            self._changed.notify_all()

    def end(self) -> None:
        """There will be no more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def reach(self, steps: int) -> bool:
        """Wait until so many are done, or there will be no more; whether they are done."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self.steps >= steps)
            return self.steps >= steps

    def grow(self, steps: int) -> bool:
        """The same for so many more than now."""
        return self.reach(self.steps + steps)
