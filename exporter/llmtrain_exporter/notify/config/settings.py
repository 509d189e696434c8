"""What the relay can be told: every key once, with its default, constraint and description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from llmtrain_exporter.config import Schema, address, seconds
from llmtrain_exporter.config.fields import SettingsSection, chosen_by
from llmtrain_exporter.config.flag_values import Form, FromText
from llmtrain_exporter.config.messages import demand_distinct
from llmtrain_exporter.config.secrets import source_given
from llmtrain_exporter.config.values import HostNames, ListenAddress
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.chat.rules import BotRule
from llmtrain_exporter.notify.config.fields import Instances, base_address, listed, posting_token
from llmtrain_exporter.notify.config.time_zones import zone_named

INSTANCE = "{instance}"


def _base(value: str) -> str:
    base_address(value.replace(INSTANCE, "instance"), "give username and password beside url")
    return value.rstrip("/")


def _public(value: str) -> str:
    if INSTANCE in value:
        raise ValueError(f"must not hold {INSTANCE}")
    return base_address(value)


def _zone(value: str) -> str:
    zone_named(value)
    return value


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]

if TYPE_CHECKING:
    AnyBotRule = BotRule
else:
    AnyBotRule = chosen_by("kind", {kind: chat.rule for kind, chat in CHATS.items()})


class ExporterRule(SettingsSection):
    """An exporter that is asked for the story of a run."""

    url: Annotated[str, AfterValidator(_base)] = Field(description="Its address as the relay reaches it.")
    username: str | None = Field(default=None, description="For basic authentication.")
    password: SecretStr | None = Field(default=None, description="For basic authentication.")
    password_file: str | None = Field(default=None, description="A file that holds it.")
    password_env: str | None = Field(default=None, description="An environment variable that holds it.")
    ca_file: str | None = Field(
        default=None, min_length=1, description="Authorities that its certificate may be of."
    )

    @model_validator(mode="after")
    def _complete(self) -> ExporterRule:
        password = source_given(self, "password")
        if (password is None) != (self.username is None):
            raise ValueError("must have both or neither of username and a password")
        if password and INSTANCE in self.url:
            # Whoever may post an alert could have the password sent to a host of their own.
            raise ValueError(f"must have no password where the address holds {INSTANCE}")
        return self

    def checked_secret(self, key: str, value: str) -> str:  # noqa: ARG002  # as a bot's rule has it
        """Any password is one."""
        return value


def _exporter(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


Exporters = Annotated[
    tuple[Annotated[ExporterRule, BeforeValidator(_exporter)], ...], BeforeValidator(listed)
]


class LinkRule(SettingsSection):
    """Public addresses, as people reach them from the chat."""

    exporter: Annotated[str, AfterValidator(_base)] | None = Field(
        default=None, description="Of the exporter's pages; \"{instance}\" in it: the alert's own."
    )
    grafana: Annotated[str, AfterValidator(_public)] | None = Field(default=None, description="Of Grafana.")
    runbook: Annotated[str, AfterValidator(_public)] | None = Field(
        default=None, description="Of the runbook's page."
    )
    alertmanager: Annotated[str, AfterValidator(_public)] | None = Field(
        default=None, description="Of Alertmanager, for a link that silences."
    )

    def of_instance(self, instance: str | None) -> LinkRule:
        """With that exporter's own pages where each has its own; None: with nobody's."""
        if self.exporter is None or INSTANCE not in self.exporter:
            return self
        own = None if instance is None else self.exporter.replace(INSTANCE, instance)
        return self.model_copy(update={"exporter": own})


class PostingRule(SettingsSection):
    """Who may post alerts."""

    token: SecretStr | None = Field(
        default=None, description="What who posts alerts has to send as Authorization: Bearer."
    )
    token_file: str | None = Field(default=None, description="A file that holds it.")
    token_env: str | None = Field(default=None, description="An environment variable that holds it.")

    @model_validator(mode="after")
    def _has_one_token(self) -> PostingRule:
        source_given(self, "token")
        return self

    def checked_secret(self, key: str, value: str) -> str:  # noqa: ARG002  # as a bot's rule has it
        """The token has to be one that nobody guesses."""
        return posting_token(value)


class RelaySettings(SettingsSection):
    """All settings of the relay."""

    listen: Annotated[ListenAddress, FromText("HOST:PORT")] = Field(
        default="127.0.0.1:9849", description="Address to wait for Alertmanager on."
    )
    web_config_file: Annotated[str | None, FromText("FILE", flag="web.config.file")] = Field(
        default=None, description="TLS and passwords, in the format of the Prometheus exporter toolkit."
    )
    allowed_hosts: Annotated[HostNames, FromText("NAME", Form.LIST, flag="allowed-host")] = Field(
        default=(),
        description="Names under which it may be asked besides its address, such as llm.example.org or "
        "*.example.org. On a loopback address no other name is answered; elsewhere any is, without a list.",
    )
    log_format: Annotated[Literal["text", "json"], FromText("text|json")] = Field(
        default="text", description="How the relay logs."
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], FromText("debug|info|warning|error")
    ] = Field(default="info", description="The least severe messages of that log.")
    lang: Lang = Field(default=Lang.EN, description="Language of cards, where a bot says nothing else.")
    webhook: PostingRule = Field(default=PostingRule(), description="Who may post alerts.")
    exporters: Annotated[Exporters, FromText()] = Field(
        default=(), description='Exporters that are asked for a run; "http://{instance}": the alert\'s own.'
    )
    instances: Instances = Field(
        default=(), description='What "{instance}" may stand for: HOST:PORT, * for a part of a name.'
    )
    links: LinkRule = Field(default=LinkRule(), description="Public addresses for the links on a card.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="Of the times on a card, such as Asia/Shanghai."
    )
    expire_after: Seconds = Field(
        default=6 * 3600.0, description="What was resolved longer ago than this is told to nobody."
    )
    remember: Seconds = Field(
        default=3600.0,
        description="What Alertmanager repeats sooner is no reminder; below its repeat_interval.",
    )
    memory_file: Annotated[str | None, FromText("FILE")] = Field(
        default=None, description="Where it keeps what bots were told; without it below ~/.local/state."
    )
    bots: tuple[AnyBotRule, ...] = Field(default=(), description="Where cards go.")

    @model_validator(mode="after")
    def _names_differ(self) -> RelaySettings:
        names = [bot.name for bot in self.bots]
        fault = "{name} is the name of another bot too; choose another"
        demand_distinct("bots", names, fault, "RelaySettings")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        return address(self.listen)


RELAY = Schema(RelaySettings, "LLMTRAIN_RELAY_", "bots: [...]", (("links", "LINK_"), ("webhook", "WEBHOOK_")))
