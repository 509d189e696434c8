"""The relay's settings in force, with what the files and variables hold that they name."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmtrain_exporter.config import ConfigError
from llmtrain_exporter.config.catalogue import Setting, misspelt, settings_of
from llmtrain_exporter.config.layers import Layers, SettingSource
from llmtrain_exporter.config.secrets import secret_keys, secret_of, source_given
from llmtrain_exporter.config.state_folder import usual_state_folder
from llmtrain_exporter.config.yaml_document import Place
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.chat.descriptor import Bot, Chat
from llmtrain_exporter.notify.chat.rules import AddressRule, BotRule
from llmtrain_exporter.notify.config.settings import (
    INSTANCE,
    RELAY,
    ExporterRule,
    PostingRule,
    RelaySettings,
)

FOLDER_VARIABLE = f"{RELAY.prefix}SECRETS"
IN_FOLDER = "relay.yml"
IN_A_FILE_ALONE = ("name", "kind", "per_minute", "per_second", "picture", "in_turn")


@dataclass(frozen=True, slots=True)
class ExporterAddress:
    """An exporter to ask. `auth`: user and password."""

    url: str
    auth: tuple[str, str] | None = field(default=None, repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class ConfiguredRelay:
    """The settings in force, with what files and variables held for them.

    `token`: what who posts alerts has to show; None: nothing.
    `memory_file`: None where there is no bot whose memory to keep, or no place for it.
    """

    settings: RelaySettings
    bots: tuple[Bot[Any], ...] = ()
    exporters: tuple[ExporterAddress, ...] = ()
    warnings: tuple[str, ...] = ()
    memory_file: Path | None = None
    token: str | None = field(default=None, repr=False)


def variables() -> Mapping[str, str]:
    """Every variable that is read, with what it is in words."""
    bots = (setting for chat in CHATS.values() for setting in bot_settings(chat))
    secrets = dict.fromkeys(f"KIND_{key}" for chat in CHATS.values() for key in secret_keys(chat.rule))
    return {
        RELAY.config_variable: "A file of settings, as --config.",
        FOLDER_VARIABLE: f"A folder; of {IN_FOLDER}, {', '.join(secrets)} what is there is read.",
        **{setting.variable: setting.description for setting in (*RELAY.settings, *bots)},
    }


def configure(flags: Mapping[str, object], environ: Mapping[str, str], file: str | None) -> ConfiguredRelay:
    """The settings in force: flags before environment before file. Raises ConfigError."""
    folder = _folder(environ.get(FOLDER_VARIABLE))
    layers = Layers()
    file = file or environ.get(RELAY.config_variable) or _there(folder, IN_FOLDER)
    if file:
        layers.add_file(file, RELAY.example, relative_to_file=True)
    layers.add_environment(RELAY.settings, environ)
    for chat in CHATS.values():
        _add_bot(layers, chat, environ, folder)
    layers.add_flags(RELAY.settings, flags)
    settings = layers.validated(RelaySettings)
    vault = _Vault(layers, environ)
    bots = tuple(vault.bot(rule, ("bots", n), settings.lang) for n, rule in enumerate(settings.bots))
    exporters = tuple(vault.exporter(rule, ("exporters", n)) for n, rule in enumerate(settings.exporters))
    token = vault.token(settings.webhook)
    vault.demand()
    warnings = (*misspelt(environ, variables(), RELAY.prefix), *_unused(settings))
    memory = _memory_file(settings, environ) if bots else None
    return ConfiguredRelay(settings, bots, exporters, warnings, memory, token)


def _unused(settings: RelaySettings) -> Iterator[str]:
    """What was set and has no effect."""
    templates = [rule.url for rule in settings.exporters if INSTANCE in rule.url]
    if templates and not settings.instances:
        yield (
            f"{templates[0]} is never asked: whoever can post an alert could name any host as its instance. "
            'List those that there are as instances, such as "gpu-*:9848"'
        )


def _memory_file(settings: RelaySettings, environ: Mapping[str, str]) -> Path | None:
    """Where the relay keeps its memory: of each port another, so that two relays of a user keep apart."""
    if settings.memory_file:
        return Path(settings.memory_file)
    folder = usual_state_folder(environ)
    return folder / f"relay-{settings.address[1]}.sqlite" if folder is not None else None


def _folder(path: str | None) -> Path | None:
    if not path:
        return None
    if not Path(path).is_dir():
        raise ConfigError([f"{FOLDER_VARIABLE}: {path} is no folder"])
    return Path(path)


def _there(folder: Path | None, name: str) -> str | None:
    """The path of a file of that folder, if it is there and says something."""
    if folder is None or not (folder / name).is_file() or not (folder / name).stat().st_size:
        return None
    return str(folder / name)


def bot_settings(chat: Chat[Any]) -> Iterator[Setting]:
    """What variables can say of the one bot of a chat that needs no file."""
    for setting in settings_of(chat.rule, f"{RELAY.prefix}{chat.kind.upper()}_"):
        if setting.key not in IN_A_FILE_ALONE and not setting.key.endswith("_env"):
            yield setting


def _add_bot(layers: Layers, chat: Chat[Any], environ: Mapping[str, str], folder: Path | None) -> None:
    """The bot of which variables and files in the folder of secrets tell, if they do."""
    sources = {setting.key: SettingSource("environment", setting.variable) for setting in bot_settings(chat)}
    given = {key: environ[source.name] for key, source in sources.items() if environ.get(source.name)}
    secrets = secret_keys(chat.rule)
    for key in secrets:
        found = _there(folder, f"{chat.kind}_{key}")
        if found and not {key, f"{key}_file"} & set(given):
            given[f"{key}_file"], sources[f"{key}_file"] = found, SettingSource("file", found)
    if given:
        rule = {"name": chat.kind, "kind": chat.kind, **given}
        layers.append("bots", rule, sources[secrets[0]], sources)


class _Vault:
    """Looks up secrets, and gathers what is wrong with them."""

    def __init__(self, layers: Layers, environ: Mapping[str, str]) -> None:
        self._layers = layers
        self._environ = environ
        self._problems: list[str] = []

    def bot(self, rule: BotRule, place: Place, lang: Lang) -> Bot[Any]:
        """A bot with its secrets."""
        self._check_authorities(rule, place)
        others = tuple(
            self._secrets(other, (*place, "in_turn", n))
            for n, other in enumerate(getattr(rule, "in_turn", ()))
        )
        return Bot(rule, rule.lang or lang, self._secrets(rule, place), others)

    def exporter(self, rule: ExporterRule, place: Place) -> ExporterAddress:
        """An exporter with its password."""
        self._check_authorities(rule, place)
        password = self._secret(rule, "password", place)
        auth = (rule.username, password or "") if rule.username else None
        return ExporterAddress(rule.url, auth, rule.ca_file)

    def token(self, rule: PostingRule) -> str | None:
        """What who posts alerts has to show."""
        return self._secret(rule, "token", ("webhook",))

    def demand(self) -> None:
        """Raises ConfigError if anything was wrong."""
        if self._problems:
            raise ConfigError(self._problems)

    def _secrets(self, rule: BotRule | AddressRule, place: Place) -> dict[str, str]:
        """Those that are given."""
        found = {key: self._secret(rule, key, place) for key in secret_keys(type(rule))}
        return {key: value for key, value in found.items() if value}

    def _check_authorities(self, rule: BotRule | ExporterRule, place: Place) -> None:
        try:
            if rule.ca_file is not None:
                ssl.create_default_context(cafile=rule.ca_file)
        except ssl.SSLError:
            problem = "holds no certificate"
        except (OSError, ValueError) as error:
            problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        else:
            return
        self._problems.append(f"{self._layers.where((*place, 'ca_file'))}: {rule.ca_file} {problem}")

    def _secret(
        self, rule: BotRule | AddressRule | ExporterRule | PostingRule, key: str, place: Place
    ) -> str | None:
        try:
            value = secret_of(rule, key, self._environ)
            return None if value is None else rule.checked_secret(key, value)
        except ValueError as error:
            where = self._layers.where((*place, source_given(rule, key) or key))
            self._problems.append(f"{where}: {error}")
            return None
