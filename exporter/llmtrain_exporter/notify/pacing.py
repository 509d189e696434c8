"""How often a bot may be spoken to: tokens that come back, silence after a refusal; and whose cards wait."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from llmtrain_exporter.notify.chat.answers import Judgement
from llmtrain_exporter.notify.chat.descriptor import Rate

FIRST_SECONDS, MOST_SECONDS = 2.0, 60.0
MOST_ASKED_SECONDS = 600.0
"""A bot that wants to be left alone for longer is tried after this all the same."""

MOST_WAITING = 5_000


@dataclass(slots=True)
class _RateWindow:
    rate: Rate
    under_way: int = 0
    done: list[float] = field(default_factory=list)  # when a token was put to use, the oldest first

    def left(self, now: float) -> int:
        """Tokens that are there."""
        self._forget(now)
        return max(self.rate.count - self.under_way - len(self.done), 0)

    def _forget(self, now: float) -> None:
        self.done = [at for at in self.done if now - at < self.rate.seconds]

    def wait(self, now: float, spare: float) -> float:
        """Seconds until a token is there; unknown, so infinite, while all of them are under way."""
        self._forget(now)
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
        self._windows = [_RateWindow(rate) for rate in rates]

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
        return min((window.left(now) for window in self._windows), default=0)

    @property
    def half(self) -> int:
        """Half of the tokens of the scarcest rate, but one at least."""
        return max(min((window.rate.count for window in self._windows), default=0) // 2, 1)

    def is_busy(self, now: float, longer: float) -> bool:
        """Whether less than half of the tokens are there of a rate whose tokens take longer to come back."""
        slow = [window for window in self._windows if window.rate.seconds > longer]
        return any(window.left(now) < window.rate.count // 2 for window in slow)


class Pause:
    """How long a bot that refused is left alone: longer with each refusal in a row.

    One bot's. Owned by the event loop's thread.
    """

    def __init__(self) -> None:
        self._until = float("-inf")
        self._next = FIRST_SECONDS
        self._why: Judgement | None = None

    def begin(self, why: Judgement, now: float) -> None:
        """The bot refused: for as long as it says, else twice as long as the last time."""
        # Of several messages under way at once only the first one's refusal counts.
        if now < self._until:
            return
        self._until = now + (self._next if why.wait is None else min(why.wait, MOST_ASKED_SECONDS))
        self._next = min(self._next * 2, MOST_SECONDS)
        self._why = why

    def over(self) -> None:
        """The bot took a message."""
        self._until, self._next, self._why = float("-inf"), FIRST_SECONDS, None

    def reason(self, now: float) -> Judgement | None:
        """Why nothing is sent now, None if it may be tried."""
        return self._why if now < self._until else None


class Waiting:
    """Groups whose cards one bot's limit holds back, with a name for each. Owned by the event loop's thread.

    Alertmanager comes back with each; what it has given up is dropped after `seconds`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._groups: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def add(self, group_key: str, name: str, now: float) -> None:
        """This group has to wait."""
        self._groups[group_key] = (now, name)
        self._groups.move_to_end(group_key)
        while len(self._groups) > MOST_WAITING:
            self._groups.popitem(last=False)

    def drop(self, group_key: str) -> None:
        """This group waits no more."""
        self._groups.pop(group_key, None)

    def names(self, now: float) -> list[str]:
        """The names of those that wait."""
        while self._groups and now - next(iter(self._groups.values()))[0] > self._seconds:
            self._groups.popitem(last=False)
        return [name for _, name in self._groups.values()]
