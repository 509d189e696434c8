"""Slack: blocks of mrkdwn beside a coloured line.

Source: docs.slack.dev, "incoming webhooks", "formatting message text".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmtrain_exporter.notify.bots.base import (
    ACCEPTED,
    COLOURS,
    UNREADABLE,
    Chat,
    Judgement,
    by_status,
    closed,
    defused,
    never,
    plain_call,
)
from llmtrain_exporter.notify.bucket import Rate
from llmtrain_exporter.notify.card import Card, block_texts, fitted
from llmtrain_exporter.notify.client import Answer
from llmtrain_exporter.printable import printable

MOST_CHARACTERS, MOST_IN_BLOCK = 12_000, 3000

_ADDRESS = closed("address", "it says that the address is no webhook of an app: check the bot's url")


class Mrkdwn:
    """Its markup; &, < and > are escaped, what else is markup becomes a character that looks like it."""

    newline = "\n"
    _table = str.maketrans(
        {"&": "&amp;", "<": "&lt;", ">": "&gt;", "*": "\u2217", "`": "\u02cb", "~": "\u223c"}
    )

    def plain(self, text: str) -> str:
        """Words, nothing in them taken for markup."""
        return defused(text).translate(self._table)

    def strong(self, text: str) -> str:
        """In bold."""
        return f"*{self.plain(text)}*" if text else ""

    def code(self, text: str) -> str:
        """In backticks."""
        return f"`{self.plain(text)}`" if text else ""

    def link(self, text: str, url: str) -> str:
        """<address|words>"""
        return f"<{url.replace('&', '&amp;')}|{self.plain(text).replace('|', ' ')}>"


def _called(one: str) -> str:
    if one == "all":
        return "<!channel>"
    return f"<!subteam^{one}>" if one.startswith("S") else f"<@{one}>"


def written(card: Card, mention: Sequence[str]) -> dict[str, Any]:
    """A card as Slack's JSON. The title stands in `text`, which is what notifications show."""
    markup = Mrkdwn()
    called = " ".join(map(_called, mention)) + " " if card.loud and mention else ""
    sections = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
        for text in block_texts(card, markup)
    ]
    return {
        "text": f"{called}{markup.strong(card.title)}",
        "unfurl_links": False,
        "unfurl_media": False,
        "attachments": [{"color": f"#{COLOURS[card.tone]:06x}", "blocks": sections}],
    }


def _share(message: dict[str, Any]) -> float:
    """How much of what is allowed a message takes; above 1 is too much."""
    texts = [len(block["text"]["text"]) for block in message["attachments"][0]["blocks"]]
    return max(max(texts, default=0) / MOST_IN_BLOCK, sum(texts) / MOST_CHARACTERS)


def _message(card: Card, mention: Sequence[str]) -> tuple[dict[str, Any], bool]:
    return fitted(card, lambda one: written(one, mention), lambda one: int(_share(one) * 1000), 1000)


def _judge(answer: Answer) -> Judgement:
    if answer.status == 200:
        return ACCEPTED if answer.body.strip() == b"ok" else UNREADABLE
    if answer.status in (401, 403, 404, 410):
        return _ADDRESS
    word = printable(answer.body[:60].decode(errors="replace"))
    return by_status(answer) or never("card", f"it cannot read the card: {answer.status} {word}")


CHAT = Chat((Rate(1, 1.0),), _message, plain_call, _judge)
