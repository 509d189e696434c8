"""Feishu and Lark: interactive cards, signed by a key made of the time and the secret.

Source: open.feishu.cn/document, "custom bot usage guide".
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from llmtrain_exporter.notify.bots.base import (
    BUSY,
    RATE,
    BoldMarkdown,
    Chat,
    Judgement,
    body,
    by_code,
    closed,
    encoded,
    message,
    never,
    size,
)
from llmtrain_exporter.notify.bucket import Rate
from llmtrain_exporter.notify.card import Card, Tone, block_texts, fitted
from llmtrain_exporter.notify.client import Answer, Call
from llmtrain_exporter.notify.config.configure import Bot

MOST_BYTES = 20_000  # of 20 KB, with room for time and signature
MALFORMED = 9499  # and too many requests, told apart by the words

TEMPLATES = {
    Tone.CRITICAL: "red",
    Tone.WARNING: "orange",
    Tone.INFO: "blue",
    Tone.GOOD: "green",
    Tone.OVER: "grey",
}

CODES = {
    11232: RATE,
    11200: BUSY,
    19001: closed("address", "it says that the address is no bot's: check the bot's url"),
    19002: never("card", "it cannot read the card"),
    19021: closed(
        "signature", "it says that the signature is wrong: check the secret and this machine's clock"
    ),
    19022: closed("ip", "it does not take messages from this machine: check the bot's list of addresses"),
    19024: closed(
        "keyword", 'it wants a keyword in each message: switch the bot to a signature, or add "step"'
    ),
    MALFORMED: never("card", "it cannot read the card"),
}


class LarkMarkdown(BoldMarkdown):
    """The markdown of cards; characters that are markup are written as numbers."""

    _table: Mapping[int, str] = str.maketrans(
        {character: f"&#{ord(character)};" for character in "&<>*~_`[]\\"}
    )


def signature(timestamp: int, secret: str) -> str:
    """The key is time and secret, and nothing is what is signed."""
    return base64.b64encode(hmac.digest(f"{timestamp}\n{secret}".encode(), b"", "sha256")).decode()


def written(card: Card, mention: Sequence[str]) -> dict[str, Any]:
    """A card as Feishu's JSON."""
    texts = block_texts(card, LarkMarkdown())
    if card.loud and mention:
        texts.append(" ".join(f"<at id={one}></at>" for one in mention))
    return {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {
                "title": {"tag": "plain_text", "content": card.title},
                "template": TEMPLATES[card.tone],
            },
            "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": text}} for text in texts],
        },
    }


def _message(card: Card, mention: Sequence[str]) -> tuple[dict[str, Any], bool]:
    return fitted(card, lambda one: written(one, mention), size, MOST_BYTES)


def _call(content: dict[str, Any], bot: Bot, now: float) -> Call:
    if bot.secret is None:
        return Call(bot.url, encoded(content))
    timestamp = int(now)
    signed = {"timestamp": str(timestamp), "sign": signature(timestamp, bot.secret), **content}
    return Call(bot.url, encoded(signed))


def _judge(answer: Answer) -> Judgement:
    said = body(answer)
    if said.get("code") == MALFORMED and "too many" in message(said).lower():
        return RATE
    # Older bots answer StatusCode where newer ones answer code.
    return by_code(answer, "code" if "code" in said else "StatusCode", CODES)


CHAT = Chat((Rate(4, 1.0), Rate(90, 60.0)), _message, _call, _judge)
