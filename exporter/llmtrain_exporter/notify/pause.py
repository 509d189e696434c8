"""How long a bot that refused is left alone: longer with each refusal in a row."""

from __future__ import annotations

from llmtrain_exporter.notify.bots.base import Judgement

FIRST_SECONDS, MOST_SECONDS = 2.0, 60.0
MOST_ASKED_SECONDS = 600.0
"""A bot that wants to be left alone for longer is tried after this all the same."""


class Pause:
    """One bot's. Owned by the event loop's thread."""

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
