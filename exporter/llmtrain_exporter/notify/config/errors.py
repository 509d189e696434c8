"""What is wrong with a setting, in words that tell no secret."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from llmtrain_exporter.config.document import Place
from llmtrain_exporter.config.texts import suggestion
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.config.settings import ExporterRule, LinkRule, RelaySettings


def dotted(place: Place) -> str:
    """bots[0].url"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


_MESSAGES = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_type": "must be text; put it in quotes",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of keys to values",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}
_MAY_BE_SHOWN = frozenset(
    ("kind", "lang", "severities", "listen", "log_format", "log_level", "per_minute", "per_second", "picture")
)


def explain(error: Any) -> str:
    """What is wrong with one value. Only the values of keys that never hold a secret are quoted."""
    place, value, context = error["loc"], error["input"], error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        return _unknown(place)
    if "expected" in context:
        context = {"expected": str(context["expected"]).replace("'", "")}
    message = _MESSAGES.get(error["type"], error["msg"]).format(**context)
    shown = (
        message.startswith("must be") and _MAY_BE_SHOWN & set(place) and not isinstance(value, dict | list)
    )
    return f"{message}, not {json.dumps(value, default=str)[:60]}" if shown else message


def _unknown(place: Place) -> str:
    key = str(place[-1])
    chats = [kind for kind, chat in CHATS.items() if key in chat.rule.model_fields]
    if place[0] == "bots" and chats:
        return f"is no setting of this chat; only {' and '.join(chats)} {'have' if chats[1:] else 'has'} it"
    return f"unknown key{suggestion(key, _keys(place))}"


def _keys(place: Place) -> Collection[str]:
    """The settings that there are at a place; of a bot those of all chats."""
    if len(place) == 1:
        return RelaySettings.model_fields
    if place[0] == "bots":
        return dict.fromkeys(key for chat in CHATS.values() for key in chat.rule.model_fields)
    return (ExporterRule if place[0] == "exporters" else LinkRule).model_fields
