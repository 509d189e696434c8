"""DingTalk: markdown, signed in the address. Who sends more than 20 a minute is blocked for ten.

Source: open.dingtalk.com/document, "custom bots: send group messages".
"""

from __future__ import annotations

import base64
import hmac

from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.call import Answer, Call
from llmtrain_exporter.notify.card import Card, body_text
from llmtrain_exporter.notify.chat.answers import (
    BUSY,
    KEYWORD,
    RATE,
    UNREADABLE_CARD,
    Judgement,
    body,
    by_code,
    closed,
    never,
    own_words,
)
from llmtrain_exporter.notify.chat.descriptor import Bot, Chat, Message, Rate, encoded, encoded_size
from llmtrain_exporter.notify.chat.markup import LookAlikes
from llmtrain_exporter.notify.chat.rules import SignedRule

MOST_BYTES = 19_500  # of 20,000

_NO_BOT = closed("address", words.NO_BOT_OF_TOKEN)
_TOO_LONG = never("too_long", words.TOO_LONG)
_UNWELCOME = never("content", words.UNWELCOME)

SECURITY = 310000  # whichever of the three settings is not met, which its words tell apart

CODES = {
    -1: BUSY,
    130101: RATE,
    90018: RATE,
    90030: RATE,
    410100: RATE,
    SECURITY: closed("signature", words.SECURITY),
    300001: _NO_BOT,
    300005: _NO_BOT,
    400101: _NO_BOT,
    400106: _NO_BOT,
    400102: closed("disabled", words.SWITCHED_OFF),
    40035: UNREADABLE_CARD,
    101002: _TOO_LONG,
    460101: _TOO_LONG,
    430101: _UNWELCOME,
    430102: _UNWELCOME,
    430104: _UNWELCOME,
}


_SECURITY_WORDS = (
    ("keyword", KEYWORD),
    ("whitelist", closed("ip", words.MACHINE_REFUSED)),
)


class DingMarkdown(LookAlikes):
    """Its markdown, in which a line ends with two spaces."""

    newline = "  \n"


def signature(milliseconds: int, secret: str) -> str:
    """The key is the secret, and time and secret are what is signed. Not yet quoted for an address."""
    text = f"{milliseconds}\n{secret}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


def _write(card: Card, rule: SignedRule) -> Message:
    """Who is mentioned has to stand in the text as well."""
    markup = DingMarkdown()
    title = rule.with_keyword(card.title)
    called = rule.mention if card.loud else ()
    people = [person for person in called if person != "all"]
    names = " ".join(f"@{person}" for person in people)
    text = f"### {markup.plain(title)}\n\n{body_text(card, markup)}" + (f"\n\n{names}" if names else "")
    return {
        "msgtype": "markdown",
        "markdown": {"title": title, "text": text},
        "at": {
            "atMobiles": [person for person in people if _is_mobile(person)],
            "atUserIds": [person for person in people if not _is_mobile(person)],
            "isAtAll": "all" in called,
        },
    }


def _is_mobile(person: str) -> bool:
    return person.lstrip("+").replace("-", "").isdigit()


def _call(message: Message, bot: Bot[SignedRule], now: float) -> Call:
    secret = bot.secrets.get("secret")
    if secret is None:
        return Call(bot.secrets["url"], encoded(message))
    milliseconds = int(now * 1000)
    params = {"timestamp": str(milliseconds), "sign": signature(milliseconds, secret)}
    return Call(bot.secrets["url"], encoded(message), params=params)


def _judge(answer: Answer) -> Judgement:
    content = body(answer)
    if content.get("errcode") == SECURITY:
        words = own_words(content).lower()
        return next((judged for word, judged in _SECURITY_WORDS if word in words), CODES[SECURITY])
    return by_code(answer, "errcode", CODES)


CHAT = Chat(
    kind="dingtalk",
    name=Text("DingTalk", "钉钉"),
    rule=SignedRule,
    rates=(Rate(18, 60.0),),
    write=_write,
    size=encoded_size,
    most=MOST_BYTES,
    call=_call,
    judge=_judge,
)
