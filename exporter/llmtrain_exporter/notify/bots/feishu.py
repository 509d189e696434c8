"""Feishu and Lark: interactive cards, signed by a key made of the time and the secret.

Source: open.feishu.cn/document, "custom bot usage guide".
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.call import Answer, Call
from llmtrain_exporter.notify.card import Card, Tone, section_texts
from llmtrain_exporter.notify.chat.answers import (
    BUSY,
    KEYWORD,
    RATE,
    UNREADABLE_CARD,
    Judgement,
    body,
    by_code,
    closed,
    own_words,
)
from llmtrain_exporter.notify.chat.descriptor import Bot, Chat, Message, Rate, encoded, encoded_size
from llmtrain_exporter.notify.chat.markup import BoldMarkdown
from llmtrain_exporter.notify.chat.rules import SignedRule

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
    19001: closed("address", words.NO_BOT_OF_URL),
    19002: UNREADABLE_CARD,
    19021: closed("signature", words.SIGNATURE),
    19022: closed("ip", words.MACHINE_NOT_LISTED),
    19024: KEYWORD,
    MALFORMED: UNREADABLE_CARD,
}


class LarkMarkdown(BoldMarkdown):
    """The markdown of cards; characters that are markup are written as numbers."""

    _table: Mapping[int, str] = str.maketrans(
        {character: f"&#{ord(character)};" for character in "&<>*~_`[]\\"}
    )


def signature(timestamp: int, secret: str) -> str:
    """The key is time and secret, and nothing is what is signed."""
    return base64.b64encode(hmac.digest(f"{timestamp}\n{secret}".encode(), b"", "sha256")).decode()


def _write(card: Card, rule: SignedRule) -> Message:
    texts = section_texts(card, LarkMarkdown())
    if card.loud and rule.mention:
        texts.append(" ".join(f"<at id={person}></at>" for person in rule.mention))
    return {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {
                "title": {"tag": "plain_text", "content": rule.with_keyword(card.title)},
                "template": TEMPLATES[card.tone],
            },
            "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": text}} for text in texts],
        },
    }


def _call(message: Message, bot: Bot[SignedRule], now: float) -> Call:
    secret = bot.secrets.get("secret")
    if secret is None:
        return Call(bot.secrets["url"], encoded(message))
    timestamp = int(now)
    signed = {"timestamp": str(timestamp), "sign": signature(timestamp, secret), **message}
    return Call(bot.secrets["url"], encoded(signed))


def _judge(answer: Answer) -> Judgement:
    content = body(answer)
    if content.get("code") == MALFORMED and "too many" in own_words(content).lower():
        return RATE
    # Older bots answer StatusCode where newer ones answer code.
    return by_code(answer, "code" if "code" in content else "StatusCode", CODES)


CHAT = Chat(
    kind="feishu",
    name=Text("Feishu (Lark)", "飞书"),
    rule=SignedRule,
    rates=(Rate(4, 1.0), Rate(90, 60.0)),
    write=_write,
    size=encoded_size,
    most=MOST_BYTES,
    call=_call,
    judge=_judge,
)
