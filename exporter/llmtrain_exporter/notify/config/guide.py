"""The chats as a help text lists them: what each is called, and what a bot of it has to be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmtrain_exporter.config.secrets import secret_keys
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.chat.descriptor import Chat
from llmtrain_exporter.notify.chat.rules import BotRule
from llmtrain_exporter.notify.config.configure import IN_A_FILE_ALONE
from llmtrain_exporter.notify.config.settings import RELAY


def chat_names(lang: Lang) -> list[str]:
    """Every chat, as people call it."""
    return [chat.name.of(lang) for chat in CHATS.values()]


def names_with_charts(lang: Lang) -> list[str]:
    """The chats to which a chart can be sent with a card."""
    return [chat.name.of(lang) for chat in CHATS.values() if chat.picture is not None]


def own_settings(chat: Chat[Any]) -> list[str]:
    """What a bot of this chat can be told and others cannot, without the ways to give a secret."""
    secrets = secret_keys(chat.rule)
    ways = {f"{key}{way}" for key in secrets for way in ("_file", "_env")}
    return [
        key for key in chat.rule.model_fields if key not in {*BotRule.model_fields, *ways, *IN_A_FILE_ALONE}
    ]


def common_settings() -> list[str]:
    """What a bot of any chat can be told, but for what concerns charts."""
    return [
        key for key, field in BotRule.model_fields.items() if not field.is_required() and key != "picture"
    ]


def variable_lines() -> Iterator[str]:
    """The variables of each chat's bot that no other has: "LLMTRAIN_RELAY_KIND_URL, _SECRET"."""
    for chat in CHATS.values():
        names = (f"_{key}".upper() for key in own_settings(chat))
        yield f"{RELAY.prefix}{chat.kind.upper()}{', '.join(names)}"


def entry_lines() -> Iterator[str]:
    """A bot of each chat as a file of settings has it, with its secrets in files."""
    for chat in CHATS.values():
        secrets = {f"{key}_file": f"{chat.kind}_{key}" for key in secret_keys(chat.rule)}
        examples = {key: field.examples for key, field in chat.rule.model_fields.items() if field.examples}
        entry = {"name": f"our-{chat.kind}", "kind": chat.kind, **secrets}
        entry |= {key: str(example[0]) for key, example in examples.items() if example}
        yield "{" + ", ".join(f"{key}: {value}" for key, value in entry.items()) + "}"
