"""Where history is sent: a server that takes remote write, and how it is reached.

The keys are those of Prometheus' own block `remote_write`, as far as they are here; beside each secret there
is its KEY_file and its KEY_env.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from llmtrain_exporter.config.fields import SettingsSection
from llmtrain_exporter.config.messages import demand_distinct
from llmtrain_exporter.config.run_rules import Labels
from llmtrain_exporter.config.secrets import require_source, source_given
from llmtrain_exporter.config.values import Name, Seconds, is_web_address

_OURS = ("content-type", "content-encoding", "content-length", "host", "connection", "transfer-encoding")
"""Headers that the protocol itself needs as they are."""


def _web_address(value: str) -> str:
    """Raises ValueError without quoting the address: it may hold a secret."""
    if not is_web_address(value) or not value.isascii():
        raise ValueError('is no web address; it must be like "http://prometheus:9090/api/v1/write"')
    parts = urlsplit(value)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no password; give basic_auth beside url")
    return value


def _header_name(name: str) -> str:
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError("must be the name of a header, such as X-Scope-OrgID")
    if name.lower() in (*_OURS, "authorization"):
        raise ValueError("is a header that is set already; for a password or token there are other keys")
    return name


class BasicAuth(SettingsSection):
    """User and password."""

    username: Name = Field(description="For basic authentication.")
    password: SecretStr | None = Field(default=None, description="For basic authentication.")
    password_file: str | None = Field(default=None, description="A file that holds it.")
    password_env: str | None = Field(default=None, description="An environment variable that holds it.")

    @model_validator(mode="after")
    def _has_password(self) -> BasicAuth:
        require_source(self, "password")
        return self


class Authorization(SettingsSection):
    """The header Authorization."""

    type: Name = Field(default="Bearer", description="Its first word.")
    credentials: SecretStr | None = Field(default=None, description="The rest of it.")
    credentials_file: str | None = Field(default=None, description="A file that holds them.")
    credentials_env: str | None = Field(default=None, description="An environment variable that holds them.")

    @model_validator(mode="after")
    def _has_credentials(self) -> Authorization:
        require_source(self, "credentials")
        return self


class HeaderRule(SettingsSection):
    """The value of one header."""

    value: SecretStr | None = Field(default=None, description="What it says.")
    value_file: str | None = Field(default=None, description="A file that holds it.")
    value_env: str | None = Field(default=None, description="An environment variable that holds it.")

    @model_validator(mode="after")
    def _has_value(self) -> HeaderRule:
        require_source(self, "value")
        return self


class ClientTls(SettingsSection):
    """TLS as a client has it."""

    ca_file: Name | None = Field(default=None, description="Authorities that its certificate may be of.")
    cert_file: Name | None = Field(default=None, description="The certificate that is shown to the server.")
    key_file: Name | None = Field(default=None, description="Its key.")
    server_name: Name | None = Field(default=None, description="The name that its certificate is for.")
    insecure_skip_verify: bool = Field(default=False, description="Believe any certificate.")

    @model_validator(mode="after")
    def _complete(self) -> ClientTls:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("must have both or neither of cert_file and key_file")
        return self


def _header(value: object) -> object:
    return {"value": value} if isinstance(value, (str, int)) and not isinstance(value, bool) else value


Headers = Mapping[
    Annotated[str, AfterValidator(_header_name)], Annotated[HeaderRule, BeforeValidator(_header)]
]


class RemoteWriteRule(SettingsSection):
    """A server that takes remote write."""

    typical_keys: ClassVar[tuple[str, ...]] = ("url", "basic_auth")

    url: Annotated[str, AfterValidator(_web_address)] = Field(
        description="Where it takes remote write, such as http://prometheus:9090/api/v1/write."
    )
    name: Name | None = Field(default=None, description="What metrics call it, where two have one address.")
    remote_timeout: Annotated[Seconds, Field(gt=0)] = Field(
        default=30.0, description="How long an answer is waited for."
    )
    labels: Labels = Field(default={}, description="Labels for each series, such as instance.")
    headers: Headers = Field(default={}, description="Headers of each request, such as X-Scope-OrgID.")
    basic_auth: BasicAuth | None = Field(default=None, description="User and password.")
    authorization: Authorization | None = Field(default=None, description="The header Authorization.")
    bearer_token: SecretStr | None = Field(default=None, description="What it takes as a bearer token.")
    bearer_token_file: str | None = Field(default=None, description="A file that holds it.")
    bearer_token_env: str | None = Field(default=None, description="An environment variable that holds it.")
    tls_config: ClientTls = Field(default=ClientTls(), description="How its certificate is verified.")

    @model_validator(mode="after")
    def _one_way_in(self) -> RemoteWriteRule:
        ways = (self.basic_auth, self.authorization, source_given(self, "bearer_token"))
        if sum(way is not None for way in ways) > 1:
            raise ValueError("must have one of basic_auth, authorization and a bearer token, not several")
        return self

    @property
    def destination(self) -> str:
        """What metrics and messages call it: its name, or its address without what may be secret."""
        parts = urlsplit(self.url)
        return self.name or f"{parts.scheme}://{parts.netloc}{parts.path}"


def _remote_write(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


RemoteWrites = tuple[Annotated[RemoteWriteRule, BeforeValidator(_remote_write)], ...]


def names_differ(rules: RemoteWrites, model: str) -> None:
    """Raises ValidationError where two servers would be called the same."""
    names = [rule.destination for rule in rules]
    demand_distinct("remote_write", names, "{name} is another one too; give each a name", model)
