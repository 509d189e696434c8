"""A bot's settings: what every bot has, and what bots with a webhook address have besides."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr, model_validator

from llmtrain_exporter.config.fields import SettingsSection
from llmtrain_exporter.config.secrets import require_source, source_given
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.config.fields import (
    BotName,
    Count,
    Keyword,
    Mentions,
    Severities,
    base_address,
    web_address,
)

MOST_IN_TURN = 20
IN_TURN_IN_WORDS = "Other bots of the same group, which take turns with it: its rate is each one's own."


def _proxy(value: str) -> str:
    return base_address(value, "give a proxy with a password as the variable HTTPS_PROXY")


class BotRule(SettingsSection):
    """One bot in one chat group. Each chat has its own kind of these."""

    can_mention_all: ClassVar[bool] = True

    name: BotName = Field(description="What metrics and /alerts/NAME call it.")
    kind: str = Field(description="Which chat.")
    lang: Lang | None = Field(default=None, description="Language of its cards.")
    severities: Severities = Field(default=(), description="What it wants to hear of; all if empty.")
    mention: Mentions = Field(default=(), description='Who is called by a critical card: ids, or "all".')
    per_minute: Count | None = Field(default=None, description="Cards a minute at most.")
    per_second: Count | None = Field(default=None, description="Cards a second at most.")
    picture: bool = Field(default=True, description="Whether a chart comes with a card, where it can.")
    proxy: Annotated[str, AfterValidator(_proxy)] | None = Field(
        default=None, description="The way to it, in place of that of HTTPS_PROXY."
    )
    ca_file: str | None = Field(
        default=None,
        min_length=1,
        description="Authorities that its certificate may be of, in place of the usual ones.",
    )

    @model_validator(mode="after")
    def _may_mention(self) -> BotRule:
        if "all" in self.mention and not self.can_mention_all:
            raise ValueError(f"a card of {self.kind} cannot mention all; give ids of people")
        return self

    def checked_secret(self, key: str, value: str) -> str:  # noqa: ARG002  # for those that check more
        """A secret as its file or variable holds it. Raises ValueError, which must not quote it."""
        return value


class AddressRule(SettingsSection):
    """Where to post to."""

    url: SecretStr | None = Field(default=None, description="The bot's webhook address, a secret.")
    url_file: str | None = Field(default=None, description="A file that holds it.")
    url_env: str | None = Field(default=None, description="An environment variable that holds it.")

    @model_validator(mode="after")
    def _has_address(self) -> AddressRule:
        require_source(self, "url")
        return self

    def checked_secret(self, key: str, value: str) -> str:
        """The address has to be one."""
        return web_address(value) if key == "url" else value


class SignedAddressRule(AddressRule):
    """Where to post messages to that may have to be signed."""

    secret: SecretStr | None = Field(default=None, description="What messages are signed with.")
    secret_file: str | None = Field(default=None, description="A file that holds it.")
    secret_env: str | None = Field(default=None, description="An environment variable that holds it.")

    @model_validator(mode="after")
    def _has_one_secret(self) -> SignedAddressRule:
        source_given(self, "secret")
        return self


class WebhookRule(AddressRule, BotRule):
    """A bot that is an address to post to."""

    in_turn: tuple[AddressRule, ...] = Field(
        default=(), max_length=MOST_IN_TURN, description=IN_TURN_IN_WORDS
    )


class SignedRule(SignedAddressRule, BotRule):
    """Such a bot that may want its messages signed."""

    keyword: Keyword | None = Field(
        default=None, description="A word that the bot asks for: it is put on every card."
    )
    in_turn: tuple[SignedAddressRule, ...] = Field(
        default=(), max_length=MOST_IN_TURN, description=IN_TURN_IN_WORDS
    )

    def with_keyword(self, title: str) -> str:
        """A card's title with the bot's keyword, which stands there however much of the rest is cut."""
        if self.keyword is None or self.keyword in title:
            return title
        return f"{title} [{self.keyword}]"
