"""What is wrong with settings, in words that tell where and what to do, and no secret."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from llmtrain_exporter.config.fields import (
    Spot,
    has_secret_key,
    holds_secret,
    keys_of,
    sections_in,
    spot_of,
    typical_keys,
)
from llmtrain_exporter.config.yaml_document import Place

_SECRET = re.compile("password|passwd|secret|token|credential|webhook|api_?key", re.IGNORECASE)
_SHOWN_CHARACTERS = 60

_MESSAGES = {
    "invalid_key": "the key must be text; put it in quotes",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le}",
    "missing": "is missing",
    "string_type": "must be text; put it in quotes",
    "string_unicode": "must be UTF-8 text",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "dict_type": "must be a mapping of names to values",
    "mapping_type": "must be a mapping of names to values",
    "model_type": "must be a mapping with keys such as {keys}",
    "model_attributes_type": "must be a mapping with keys such as {keys}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "union_tag_invalid": "must be {expected}",
    "union_tag_not_found": "is missing",
    "value_error": "{error}",
}

_CLOSED = (
    *("literal_error", "enum", "union_tag_invalid", "bool_parsing", "bool_type", "int_parsing", "int_type"),
    *("greater_than", "greater_than_equal", "less_than", "less_than_equal"),
)
"""Errors of values that are chosen or counted and never secret, also beside a secret."""


class ConfigError(ValueError):
    """Settings that cannot be used. `problems`: one line each, with place, value and what is allowed."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the value at a place. `rests_on`: a setting that makes it wrong."""

    place: Place
    text: str
    rests_on: str = ""


def wrong_value(place: Place, value: object, text: str, rests_on: str = "") -> InitErrorDetails:
    """What is wrong somewhere below a model or field, for pydantic's own errors."""
    error = PydanticCustomError("value_error", "{error}", {"error": text, "rests_on": rests_on})
    return InitErrorDetails(type=error, loc=place, input=value)


def demand_distinct(key: str, names: Sequence[str], fault: str, model: str) -> None:
    """Raises ValidationError where entries of a list are called the same. `fault` says so of a `{name}`."""
    wrong = [
        wrong_value((key, at, "name"), name, fault.format(name=name))
        for at, name in enumerate(names)
        if name in names[:at]
    ]
    if wrong:
        raise ValidationError.from_exception_data(model, wrong)


def explained(error: ErrorDetails, model: type[BaseModel]) -> Problem:
    """What is wrong with one value, from pydantic's account of it."""
    spot, context, kind = spot_of(model, error["loc"]), error.get("ctx", {}), error["type"]
    value = error["input"]
    if kind == "union_tag_not_found" and not isinstance(value, Mapping):
        kind = "model_type"
    if kind.startswith("union_tag"):
        key = context["discriminator"].strip("'()")
        spot = Spot((*spot.place, key), next(sections_in(spot.wanted), spot.owner), str)
        value = context.get("tag")
    if kind == "extra_forbidden":
        return Problem(spot.place, _unknown(spot))
    text = _MESSAGES.get(kind, error["msg"]).format_map({**context, **_words(spot, context)})
    shown = text.startswith("must be") and _may_be_shown(spot, kind)
    return Problem(spot.place, f"{text}, not {_short(value)}" if shown else text, context.get("rests_on", ""))


def dotted(place: Place) -> str:
    """A place as people write it: runs[0].profile"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def suggestion(word: str, allowed: Iterable[str], elsewhere: Iterable[str] = ()) -> str:
    """What somebody may have meant with an unknown word, here or `elsewhere`; else all that is allowed."""
    here = list(allowed)
    names = {_plain(name): name for name in (*elsewhere, *here)}
    likely = difflib.get_close_matches(_plain(word), names, 1)
    return f"; did you mean {names[likely[0]]}?" if likely else f"; allowed: {', '.join(here)}"


def _plain(word: str) -> str:
    return word.lower().replace("-", "_").replace(".", "_")


def _unknown(spot: Spot) -> str:
    key = str(spot.place[-1])
    others = {tag: keys_of(next(sections_in(kind))) for tag, kind in spot.tagged.items()}
    having = [tag for tag, keys in others.items() if key in keys]
    if having:
        verb = "have" if len(having) > 1 else "has"
        return f"is no setting of {spot.tag}; only {' and '.join(having)} {verb} it"
    return f"unknown key{suggestion(key, keys_of(spot.owner), chain(*others.values()))}"


def _words(spot: Spot, context: dict[str, Any]) -> dict[str, str]:
    """What the messages need beside what pydantic says."""
    words = {"keys": " and ".join(typical_keys(next(sections_in(spot.wanted), spot.owner)))}
    if "expected" in context:
        words["expected"] = str(context["expected"]).replace("'", "")
    if "expected_tags" in context:
        *tags, last = str(context["expected_tags"]).replace("'", "").split(", ")
        words["expected"] = f"{', '.join(tags)} or {last}" if tags else last
    return words


def _may_be_shown(spot: Spot, kind: str) -> bool:
    """Never a secret, nor what may be one that was put under the wrong key."""
    if _SECRET.search(dotted(spot.place)) or holds_secret(spot.wanted):
        return False
    return kind in _CLOSED or not has_secret_key(spot.owner)


def _short(value: object) -> str:
    text = json.dumps(value, default=str, skipkeys=True)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
