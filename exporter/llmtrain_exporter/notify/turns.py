"""The bots of one group that take turns: a chat's rate is each bot's own, so together they tell more."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from llmtrain_exporter.notify.chat.answers import Judgement
from llmtrain_exporter.notify.chat.descriptor import Bot, Rate
from llmtrain_exporter.notify.pacing import Bucket, Pause


@dataclass(frozen=True, slots=True)
class Turn:
    """One of these bots, with its own tokens and pause."""

    bot: Bot[Any]
    bucket: Bucket
    pause: Pause


class Turns:
    """All of them, at least one. Owned by the event loop's thread.

    `take` keeps the turn for whoever sends next: which message goes to which bot does not matter.
    """

    def __init__(self, bots: Iterable[Bot[Any]], rates: Sequence[Rate]) -> None:
        """`rates`: of each of them."""
        self._waiting = deque(Turn(bot, Bucket(rates), Pause()) for bot in bots)
        self._taken: deque[Turn] = deque()

    def take(self, now: float, spare: float = 0.0) -> float:
        """Takes a token of the next bot that has one and returns 0, or seconds to wait: see Bucket.take."""
        shortest = math.inf
        for turn in tuple(self._waiting):
            wait = turn.bucket.take(now, spare) if turn.pause.reason(now) is None else math.inf
            if wait <= 0:
                self._waiting.remove(turn)
                self._waiting.append(turn)
                self._taken.append(turn)
                return 0.0
            shortest = min(shortest, wait)
        return shortest

    def taken(self) -> Turn:
        """The bot whose token was taken, the longest ago; its token is used up by `bucket.done`."""
        return self._taken.popleft()

    def closed(self, now: float) -> Judgement | None:
        """Why none of them takes anything now, None if one may."""
        reasons = [turn.pause.reason(now) for turn in self._waiting]
        return None if None in reasons else reasons[0]

    def left(self, now: float) -> int:
        """Tokens that are there now, of all."""
        return sum(turn.bucket.left(now) for turn in self._waiting)

    @property
    def half(self) -> int:
        """Half of the tokens, but one at least."""
        return sum(turn.bucket.half for turn in self._waiting)

    def is_busy(self, now: float, longer: float) -> bool:
        """Whether all of them are: see Bucket.is_busy."""
        return all(turn.bucket.is_busy(now, longer) for turn in self._waiting)
