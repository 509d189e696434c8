"""What the epochs in rows say of their steps."""

from __future__ import annotations

import math

_HUNDREDTHS = 0.005  # most that a printed epoch with two decimals is off
_DIGITS = 5e-4  # share that one of four significant digits is off


class EpochScale:
    """Steps per epoch within bounds, by rows whose step and epoch are known. Printed epochs are rounded."""

    def __init__(self) -> None:
        self._least, self._most = 0.0, math.inf
        self._hundredths = True  # no epoch so far had more than two decimals

    def note(self, step: int, epoch: float) -> None:
        """A row of `step` stands at `epoch`."""
        self._hundredths = self._hundredths and round(epoch, 2) == epoch
        off = self._off(epoch)
        if not epoch > off:
            return
        least, most = step / (epoch + off), step / (epoch - off)
        if least > self._most or most < self._least:
            self._least, self._most = least, most  # they agree no longer: the newer one counts
        else:
            self._least, self._most = max(self._least, least), min(self._most, most)

    def first_step(self, epoch: float) -> float:
        """The first step that can be printed with this epoch; 0 where nothing is known."""
        return self._least * max(epoch - self._off(epoch), 0.0)

    def last_step(self, epoch: float) -> float:
        """The last step that can be printed with this epoch; infinite where nothing is known."""
        return self._most * (epoch + self._off(epoch))

    def _off(self, epoch: float) -> float:
        return _HUNDREDTHS if self._hundredths else _DIGITS * epoch
