"""The bot that cards go to: what it has to be told, and its entry in the relay's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ValidationError

from llmtrain_exporter.config.secrets import secret_keys
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.chat.rules import BotRule
from llmtrain_exporter.notify.config.configure import bot_settings
from llmtrain_exporter.setup.folder import SECRETS


class ChatError(ValueError):
    """What a bot was told cannot be used; never quotes a secret."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a bot can be told. `secret`: it is not to be shown, and stands in a file of its own."""

    key: str
    variable: str
    what: str
    secret: bool
    required: bool


@dataclass(frozen=True, slots=True)
class ChosenBot:
    """An entry of the relay's `bots`, and its secrets by their path below the folder."""

    entry: Mapping[str, object]
    secrets: Mapping[str, str] = field(repr=False)


def kinds() -> list[str]:
    """The chats that there are."""
    return list(CHATS)


def questions(kind: str) -> Iterator[Question]:
    """What a bot of this chat can be told, the necessary first."""
    chat = CHATS[kind]
    secrets = secret_keys(chat.rule)
    for setting in sorted(bot_settings(chat), key=lambda each: each.key not in secrets[:1]):
        key = setting.key
        if key.endswith("_file") or (key not in secrets and key not in _ASKED):
            continue
        required = key == secrets[0] or chat.rule.model_fields[key].is_required()
        yield Question(key, setting.variable, setting.description, key in secrets, required)


_ASKED = ("keyword", "chat_id", "message_thread_id", "api_url")
"""What is no secret and not the same for every chat."""


def secret_path(kind: str, key: str) -> str:
    """Where a secret of that bot stands, below the folder."""
    return f"{SECRETS}/{kind}_{key}"


def earlier(relay: Path, kind: str) -> dict[str, str]:
    """What the relay's file says of its bot of this chat; nothing where it has none, or cannot be read."""
    try:
        content = yaml.safe_load(relay.read_bytes())
        [entry] = (bot for bot in content["bots"] if bot["kind"] == kind)
        return {str(key): str(value) for key, value in entry.items()}
    except (OSError, yaml.YAMLError, RecursionError, LookupError, TypeError, ValueError, AttributeError):
        return {}


def chosen(kind: str, answers: Mapping[str, str], lang: Lang) -> ChosenBot:
    """The bot of these answers by their keys. Raises ChatError."""
    rule = CHATS[kind].rule
    secrets = {key: value for key, value in answers.items() if key in secret_keys(rule)}
    plain = {key: value for key, value in answers.items() if key not in secrets}
    files = {f"{key}_file": secret_path(kind, key) for key in secrets}
    entry: dict[str, object] = {"name": kind, "kind": kind, "lang": lang.value, **plain, **files}
    try:
        checked = rule.model_validate(entry)
    except ValidationError as error:
        faults = (f"{kind}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ChatError("\n".join(faults)) from None
    for key, value in secrets.items():
        _check(checked, key, value)
    return ChosenBot(entry, {secret_path(kind, key): value + "\n" for key, value in secrets.items()})


def _check(rule: BotRule, key: str, value: str) -> None:
    try:
        if not value.isprintable():
            raise ValueError("must be one line of characters that can be seen")
        rule.checked_secret(key, value)
    except ValueError as error:
        raise ChatError(f"{rule.kind}: {key} {error}") from None
