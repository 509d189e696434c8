"""TLS, headers and passwords from a file in the format of the Prometheus exporter toolkit.

The format: github.com/prometheus/exporter-toolkit, docs/web-configuration.md. Stricter than the toolkit, and
what Python's TLS cannot do is refused. The file and the certificates that it names are read at the start and
when the settings are read again.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StrictBool, ValidationError
from pydantic_core import InitErrorDetails

from llmtrain_exporter.config import ConfigError
from llmtrain_exporter.config.fields import SettingsSection
from llmtrain_exporter.config.layers import Layers
from llmtrain_exporter.config.messages import wrong_value
from llmtrain_exporter.web.tls import TlsError, TlsRule, context_of
from llmtrain_exporter.web.users import Users

_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
_ONE_LINE = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What such a file asks for; `headers` belong to every answer."""

    tls: ssl.SSLContext | None = None
    users: Users | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _one_line(value: str) -> str:
    if not _ONE_LINE.fullmatch(value):
        raise ValueError("must be text on one line")
    return value


def _hashes(value: object) -> object:
    """Told by user: a hash must not be quoted, and a password that stands there instead even less."""
    wrong: list[InitErrorDetails] = []
    for user, known in value.items() if isinstance(value, dict) else ():
        if isinstance(user, str) and not (isinstance(known, str) and _BCRYPT.fullmatch(known)):
            text = f"is no bcrypt hash; htpasswd -nBC 10 {user} makes one"
            wrong.append(wrong_value((user,), None, text))
    if wrong:
        raise ValidationError.from_exception_data("basic_auth_users", wrong)
    return value


Line = Annotated[str, AfterValidator(_one_line)]


class HeadersRule(SettingsSection):
    """Headers that every answer gets."""

    hsts: Line | None = Field(default=None, alias="Strict-Transport-Security")
    content_type: Literal["nosniff"] | None = Field(default=None, alias="X-Content-Type-Options")
    frame: Literal["deny", "sameorigin"] | None = Field(default=None, alias="X-Frame-Options")
    xss: Line | None = Field(default=None, alias="X-XSS-Protection")
    policy: Line | None = Field(default=None, alias="Content-Security-Policy")


class HttpRule(SettingsSection):
    """`http_server_config`."""

    http2: StrictBool = True  # HTTP/1.1 is what is spoken here; clients settle on that by themselves
    headers: HeadersRule = HeadersRule()


class WebRule(SettingsSection):
    """The whole file."""

    tls_server_config: TlsRule = TlsRule()
    http_server_config: HttpRule = HttpRule()
    basic_auth_users: Annotated[Mapping[str, SecretStr], BeforeValidator(_hashes)] = {}


def load(path: str | None) -> WebConfig:
    """The configuration in that file; the usual one without. Raises ConfigError, which never tells a hash."""
    if not path:
        return WebConfig()
    layers = Layers()
    layers.add_file(path, "basic_auth_users: {...}", relative_to_file=True)
    rule = layers.validated(WebRule)
    try:
        tls = context_of(rule.tls_server_config)
    except TlsError as error:
        place = ("tls_server_config", error.key) if error.key else ("tls_server_config",)
        raise ConfigError([f"{layers.where(place)}: {error}"]) from None
    users = {user: known.get_secret_value() for user, known in rule.basic_auth_users.items()}
    headers = rule.http_server_config.headers.model_dump(by_alias=True, exclude_none=True)
    return WebConfig(tls, Users(users) if users else None, headers)
