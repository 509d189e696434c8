"""Discord: an embed, with the picture in it.

Source: discord.com/developers/docs/resources/webhook, "execute webhook"; ".../rate-limits".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from llmtrain_exporter.notify.bots.base import (
    ACCEPTED,
    COLOURS,
    UNREADABLE,
    Chat,
    Judgement,
    Verdict,
    body,
    by_status,
    closed,
    defused,
    encoded,
    message,
    never,
    plain_call,
)
from llmtrain_exporter.notify.bucket import Rate
from llmtrain_exporter.notify.card import Card, body_text, fitted
from llmtrain_exporter.notify.client import Answer, Call, Part
from llmtrain_exporter.notify.config.configure import Bot

MOST_TITLE, MOST_DESCRIPTION = 256, 4096  # characters
MOST_PICTURE_BYTES = 8 * 1024 * 1024
CHART = "chart.png"

_ADDRESS = closed("address", "it says that there is no such webhook: check the bot's url")
_MARKUP = re.compile(r"[\\*_~`|<>\[\]#]")


class DiscordMarkdown:
    """Its markdown, in which a backslash takes a character for itself."""

    newline = "\n"

    def plain(self, text: str) -> str:
        """Words, nothing in them taken for markup."""
        return _MARKUP.sub(r"\\\g<0>", defused(text))

    def strong(self, text: str) -> str:
        """In bold."""
        return f"**{self.plain(text)}**" if text else ""

    def code(self, text: str) -> str:
        """In backticks, between which nothing else is markup."""
        return f"`{defused(text).replace('`', chr(0x2CB))}`" if text else ""

    def link(self, text: str, url: str) -> str:
        """[words](address)"""
        return f"[{self.plain(text)}]({url})"


def _called(one: str) -> str:
    return "@everyone" if one == "all" else f"<@{one}>"


def _length(text: str) -> int:
    """Characters as Discord counts them: units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _short(text: str, most: int) -> str:
    return text.encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore")


def written(card: Card, mention: Sequence[str]) -> dict[str, Any]:
    """A card as Discord's JSON. Nobody is called but those who are meant to be."""
    markup = DiscordMarkdown()
    called = mention if card.loud else ()
    return {
        "content": " ".join(map(_called, called)),
        "embeds": [
            {
                "title": _short(markup.plain(card.title), MOST_TITLE),
                "description": body_text(card, markup),
                "color": COLOURS[card.tone],
            }
        ],
        "allowed_mentions": {
            "parse": ["everyone"] if "all" in called else [],
            "users": [one for one in called if one.isdigit()],
            "roles": [one[1:] for one in called if one.startswith("&")],
        },
    }


def _message(card: Card, mention: Sequence[str]) -> tuple[dict[str, Any], bool]:
    return fitted(
        card,
        lambda one: written(one, mention),
        lambda message: _length(message["embeds"][0]["description"]),
        MOST_DESCRIPTION,
    )


def _attach(content: dict[str, Any], bot: Bot, png: bytes) -> Call:
    embed = {**content["embeds"][0], "image": {"url": f"attachment://{CHART}"}}
    with_picture = {**content, "embeds": [embed]}
    return Call(bot.url, encoded(with_picture), {"files[0]": Part(CHART, png, "image/png")})


def _judge(answer: Answer) -> Judgement:
    if answer.status == 204 or (answer.status == 200 and "id" in body(answer)):
        return ACCEPTED
    if answer.status < 300:
        return UNREADABLE
    if answer.status in (401, 403, 404):
        return _ADDRESS
    by = by_status(answer)
    if by is not None and by.wait is None and by.reason == "rate_limit":
        wait = body(answer).get("retry_after")
        return Judgement(Verdict.LATER, by.reason, by.hint, wait if isinstance(wait, int | float) else None)
    return by or never("card", f"it cannot read the card: {answer.status} {message(body(answer))}")


CHAT = Chat((Rate(4, 2.0),), _message, plain_call, _judge, attach=_attach, most_picture=MOST_PICTURE_BYTES)
