"""DingTalk: markdown, signed in the address. Who sends more than 20 a minute is blocked for ten.

Source: open.dingtalk.com/document, "custom bots: send group messages".
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Any

from llmtrain_exporter.notify.bots.base import (
    BUSY,
    RATE,
    Chat,
    Judgement,
    LookAlikes,
    by_code,
    closed,
    encoded,
    never,
    size,
)
from llmtrain_exporter.notify.bucket import Rate
from llmtrain_exporter.notify.card import Card, body_text, fitted
from llmtrain_exporter.notify.client import Answer, Call
from llmtrain_exporter.notify.config.configure import Bot

MOST_BYTES = 19_500  # of 20,000

_NO_BOT = closed("address", "it says that the address is no bot's: check the access_token in the bot's url")
_TOO_LONG = never("too_long", "it says that the card is too long")
_UNWELCOME = never("content", "it does not like a link or a word in the card")

CODES = {
    -1: BUSY,
    130101: RATE,
    90018: RATE,
    90030: RATE,
    410100: RATE,
    310000: closed(
        "signature",
        "it says that its security settings are not met: check the secret, this machine's clock, and that "
        "the bot asks for a signature and for no keyword",
    ),
    300001: _NO_BOT,
    300005: _NO_BOT,
    400101: _NO_BOT,
    400106: _NO_BOT,
    400102: closed("disabled", "it says that the bot is switched off: switch it on in its group"),
    40035: never("card", "it cannot read the card"),
    101002: _TOO_LONG,
    460101: _TOO_LONG,
    430101: _UNWELCOME,
    430102: _UNWELCOME,
    430104: _UNWELCOME,
}


class DingMarkdown(LookAlikes):
    """Its markdown, in which a line ends with two spaces."""

    newline = "  \n"


def signature(milliseconds: int, secret: str) -> str:
    """The key is the secret, and time and secret are what is signed. Not yet quoted for an address."""
    text = f"{milliseconds}\n{secret}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


def written(card: Card, mention: Sequence[str]) -> dict[str, Any]:
    """A card as DingTalk's JSON. Who is mentioned has to stand in the text as well."""
    markup = DingMarkdown()
    called = mention if card.loud else ()
    people = [one for one in called if one != "all"]
    names = " ".join(f"@{one}" for one in people)
    text = f"### {markup.plain(card.title)}\n\n{body_text(card, markup)}" + (f"\n\n{names}" if names else "")
    return {
        "msgtype": "markdown",
        "markdown": {"title": card.title, "text": text},
        "at": {
            "atMobiles": [one for one in people if one.lstrip("+").replace("-", "").isdigit()],
            "atUserIds": [one for one in people if not one.lstrip("+").replace("-", "").isdigit()],
            "isAtAll": "all" in called,
        },
    }


def _message(card: Card, mention: Sequence[str]) -> tuple[dict[str, Any], bool]:
    return fitted(card, lambda one: written(one, mention), size, MOST_BYTES)


def _call(content: dict[str, Any], bot: Bot, now: float) -> Call:
    if bot.secret is None:
        return Call(bot.url, encoded(content))
    milliseconds = int(now * 1000)
    params = {"timestamp": str(milliseconds), "sign": signature(milliseconds, bot.secret)}
    return Call(bot.url, encoded(content), params=params)


def _judge(answer: Answer) -> Judgement:
    return by_code(answer, "errcode", CODES)


CHAT = Chat((Rate(18, 60.0),), _message, _call, _judge)
