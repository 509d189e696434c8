"""What a chat is: a bot's settings there, its rates, how it wants a card, and how it says that it took it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson

from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.notify.call import Answer, Call
from llmtrain_exporter.notify.card import Card
from llmtrain_exporter.notify.chat.answers import Judgement
from llmtrain_exporter.notify.chat.rules import BotRule, WebhookRule
from llmtrain_exporter.notify.fitting import fitted

Message = dict[str, Any]
"""A card as a chat's JSON."""

R = TypeVar("R", bound=BotRule)
R_co = TypeVar("R_co", bound=BotRule, covariant=True)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages in any stretch of so many seconds."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Bot(Generic[R_co]):
    """A bot to send cards to. `secrets`: by the setting that holds each, those that are given.

    `in_turn`: the secrets of other bots of the same group, with which it takes turns.
    """

    rule: R_co
    lang: Lang
    secrets: Mapping[str, str] = field(repr=False)
    in_turn: tuple[Mapping[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PictureWay(Generic[R]):
    """How a chart, a PNG of no more than `most_bytes`, goes with a card: in one of two ways.

    `attach`: the request that brings the card's message with the PNG in it. `follow`: the one that brings the
    PNG after the card, in a message of its own.
    """

    most_bytes: int
    attach: Callable[[Message, Bot[R], bytes], Call] | None = None
    follow: Callable[[Card, Bot[R], bytes], Call] | None = None


@dataclass(frozen=True, slots=True)
class Chat(Generic[R]):
    """One kind of chat.

    `kind`: its word in settings, names of variables and files. `rule`: what a bot's settings are.
    `rates`: a little below what the chat allows. `write`: a card as its message, which calls the people that
    the rule names if the card is loud; `size` of it, in whatever the chat counts, is `most` at most.
    `call`: the request that brings it to a bot at a Unix time, signed where the chat signs. `judge`: what an
    answer means. `picture` None: it takes none.
    """

    kind: str
    name: Text
    rule: type[R]
    rates: tuple[Rate, ...]
    write: Callable[[Card, R], Message]
    size: Callable[[Message], int]
    most: int
    call: Callable[[Message, Bot[R], float], Call]
    judge: Callable[[Answer], Judgement]
    picture: PictureWay[R] | None = None

    def message(self, card: Card, rule: R) -> tuple[Message, bool]:
        """A card as a message that the chat takes, and whether it had to be cut for that."""
        return fitted(card, lambda shorter: self.write(shorter, rule), self.size, self.most)


def encoded(message: object) -> bytes:
    """JSON in UTF-8, without escapes that would only make it longer."""
    try:
        return orjson.dumps(message)
    except TypeError:  # half of a surrogate pair, which UTF-8 cannot say
        return json.dumps(message).encode()


def encoded_size(message: object) -> int:
    """Bytes of a message as it is sent."""
    return len(encoded(message))


def webhook_call(message: Message, bot: Bot[WebhookRule], _now: float) -> Call:
    """The request to a webhook that wants no signature."""
    return Call(bot.secrets["url"], encoded(message))
