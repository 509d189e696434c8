"""Telegram: HTML of a few tags to a chat's id, and pictures as messages of their own.

Source: core.telegram.org/bots/api, "sendMessage", "sendPhoto", "HTML style", "ResponseParameters";
core.telegram.org/bots/faq, "my bot is hitting limits"; errors as the open Bot API server words them
(github.com/tdlib/telegram-bot-api).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from llmtrain_exporter.config.secrets import require_source
from llmtrain_exporter.knowledge import bot_words as words
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.call import Answer, Call, FormField
from llmtrain_exporter.notify.card import Card, body_text
from llmtrain_exporter.notify.chat.answers import (
    ACCEPTED,
    UNREADABLE,
    Judgement,
    body,
    by_status,
    closed,
    filled,
    never,
    own_words,
    unread_card,
)
from llmtrain_exporter.notify.chat.descriptor import Bot, Chat, Message, PictureWay, Rate, encoded
from llmtrain_exporter.notify.chat.markup import ZERO_WIDTH, defused, utf16_units
from llmtrain_exporter.notify.chat.rules import BotRule
from llmtrain_exporter.notify.config.fields import base_address
from llmtrain_exporter.notify.fitting import short

MOST_TEXT, MOST_CAPTION = 4096, 1024
"""Characters that are left once tags and entities are taken out. It counts no surrogate pairs; we do."""

MOST_PICTURE_BYTES = 10 * 1024 * 1024

_CHAT_ID = re.compile(r"-?[0-9]{1,19}|@[A-Za-z][A-Za-z0-9_]{3,31}")
_TOKEN = re.compile(r"[0-9]{3,19}:[A-Za-z0-9_-]{20,100}")
# What clients make a link of: a name with a dot in it, whoever's name follows an @, a command after a /.
_LINK_LIKE = re.compile(r"\.(?=[^\W\d_])|@(?=\w)|(?<![\w/<>])/(?=\w)")
_TAG = re.compile(r"<[^>]*>")

_TOKEN_WRONG = closed("token", words.TOKEN)
_NOT_IN_CHAT = closed("chat", words.NOT_IN_CHAT)
_NO_CHAT = closed("chat", words.NO_CHAT)
_NO_TOPIC = closed("topic", words.NO_TOPIC)
_TOO_LARGE = never("too_long", words.TOO_LARGE)

REFUSALS = (
    ("chat not found", _NO_CHAT),
    ("peer_id_invalid", _NO_CHAT),
    ("group chat was deactivated", _NO_CHAT),
    ("thread not found", _NO_TOPIC),
    ("topic_closed", _NO_TOPIC),
    ("topic_deleted", _NO_TOPIC),
    ("not enough rights", _NOT_IN_CHAT),
    ("have no rights", _NOT_IN_CHAT),
    ("chat_write_forbidden", _NOT_IN_CHAT),
    ("too long", _TOO_LARGE),
    ("too_long", _TOO_LARGE),
)
"""What stands in the description of HTTP status 400, in small letters, and what it means."""


def _chat_id(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _known_chat_id(value: str) -> str:
    if not _CHAT_ID.fullmatch(value):
        raise ValueError("must be a number such as -1001234567890, or @ and the name of a public group")
    return value


ChatId = Annotated[str, BeforeValidator(_chat_id), AfterValidator(_known_chat_id)]


class TelegramRule(BotRule):
    """A bot that writes to one chat, by its token."""

    can_mention_all: ClassVar[bool] = False

    token: SecretStr | None = Field(default=None, description="The bot's token from BotFather, a secret.")
    token_file: str | None = Field(default=None, description="A file that holds it.")
    token_env: str | None = Field(default=None, description="An environment variable that holds it.")
    chat_id: ChatId = Field(
        description="The group or channel: a number, or @ and its public name.", examples=[-1001234567890]
    )
    message_thread_id: int | None = Field(default=None, ge=1, description="The topic within that group.")
    api_url: Annotated[str, AfterValidator(base_address)] = Field(
        default="https://api.telegram.org",
        description="The Bot API: Telegram's, or your own server.",
    )

    @model_validator(mode="after")
    def _has_token(self) -> TelegramRule:
        require_source(self, "token")
        return self

    def checked_secret(self, key: str, value: str) -> str:
        """It stands in an address, so it must be nothing but a token."""
        if key == "token" and not _TOKEN.fullmatch(value):
            raise ValueError("is no token; BotFather shows one as digits, a colon, and letters")
        return value


class TelegramHtml:
    """Text in which only tags are markup."""

    newline = "\n"

    def plain(self, text: str) -> str:
        """Words, nothing in them taken for markup, for a link, a command or somebody's name."""
        apart = _LINK_LIKE.sub(lambda match: match[0] + ZERO_WIDTH, defused(text))
        return html.escape(apart, quote=False)

    def strong(self, text: str) -> str:
        """In bold."""
        return f"<b>{self.plain(text)}</b>" if text else ""

    def code(self, text: str) -> str:
        """As code, in which clients find no links; a tap copies it, so it stays as it is."""
        return f"<code>{html.escape(text, quote=False)}</code>" if text else ""

    def link(self, text: str, url: str) -> str:
        """Words that lead to an address."""
        return f'<a href="{html.escape(url)}">{self.plain(text)}</a>'


