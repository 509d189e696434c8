"""Slack: blocks of mrkdwn beside a coloured line.

Source: docs.slack.dev, "incoming webhooks", "formatting message text".
"""

from __future__ import annotations

from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.call import Answer
from llmtrain_exporter.notify.card import Card, section_texts
from llmtrain_exporter.notify.chat.answers import (
    ACCEPTED,
    UNREADABLE,
    Judgement,
    by_status,
    closed,
    unread_card,
)
from llmtrain_exporter.notify.chat.descriptor import Chat, Message, Rate, webhook_call
from llmtrain_exporter.notify.chat.markup import COLOURS, defused
from llmtrain_exporter.notify.chat.rules import WebhookRule
from llmtrain_exporter.printable import printable

MOST_CHARACTERS, MOST_IN_BLOCK = 12_000, 3000

_ADDRESS = closed("address", words.NO_WEBHOOK_OF_APP)


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


def _called(person: str) -> str:
    if person == "all":
        return "<!channel>"
    return f"<!subteam^{person}>" if person.startswith("S") else f"<@{person}>"


def _write(card: Card, rule: WebhookRule) -> Message:
    """The title stands in `text`, which is what notifications show."""
    markup = Mrkdwn()
    called = " ".join(map(_called, rule.mention)) + " " if card.loud and rule.mention else ""
    sections = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
        for text in section_texts(card, markup)
    ]
    return {
        "text": f"{called}{markup.strong(card.title)}",
        "unfurl_links": False,
        "unfurl_media": False,
        "attachments": [{"color": f"#{COLOURS[card.tone]:06x}", "blocks": sections}],
    }


def _per_mille(message: Message) -> int:
    """How much a message takes of what is allowed, in all or in its largest block."""
    texts = [len(block["text"]["text"]) for block in message["attachments"][0]["blocks"]]
    return int(1000 * max(max(texts, default=0) / MOST_IN_BLOCK, sum(texts) / MOST_CHARACTERS))


def _judge(answer: Answer) -> Judgement:
    if answer.status == 200:
        return ACCEPTED if answer.body.strip() == b"ok" else UNREADABLE
    if answer.status in (401, 403, 404, 410):
        return _ADDRESS
    word = printable(answer.body[:60].decode(errors="replace"))
    return by_status(answer) or unread_card(f"{answer.status} {word}")


CHAT = Chat(
    kind="slack",
    name=Text("Slack", "Slack"),
    rule=WebhookRule,
    rates=(Rate(1, 1.0),),
    write=_write,
    size=_per_mille,
    most=1000,
    call=webhook_call,
    judge=_judge,
)
