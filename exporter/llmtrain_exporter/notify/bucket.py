"""How often a bot may be spoken to: tokens that come back some time after they were used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages in any stretch of so many seconds."""

    count: int
    seconds: float


@dataclass(slots=True)
class _Window:
    rate: Rate
    under_way: int = 0
    done: list[float] = field(default_factory=list)  # when a token was put to use, the oldest first

    def wait(self, now: float, spare: float) -> float:
        """Seconds until a token is there; unknown, so infinite, while all of them are under way."""
        self.done = [at for at in self.done if now - at < self.rate.seconds]
        allowed = self.rate.count - int(self.rate.count * spare)
        missing = self.under_way + len(self.done) - allowed + 1
        if missing <= 0:
            return 0.0
        if missing > len(self.done):
            return math.inf
        return self.done[missing - 1] + self.rate.seconds - now


class Bucket:
    """The tokens of one bot. Owned by the event loop's thread.

    A token counts as used from `take` until `rate.seconds` after `done`. The bot counts a message somewhere
    between both, so however long a message was on its way, it sees no more than the rate.
    """

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._windows = [_Window(rate) for rate in rates]

    def take(self, now: float, spare: float = 0.0) -> float:
        """Takes a token and returns 0, or the seconds to wait before asking again.

        `spare`: the share of tokens that is left for those who matter more.
        """
        wait = max((window.wait(now, spare) for window in self._windows), default=0.0)
        if wait <= 0:
            for window in self._windows:
                window.under_way += 1
        return max(wait, 0.0)

    def done(self, now: float) -> None:
        """What a token was taken for has been sent, or was given up."""
        for window in self._windows:
            window.under_way -= 1
            window.done.append(now)

    def left(self, now: float) -> int:
        """Tokens that are there now."""
        for window in self._windows:
            window.wait(now, 0.0)
        left = (window.rate.count - window.under_way - len(window.done) for window in self._windows)
        return max(min(left, default=0), 0)