def parsed_length(markup: str) -> int:
    """Characters that are left of such text without tags and entities."""
    return utf16_units(html.unescape(_TAG.sub("", markup)))


def _called(person: str) -> str:
    if person.isdigit():
        return f'<a href="tg://user?id={person}">{person}</a>'
    return f"@{html.escape(person.removeprefix('@'))}"


def _write(card: Card, rule: TelegramRule) -> Message:
    markup = TelegramHtml()
    called = " ".join(map(_called, rule.mention)) if card.loud else ""
    text = f"{markup.strong(card.title)}\n\n{body_text(card, markup)}" + (f"\n\n{called}" if called else "")
    return {
        **_address(rule),
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _address(rule: TelegramRule) -> dict[str, Any]:
    topic = {} if rule.message_thread_id is None else {"message_thread_id": rule.message_thread_id}
    return {"chat_id": rule.chat_id, **topic}


def _size(message: Message) -> int:
    return parsed_length(message["text"])


def _url(bot: Bot[TelegramRule], method: str) -> str:
    return f"{bot.rule.api_url}/bot{bot.secrets['token']}/{method}"


def _call(message: Message, bot: Bot[TelegramRule], _now: float) -> Call:
    return Call(_url(bot, "sendMessage"), encoded(message))


def _picture(card: Card, bot: Bot[TelegramRule], png: bytes) -> Call:
    # A character may count twice, and may get one of no width behind it.
    title = TelegramHtml().strong(short(card.title, MOST_CAPTION // 4))
    fields = {**_address(bot.rule), "caption": title, "parse_mode": "HTML"}
    form = {key: FormField(str(value).encode("utf-8", "replace")) for key, value in fields.items()}
    return Call(_url(bot, "sendPhoto"), form={**form, "photo": FormField(png, "image/png", "chart.png")})


def _judge(answer: Answer) -> Judgement:
    content = body(answer)
    if not isinstance(content.get("ok"), bool):
        unreadable = UNREADABLE if answer.status < 400 else closed("address", _strange(answer.status))
        return by_status(answer) or (_TOO_LARGE if answer.status == 413 else unreadable)
    if content["ok"]:
        return ACCEPTED if answer.status < 300 else UNREADABLE
    parameters = content.get("parameters")
    return _refusal(answer, content, parameters if isinstance(parameters, Mapping) else {})


def _strange(status: int) -> Text:
    return filled(words.NOT_THE_API, answer=status)


def _refusal(answer: Answer, content: Mapping[str, Any], parameters: Mapping[str, Any]) -> Judgement:
    """What an answer means that is no success. `parameters`: what it says for programs."""
    if answer.status in (401, 404, 421):
        return _TOKEN_WRONG
    if answer.status == 403:
        return _NOT_IN_CHAT
    if answer.status == 413:
        return _TOO_LARGE
    moved = parameters.get("migrate_to_chat_id")
    if isinstance(moved, int):
        return closed("chat", filled(words.MOVED, moved=moved))
    said = own_words(content)
    known = (judged for part, judged in REFUSALS if part in said.lower())
    refused = unread_card(f"{answer.status} {said}")
    return by_status(answer, parameters.get("retry_after")) or next(known, refused)


CHAT = Chat(
    kind="telegram",
    name=Text("Telegram", "Telegram"),
    rule=TelegramRule,
    rates=(Rate(1, 1.0), Rate(18, 60.0)),
    write=_write,
    size=_size,
    most=MOST_TEXT,
    call=_call,
    judge=_judge,
    picture=PictureWay(MOST_PICTURE_BYTES, follow=_picture),
)
