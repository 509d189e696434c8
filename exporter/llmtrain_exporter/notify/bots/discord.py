"""Discord: an embed, with the picture in it.

Source: discord.com/developers/docs/resources/webhook, "execute webhook"; ".../rate-limits".
"""

from __future__ import annotations

import re

from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.call import JSON, Answer, Call, FormField
from llmtrain_exporter.notify.card import Card, body_text
from llmtrain_exporter.notify.chat.answers import (
    ACCEPTED,
    UNREADABLE,
    Judgement,
    body,
    by_status,
    closed,
    own_words,
    unread_card,
)
from llmtrain_exporter.notify.chat.descriptor import (
    Bot,
    Chat,
    Message,
    PictureWay,
    Rate,
    encoded,
    webhook_call,
)
from llmtrain_exporter.notify.chat.markup import COLOURS, defused, utf16_units
from llmtrain_exporter.notify.chat.rules import WebhookRule

MOST_TITLE, MOST_DESCRIPTION = 256, 4096  # characters
MOST_PICTURE_BYTES = 8 * 1024 * 1024
CHART = "chart.png"

_ADDRESS = closed("address", words.NO_WEBHOOK)
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


def _called(person: str) -> str:
    return "@everyone" if person == "all" else f"<@{person}>"


def _short(text: str, most: int) -> str:
    return text.encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore")


def _write(card: Card, rule: WebhookRule) -> Message:
    """Nobody is called but those who are meant to be."""
    markup = DiscordMarkdown()
    called = rule.mention if card.loud else ()
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
            "users": [person for person in called if person.isdigit()],
            "roles": [person[1:] for person in called if person.startswith("&")],
        },
    }


def _size(message: Message) -> int:
    return utf16_units(message["embeds"][0]["description"])


def _with_picture(message: Message, bot: Bot[WebhookRule], png: bytes) -> Call:
    embed = {**message["embeds"][0], "image": {"url": f"attachment://{CHART}"}}
    form = {
        "payload_json": FormField(encoded({**message, "embeds": [embed]}), JSON),
        "files[0]": FormField(png, "image/png", CHART),
    }
    return Call(bot.secrets["url"], form=form)


def _judge(answer: Answer) -> Judgement:
    content = body(answer)
    if answer.status == 204 or (answer.status == 200 and "id" in content):
        return ACCEPTED
    if answer.status < 300:
        return UNREADABLE
    if answer.status in (401, 403, 404):
        return _ADDRESS
    refused = unread_card(f"{answer.status} {own_words(content)}")
    return by_status(answer, content.get("retry_after")) or refused


CHAT = Chat(
    kind="discord",
    name=Text("Discord", "Discord"),
    rule=WebhookRule,
    rates=(Rate(4, 2.0),),
    write=_write,
    size=_size,
    most=MOST_DESCRIPTION,
    call=webhook_call,
    judge=_judge,
    picture=PictureWay(MOST_PICTURE_BYTES, attach=_with_picture),
)
