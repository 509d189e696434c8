"""WeCom (WeChat Work): short markdown, and pictures as messages of their own.

Source: developer.work.weixin.qq.com/document/path/91770, "group bots".
"""

from __future__ import annotations

import base64
import hashlib
from typing import ClassVar

from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.call import Answer, Call
from llmtrain_exporter.notify.card import Card, body_text
from llmtrain_exporter.notify.chat.answers import (
    BUSY,
    RATE,
    UNREADABLE_CARD,
    Judgement,
    by_code,
    closed,
    never,
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
from llmtrain_exporter.notify.chat.markup import LookAlikes
from llmtrain_exporter.notify.chat.rules import WebhookRule

MOST_BYTES = 4096
MOST_PICTURE_BYTES = 2 * 1024 * 1024

_NO_BOT = closed("address", words.NO_BOT_OF_KEY)

CODES = {
    -1: BUSY,
    45009: RATE,
    45033: RATE,
    93000: _NO_BOT,
    93008: _NO_BOT,
    40008: UNREADABLE_CARD,
    40058: UNREADABLE_CARD,
    44004: UNREADABLE_CARD,
    45002: never("too_long", words.TOO_LONG),
}


class WeComRule(WebhookRule):
    """A card that mentions all is not to be had: only texts can."""

    can_mention_all: ClassVar[bool] = False


class WeComMarkdown(LookAlikes):
    """Its markdown has code."""

    def code(self, text: str) -> str:
        """In backticks."""
        return f"`{self.plain(text)}`" if text else ""


def _write(card: Card, rule: WeComRule) -> Message:
    markup = WeComMarkdown()
    called = " ".join(f"<@{person}>" for person in rule.mention) if card.loud else ""
    text = f"### {markup.plain(card.title)}\n{body_text(card, markup)}" + (f"\n{called}" if called else "")
    return {"msgtype": "markdown", "markdown": {"content": text}}


def _size(message: Message) -> int:
    return len(message["markdown"]["content"].encode())


def _picture(_card: Card, bot: Bot[WeComRule], png: bytes) -> Call:
    digest = hashlib.md5(png, usedforsecurity=False).hexdigest()  # the chat's own check sum
    image = {"base64": base64.b64encode(png).decode(), "md5": digest}
    return Call(bot.secrets["url"], encoded({"msgtype": "image", "image": image}))


def _judge(answer: Answer) -> Judgement:
    return by_code(answer, "errcode", CODES)


CHAT = Chat(
    kind="wecom",
    name=Text("WeCom", "企业微信"),
    rule=WeComRule,
    rates=(Rate(18, 60.0),),
    write=_write,
    size=_size,
    most=MOST_BYTES,
    call=webhook_call,
    judge=_judge,
    picture=PictureWay(MOST_PICTURE_BYTES, follow=_picture),
)
