"""The relay's settings from file, folder of secrets, environment and flags, and what is wrong in them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from llmtrain_exporter.config import ConfigError, document
from llmtrain_exporter.config.document import Place
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.chat.descriptor import Bot, Chat
from llmtrain_exporter.notify.chat.rules import BotRule
from llmtrain_exporter.notify.config.errors import dotted, explain
from llmtrain_exporter.notify.config.fields import secret_keys, source_given
from llmtrain_exporter.notify.config.secrets import held_by
from llmtrain_exporter.notify.config.settings import ExporterRule, LinkRule, RelaySettings

PREFIX = "LLMTRAIN_RELAY_"
CONFIG_VARIABLE, FOLDER_VARIABLE = f"{PREFIX}CONFIG", f"{PREFIX}SECRETS"
IN_FOLDER = "relay.yml"

_SINGLE = ("listen", "web_config_file", "log_format", "log_level", "lang", "exporters")
_LINKS = tuple(LinkRule.model_fields)
_IN_FILE_ALONE = ("name", "kind", "per_minute", "per_second", "picture")


@dataclass(frozen=True, slots=True)
class Exporter:
    """An exporter to ask. `auth`: user and password."""

    url: str
    auth: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Configured:
    """The settings in force, with what files and variables held for them."""

    settings: RelaySettings
    bots: tuple[Bot[Any], ...] = ()
    exporters: tuple[Exporter, ...] = ()
    warnings: tuple[str, ...] = ()


def variables() -> Mapping[str, str]:
    """Every variable that is read, with what it is in words."""
    top, link = RelaySettings.model_fields, LinkRule.model_fields
    secrets = dict.fromkeys(f"KIND_{key}" for chat in CHATS.values() for key in secret_keys(chat.rule))
    return {
        CONFIG_VARIABLE: "A file of settings, as --config.",
        FOLDER_VARIABLE: f"A folder; of {IN_FOLDER}, {', '.join(secrets)} what is there is read.",
        **{PREFIX + key.upper(): top[key].description or "" for key in _SINGLE},
        **{f"{PREFIX}LINK_{key.upper()}": link[key].description or "" for key in _LINKS},
        **{
            name: chat.rule.model_fields[key].description or ""
            for chat in CHATS.values()
            for key, name in bot_variables(chat).items()
        },
    }


def bot_variables(chat: Chat[Any]) -> dict[str, str]:
    """The variables of a bot of that chat, by setting; others can be given in a file alone."""
    keys = (key for key in chat.rule.model_fields if key not in _IN_FILE_ALONE and not key.endswith("_env"))
    return {key: f"{PREFIX}{chat.kind}_{key}".upper() for key in keys}


def configure(flags: Mapping[str, str | None], environ: Mapping[str, str], file: str | None) -> Configured:
    """The settings in force: flags before environment before file. Raises ConfigError."""
    given = {name: environ[name] for name in variables() if environ.get(name)}
    folder = _folder(given.get(FOLDER_VARIABLE))
    raw = _Raw()
    raw.add_file(file or given.get(CONFIG_VARIABLE) or _there(folder, IN_FOLDER))
    raw.add_environment(given, folder)
    raw.add_flags({key: value for key, value in flags.items() if value is not None})
    settings = raw.validated()
    bots, exporters = raw.resolved(settings, environ)
    return Configured(settings, bots, exporters, tuple(_unknown(environ)))


def _folder(path: str | None) -> Path | None:
    if path is None:
        return None
    if not Path(path).is_dir():
        raise ConfigError([f"{FOLDER_VARIABLE}: {path} is no folder"])
    return Path(path)


def _there(folder: Path | None, name: str) -> str | None:
    """The path of a file of that folder, if it is there and says something."""
    if folder is None or not (folder / name).is_file() or not (folder / name).stat().st_size:
        return None
    return str(folder / name)


class _Raw:
    """What all sources say, before it is checked, and where each value stands."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._places: dict[Place, str] = {}

    def add_file(self, path: str | None) -> None:
        """A file of settings; paths in it start at its own folder."""
        if path is None:
            return
        try:
            read = document.read(path)
            if not isinstance(read.content, dict):
                raise ValueError("must be a mapping of settings, such as bots: [...]")
        except (OSError, ValueError) as error:
            raise ConfigError([f"{path}: {getattr(error, 'strerror', None) or error}"]) from None
        self._values = read.content
        self._places = {place: f"{path}: line {line}: " for place, line in read.lines.items()}
        self._places[()] = f"{path}: "
        folder = Path(path).parent
        for section in (self._values, *self._items("bots"), *self._items("exporters")):
            for key, value in section.items():
                if str(key).endswith("_file") and isinstance(value, str):
                    section[key] = str(folder / value)

    def _items(self, key: str) -> list[dict[Any, Any]]:
        listed = self._values.get(key)
        return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []

    def add_environment(self, given: Mapping[str, str], folder: Path | None) -> None:
        """What variables say, and files in the folder of secrets."""
        for key in _SINGLE:
            self._set(key, given, PREFIX + key.upper())
        for key in _LINKS:
            self._set_link(key, given, f"{PREFIX}LINK_{key.upper()}")
        for chat in CHATS.values():
            self._add_bot(chat, given, folder)

    def _set(self, key: str, given: Mapping[str, str], name: str) -> None:
        if name in given:
            self._values[key] = given[name]
            self._hide((key,), name)

    def _set_link(self, key: str, given: Mapping[str, str], name: str) -> None:
        links = self._values.setdefault("links", {})
        if name in given and isinstance(links, dict):
            links[key] = given[name]
            self._hide(("links", key), name)

    def _hide(self, place: Place, name: str) -> None:
        """What stands at a place and below it now comes from `name`."""
        self._places = {at: told for at, told in self._places.items() if at[: len(place)] != place}
        self._places[place] = f"{name}: "

    def _add_bot(self, chat: Chat[Any], given: Mapping[str, str], folder: Path | None) -> None:
        names = bot_variables(chat)
        secrets = secret_keys(chat.rule)
        said = {key: given[name] for key, name in names.items() if name in given}
        for key in secrets:
            found = _there(folder, f"{chat.kind}_{key}")
            if found and not {key, f"{key}_file"} & set(said):
                said[f"{key}_file"], names[f"{key}_file"] = found, found
        if not said:
            return
        bots = self._values.setdefault("bots", [])
        if isinstance(bots, list):
            at = ("bots", len(bots))
            self._places[at] = f"{names[secrets[0]]}: "
            self._places.update({(*at, key): f"{name}: " for key, name in names.items()})
            bots.append({"name": chat.kind, "kind": chat.kind, **said})

    def add_flags(self, flags: Mapping[str, str]) -> None:
        """What stands on the command line."""
        for key, value in flags.items():
            self._values[key] = value
            name = "web.config.file" if key == "web_config_file" else key.replace("_", "-")
            self._hide((key,), f"--{name}")

    def validated(self) -> RelaySettings:
        """The settings. Raises ConfigError."""
        try:
            settings = RelaySettings.model_validate(self._values)
        except ValidationError as error:
            told = (self._told(entry["loc"], explain(entry)) for entry in error.errors(include_url=False))
            raise ConfigError(dict.fromkeys(told)) from None
        names = [bot.name for bot in settings.bots]
        twice = [at for at, name in enumerate(names) if name in names[:at]]
        if twice:
            raise ConfigError(
                self._told(
                    ("bots", at, "name"), f"{names[at]} is the name of another bot too; choose another"
                )
                for at in twice
            )
        return settings

    def _told(self, place: Place, problem: str) -> str:
        """Where it is, what it is. The dotted name is left out where a variable's own says as much."""
        at = next((place[:n] for n in range(len(place), -1, -1) if place[:n] in self._places), None)
        where = "" if at is None else self._places[at]
        from_file = at is None or ": line " in where or at == ()
        rest = place if from_file else place[len(at or ()) :]
        return f"{where}{dotted(rest)}{': ' if rest else ''}{problem}"

    def resolved(
        self, settings: RelaySettings, environ: Mapping[str, str]
    ) -> tuple[tuple[Bot[Any], ...], tuple[Exporter, ...]]:
        """Bots and exporters with what their files and variables hold. Raises ConfigError."""
        problems: list[str] = []

        def held(rule: BotRule | ExporterRule, key: str, place: Place) -> str:
            source = source_given(rule, key) or key
            try:
                value = held_by(rule, source, environ)
                return rule.checked_secret(key, value) if isinstance(rule, BotRule) and value else value
            except ValueError as error:
                problems.append(self._told((*place, source), str(error)))
                return ""

        def bot(rule: BotRule, place: Place) -> Bot[Any]:
            secrets = {key: held(rule, key, place) for key in secret_keys(type(rule))}
            given = {key: value for key, value in secrets.items() if value}
            return Bot(rule, rule.lang or settings.lang, given)

        bots = [bot(rule, ("bots", at)) for at, rule in enumerate(settings.bots)]
        exporters = [
            Exporter(
                rule.url, (rule.username, held(rule, "password", ("exporters", n))) if rule.username else None
            )
            for n, rule in enumerate(settings.exporters)
        ]
        if problems:
            raise ConfigError(problems)
        return tuple(bots), tuple(exporters)


def _unknown(environ: Mapping[str, str]) -> Iterator[str]:
    """Variables that are likely misspelt. Others are left alone: Kubernetes makes some with this prefix."""
    known = [name.removeprefix(PREFIX) for name in variables()]
    for name in sorted(environ):
        said = name.removeprefix(PREFIX)
        if said not in (name, *known):
            for likely in difflib.get_close_matches(said, known, 1, 0.8):
                yield f"environment {name} is no setting; did you mean {PREFIX}{likely}?"
