"""What the relay can be told: every key once, with its default, constraint and description."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator

from llmtrain_exporter.config import Schema, address, seconds
from llmtrain_exporter.config.fields import SettingsSection
from llmtrain_exporter.config.flag_values import FromText
from llmtrain_exporter.config.messages import wrong_value
from llmtrain_exporter.config.secrets import require_source, source_given
from llmtrain_exporter.config.values import ListenAddress
from llmtrain_exporter.knowledge.text import Lang

KINDS = ("feishu", "dingtalk", "wecom", "slack", "discord")
SIGNED = ("feishu", "dingtalk")
INSTANCE = "{instance}"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_MENTION = re.compile(r"[A-Za-z0-9_.@+&-]{1,100}")
_EVERYBODY = ("wecom",)  # chats whose cards cannot mention everybody


def web_address(value: str) -> str:
    """An http or https address. Raises ValueError without quoting it, for it may be a secret."""
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fine = None
    if not fine or not value.isprintable() or " " in value:
        raise ValueError('is no web address; it has to begin with "https://" or "http://" and a host')
    return value


def _base(value: str) -> str:
    parts = urlsplit(web_address(value.replace(INSTANCE, "instance")))
    if parts.username or parts.password:
        raise ValueError("must not hold a password; give username and password beside url")
    return value.rstrip("/")


def _public(value: str) -> str:
    if INSTANCE in value:
        raise ValueError(f"must not hold {INSTANCE}")
    return _base(value)


def _listed(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("must be letters, digits, dots, dashes and underscores: it stands in an address")
    return value


def _mention(value: str) -> str:
    if not _MENTION.fullmatch(value):
        raise ValueError('must be "all" or the id of somebody in that chat')
    return value


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
Mentions = Annotated[tuple[Annotated[str, AfterValidator(_mention)], ...], BeforeValidator(_listed)]
Severities = Annotated[tuple[Literal["critical", "warning", "info"], ...], BeforeValidator(_listed)]
Count = Annotated[int, Field(ge=1, le=6000)]


class BotRule(SettingsSection):
    """One bot in one chat group."""

    name: Annotated[str, AfterValidator(_name)] = Field(description="What metrics and /alerts/NAME call it.")
    kind: Literal["feishu", "dingtalk", "wecom", "slack", "discord"] = Field(description="Which chat.")
    url: SecretStr | None = Field(default=None, description="The bot's webhook address, a secret.")
    url_file: str | None = Field(default=None, description="A file that holds it.")
    url_env: str | None = Field(default=None, description="An environment variable that holds it.")
    secret: SecretStr | None = Field(default=None, description="What messages are signed with.")
    secret_file: str | None = Field(default=None, description="A file that holds it.")
    secret_env: str | None = Field(default=None, description="An environment variable that holds it.")
    lang: Lang | None = Field(default=None, description="Language of its cards.")
    severities: Severities = Field(default=(), description="What it wants to hear of; all if empty.")
    mention: Mentions = Field(default=(), description='Who is called by a critical card: ids, or "all".')
    per_minute: Count | None = Field(default=None, description="Cards a minute at most.")
    per_second: Count | None = Field(default=None, description="Cards a second at most.")
    picture: bool = Field(default=True, description="Whether a chart comes with a card, where it can.")

    @model_validator(mode="after")
    def _complete(self) -> BotRule:
        require_source(self, "url")
        if source_given(self, "secret") and self.kind not in SIGNED:
            raise ValueError(f"has a secret, but {self.kind} does not sign; only {' and '.join(SIGNED)} do")
        if "all" in self.mention and self.kind in _EVERYBODY:
            raise ValueError(f"a card of {self.kind} cannot mention all; give ids of people")
        return self


class ExporterRule(SettingsSection):
    """An exporter that is asked for the story of a run."""

    url: Annotated[str, AfterValidator(_base)] = Field(description="Its address as the relay reaches it.")
    username: str | None = Field(default=None, description="For basic authentication.")
    password: SecretStr | None = Field(default=None, description="For basic authentication.")
    password_file: str | None = Field(default=None, description="A file that holds it.")
    password_env: str | None = Field(default=None, description="An environment variable that holds it.")

    @model_validator(mode="after")
    def _complete(self) -> ExporterRule:
        password = source_given(self, "password")
        if (password is None) != (self.username is None):
            raise ValueError("must have both or neither of username and a password")
        if password and INSTANCE in self.url:
            # Whoever may post an alert could have the password sent to a host of their own.
            raise ValueError(f"must have no password where the address holds {INSTANCE}")
        return self


def _exporter(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


Exporters = Annotated[
    tuple[Annotated[ExporterRule, BeforeValidator(_exporter)], ...], BeforeValidator(_listed)
]


class LinkRule(SettingsSection):
    """Public addresses, as people reach them from the chat."""

    exporter: Annotated[str, AfterValidator(_public)] | None = Field(
        default=None, description="Of the exporter's pages."
    )
    grafana: Annotated[str, AfterValidator(_public)] | None = Field(default=None, description="Of Grafana.")
    runbook: Annotated[str, AfterValidator(_public)] | None = Field(
        default=None, description="Of the runbook's page."
    )


class RelaySettings(SettingsSection):
    """All settings of the relay."""

    listen: Annotated[ListenAddress, FromText("HOST:PORT")] = Field(
        default="127.0.0.1:9849", description="Address to wait for Alertmanager on."
    )
    web_config_file: Annotated[str | None, FromText("FILE", flag="web.config.file")] = Field(
        default=None, description="TLS and passwords, in the format of the Prometheus exporter toolkit."
    )
    log_format: Annotated[Literal["text", "json"], FromText("text|json")] = Field(
        default="text", description="How the relay logs."
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], FromText("debug|info|warning|error")
    ] = Field(default="info", description="The least severe messages of that log.")
    lang: Lang = Field(default=Lang.EN, description="Language of cards, where a bot says nothing else.")
    exporters: Annotated[Exporters, FromText()] = Field(
        default=(), description='Exporters that are asked for a run; "http://{instance}": the alert\'s own.'
    )
    links: LinkRule = Field(default=LinkRule(), description="Public addresses for the links on a card.")
    expire_after: Seconds = Field(
        default=6 * 3600.0, description="What was resolved longer ago than this is told to nobody."
    )
    remember: Seconds = Field(
        default=3600.0,
        description="How long it is known what a bot has accepted; below Alertmanager's repeat_interval.",
    )
    bots: tuple[BotRule, ...] = Field(default=(), description="Where cards go.")

    @model_validator(mode="after")
    def _names_differ(self) -> RelaySettings:
        names = [bot.name for bot in self.bots]
        wrong = [
            wrong_value(("bots", at, "name"), name, f"{name} is the name of another bot too; choose another")
            for at, name in enumerate(names)
            if name in names[:at]
        ]
        if wrong:
            raise ValidationError.from_exception_data("RelaySettings", wrong)
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        return address(self.listen)


RELAY = Schema(RelaySettings, "LLMTRAIN_RELAY_", "bots: [...]", (("links", "LINK_"),))
