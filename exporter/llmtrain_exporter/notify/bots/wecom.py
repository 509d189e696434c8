"""WeCom (WeChat Work): short markdown, and pictures as messages of their own.

Source: developer.work.weixin.qq.com/document/path/91770, "group bots".
"""

from __future__ import annotations

import base64
import hashlib
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
    never,
    plain_call,
)
from llmtrain_exporter.notify.bucket import Rate
from llmtrain_exporter.notify.card import Card, body_text, fitted
from llmtrain_exporter.notify.client import Answer

MOST_BYTES = 4096
MOST_PICTURE_BYTES = 2 * 1024 * 1024

_NO_BOT = closed("address", "it says that the address is no bot's: check the key in the bot's url")
_CARD = never("card", "it cannot read the card")

CODES = {
    -1: BUSY,
    45009: RATE,
    45033: RATE,
    93000: _NO_BOT,
    93008: _NO_BOT,
    40008: _CARD,
    40058: _CARD,
    44004: _CARD,
    45002: never("too_long", "it says that the card is too long"),
}


class WeComMarkdown(LookAlikes):
    """Its markdown has code."""

    def code(self, text: str) -> str:
        """In backticks."""
        return f"`{self.plain(text)}`" if text else ""


def written(card: Card, mention: Sequence[str]) -> dict[str, Any]:
    """A card as WeCom's JSON."""
    markup = WeComMarkdown()
    called = " ".join(f"<@{one}>" for one in mention) if card.loud else ""
    text = f"### {markup.plain(card.title)}\n{body_text(card, markup)}" + (f"\n{called}" if called else "")
    return {"msgtype": "markdown", "markdown": {"content": text}}


def _message(card: Card, mention: Sequence[str]) -> tuple[dict[str, Any], bool]:
    return fitted(
        card,
        lambda one: written(one, mention),
        lambda message: len(message["markdown"]["content"].encode()),
        MOST_BYTES,
    )


def picture(png: bytes) -> dict[str, Any]:
    """A PNG as a message."""
    digest = hashlib.md5(png, usedforsecurity=False).hexdigest()  # the chat's own check sum
    return {"msgtype": "image", "image": {"base64": base64.b64encode(png).decode(), "md5": digest}}


def _judge(answer: Answer) -> Judgement:
    return by_code(answer, "errcode", CODES)


CHAT = Chat((Rate(18, 60.0),), _message, plain_call, _judge, picture=picture, most_picture=MOST_PICTURE_BYTES)
