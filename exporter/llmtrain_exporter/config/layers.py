"""Settings from defaults, file, environment and flags, later before earlier, and what is wrong there."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from llmtrain_exporter.config import document, texts
from llmtrain_exporter.config.document import Place
from llmtrain_exporter.config.profiles import BoundRule, ProfileRule
from llmtrain_exporter.config.settings import RunRule, Settings
from llmtrain_exporter.config.texts import Flag, suggestion

PREFIX = "LLMTRAIN_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
DEFAULT = "default"

_SECRET = re.compile("password|passwd|secret|token|credential|webhook|api_?key", re.IGNORECASE)
_SHOWN_CHARACTERS = 60

TELLING_KEYS = ("match", "profile", "inherits", "limits")
"""Keys by which people see what belongs into a mapping."""


class ConfigError(ValueError):
    """Settings that cannot be used. `problems`: one line each, with place, value and what is allowed."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as people meet it."""

    key: str  # in the file
    flag: str  # "--listen"; of a positional one its metavar
    variable: str  # in the environment
    text: Flag
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class Configured:
    """The settings in force and, by key, where each comes from."""

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...]


def catalogue() -> tuple[Setting, ...]:
    """All settings, in the order in which they are documented."""
    return tuple(_setting(key, info) for key, info in Settings.model_fields.items())


def _setting(key: str, info: FieldInfo) -> Setting:
    text = next(entry for entry in info.metadata if isinstance(entry, Flag))
    flag = text.metavar if text.positional else "--" + (text.name or key.replace("_", "-"))
    default = _plain(Settings())[key]
    shown = default if isinstance(default, str) else json.dumps(default) if default else ""
    return Setting(key, flag, PREFIX + key.upper(), text, shown, info.description or "")


def configure(flags: Mapping[str, object], environ: Mapping[str, str], file: str | None) -> Configured:
    """The settings in force. `flags`: texts by key, None or empty where not given. Raises ConfigError."""
    file = file or environ.get(CONFIG_VARIABLE) or None
    layers = [_file_layer(file)] if file else []
    layers += [_environment_layer(environ), _flag_layer(flags)]
    values = {key: value for layer in layers for key, value in layer.values.items()}
    problems = [problem for layer in layers for problem in layer.problems(values)]
    if problems:
        raise ConfigError(problems)
    origins = {key: layer.origin(key) for layer in layers for key in layer.values}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_contradictions(error, layers, origins)) from None
    return Configured(
        settings, {key: origins.get(key, DEFAULT) for key in Settings.model_fields}, tuple(_unknown(environ))
    )


def _contradictions(
    error: ValidationError, layers: Iterable[_Layer], origins: Mapping[str, str]
) -> Iterator[str]:
    """What one source says and another, whose profiles go before its own, makes wrong."""
    telling = {key: layer for layer in layers for key in layer.values}
    for entry in error.errors(include_url=False):
        where = telling[str(entry["loc"][0])].where(entry["loc"])
        yield f"{where}: {_explain(entry)}; profiles are those of {origins.get('profiles', DEFAULT)}"


def check_file(file: str) -> None:
    """Raises ConfigError if the file cannot be used."""
    problems = list(_file_layer(file).problems({}))
    if problems:
        raise ConfigError(problems)


def show(configured: Configured) -> str:
    """The settings as a YAML file, each on one line with a comment that says where it comes from."""
    lines = []
    for key, value in _plain(configured.settings).items():
        # JSON is YAML on one line; what is no plain text is escaped there, or it could end the line.
        shown = json.dumps(value, ensure_ascii=not json.dumps(value, ensure_ascii=False).isprintable())
        lines.append(f"{key}: {shown}  # {configured.origins[key]}\n")
    return "".join(lines)


