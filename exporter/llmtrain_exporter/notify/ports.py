"""What one bot's delivery needs of the world outside, and what it says came of a card."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.call import Answer, Call
from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.notify.compose import Backlog
from llmtrain_exporter.notify.telemetry import RelayTelemetry
from llmtrain_exporter.notify.webhook import Notification


class Result(str, Enum):
    """What became of a card for one bot."""

    SENT = "sent"
    KNOWN = "known"  # it was sent before
    STALE = "stale"  # the bot knows better already
    EARLY = "early"  # it may turn out to be no news; Alertmanager comes again in its next interval
    UNWANTED = "unwanted"  # no alert of a severity that the bot wants
    LATER = "later"
    CLOSED = "closed"  # not before a person has done something
    NEVER = "never"  # refused in every form; it stands in the log


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result, and why in one word and in a sentence."""

    result: Result
    reason: str = ""
    hint: Text | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return self.result.value + (f" ({self.reason}: {self.hint.en})" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Ports:
    """Clocks, network and numbers. `clock` never goes back; `now` is Unix time.

    `post` sends a call in a thread of its own. `ending`: whether the relay is about to end.
    """

    clock: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    post: Callable[[Call], Awaitable[Answer]]
    ending: Callable[[], bool]
    telemetry: RelayTelemetry


@dataclass(frozen=True, slots=True)
class Draft:
    """How a card and its chart are made once there is a token. `chart` None: no picture is to be had.

    `compose` is given what is left to be told of the group.
    """

    compose: Callable[[Backlog, Notification], Awaitable[Card]]
    chart: Callable[[], Awaitable[bytes | None]] | None = None