def _plain(settings: Settings) -> dict[str, Any]:
    plain = settings.model_dump(mode="json")
    plain["profiles"] = {
        name: rule.model_dump(mode="json", exclude_defaults=True) for name, rule in settings.profiles.items()
    }
    plain["runs"] = [rule.model_dump(mode="json", exclude_defaults=True) for rule in settings.runs]
    return plain


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one source says. `origin` names the source of a key, `where` the place of a problem."""

    values: Mapping[str, object]
    origin: Callable[[str], str]
    where: Callable[[Place], str]
    unread: tuple[str, ...] = ()

    def problems(self, others: Mapping[str, object]) -> Iterator[str]:
        """What is wrong with it, one line each. `others`: all values; a rule names what stands elsewhere."""
        yield from self.unread
        try:
            Settings.model_validate({**others, **self.values})
        except ValidationError as error:
            for entry in error.errors(include_url=False):
                if entry["loc"][0] in self.values:
                    yield f"{self.where(entry['loc'])}: {_explain(entry)}"


def _file_layer(file: str) -> _Layer:
    try:
        read = document.read(file)
        if not isinstance(read.content, dict):
            raise ValueError("must be a mapping of settings, such as listen: 127.0.0.1:9848")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError([f"{file}: {reason}"]) from None

    def where(place: Place) -> str:
        line = next((read.lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in read.lines), 1)
        return f"{file}: line {line}: {_dotted(place)}"

    return _Layer(read.content, lambda _: f"file {file}", where)


def _environment_layer(environ: Mapping[str, str]) -> _Layer:
    variables = {one.key: one.variable for one in catalogue()}
    given = [one for one in catalogue() if environ.get(one.variable)]

    def value(one: Setting) -> object:
        return texts.from_environment(one.text.kind, environ[one.variable])

    return _text_layer(given, value, "environment", variables)


def _flag_layer(flags: Mapping[str, object]) -> _Layer:
    names = {one.key: one.flag for one in catalogue()}
    given = [one for one in catalogue() if flags.get(one.key) not in (None, ())]

    def value(one: Setting) -> object:
        said = flags[one.key]
        return texts.read(one.text.kind, said if isinstance(said, tuple) else (str(said),))

    return _text_layer(given, value, "flag", names)


def _text_layer(
    given: Iterable[Setting], value: Callable[[Setting], object], source: str, names: Mapping[str, str]
) -> _Layer:
    values: dict[str, object] = {}
    unread = []
    for one in given:
        try:
            values[one.key] = value(one)
        except ValueError as error:  # noqa: PERF203  # all that is wrong is told at once
            unread.append(f"{names[one.key]}: {error}")

    def where(place: Place) -> str:
        inner = _dotted(place[1:])
        return names[str(place[0])] + (f": {inner}" if inner else "")

    return _Layer(values, lambda key: f"{source} {names[key]}", where, tuple(unread))


def _unknown(environ: Mapping[str, str]) -> Iterator[str]:
    """Variables that are likely misspelt. Others with the prefix are left alone: Kubernetes makes some."""
    known = [one.variable.removeprefix(PREFIX) for one in catalogue()] + [
        CONFIG_VARIABLE.removeprefix(PREFIX)
    ]
    for name in sorted(environ):
        said = name.removeprefix(PREFIX)
        if said not in (name, *known):
            for likely in difflib.get_close_matches(said, known, 1, 0.8):
                yield f"environment {name} is no setting; did you mean {PREFIX}{likely}?"


def _dotted(place: Place) -> str:
    """runs[0].profile"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place if part != "[key]")
    return text.removeprefix(".")


_MESSAGES = {
    "invalid_key": "the key must be text; put it in quotes",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "missing": "is missing",
    "string_type": "must be text; put it in quotes",
    "string_unicode": "must be UTF-8 text",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of names to values",
    "mapping_type": "must be a mapping of names to values",
    "model_type": "must be a mapping with keys such as {keys}",
    "model_attributes_type": "must be a mapping with keys such as {keys}",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}


def _explain(error: Any) -> str:
    """What is wrong with one value, from pydantic's account of it."""
    place, value, context = error["loc"], error["input"], error.get("ctx", {})
    if "expected" in context:
        context = {"expected": context["expected"].replace("'", "")}
    keys = _model(place).model_fields
    if error["type"] == "extra_forbidden":
        return f"unknown key{suggestion(str(place[-1]), keys)}"
    context = {"keys": " and ".join(key for key in TELLING_KEYS if key in keys), **context}
    message = _MESSAGES.get(error["type"], error["msg"]).format(**context)
    return f"{message}, not {_shown(place, value)}" if message.startswith("must be") else message


def _model(place: Place) -> type[BaseModel]:
    """What stands at a place, or around it."""
    if len(place) == 1:
        return Settings
    if place[0] == "runs":
        return RunRule
    return BoundRule if "limits" in place[2:] else ProfileRule


def _shown(place: Place, value: object) -> str:
    """A value for an error message: short, on one line, and never one that may be secret."""
    if _SECRET.search(_dotted(place)):
        return "the one given"
    text = json.dumps(value, default=str, skipkeys=True)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
