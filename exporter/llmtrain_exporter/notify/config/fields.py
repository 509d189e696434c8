"""Values that stand in several of the relay's settings, and what is wrong with them if they are none."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_PERSON = re.compile(r"[A-Za-z0-9_.@+&-]{1,100}")


class StrictModel(BaseModel):
    """Settings that belong together; a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


def base_address(value: str, instead: str = "") -> str:
    """A web address that others are made of, without a slash at its end. Raises ValueError.

    `instead`: what to do with a password, which must not stand in it.
    """
    parts = urlsplit(web_address(value))
    if parts.username or parts.password:
        raise ValueError("must not hold a password" + (f"; {instead}" if instead else ""))
    return value.rstrip("/")


def listed(value: object) -> object:
    """A list as a variable holds it: "a, b"."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _bot_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("must be letters, digits, dots, dashes and underscores: it stands in an address")
    return value


def _person(value: str) -> str:
    if not _PERSON.fullmatch(value):
        raise ValueError('must be "all" or the id of somebody in that chat')
    return value


BotName = Annotated[str, AfterValidator(_bot_name)]
Mentions = Annotated[tuple[Annotated[str, AfterValidator(_person)], ...], BeforeValidator(listed)]
Severities = Annotated[tuple[Literal["critical", "warning", "info"], ...], BeforeValidator(listed)]
Count = Annotated[int, Field(ge=1, le=6000)]


def secret_keys(section: type[BaseModel]) -> tuple[str, ...]:
    """The settings whose value can also stand in a file (KEY_file) or a variable (KEY_env): secrets."""
    return tuple(key for key in section.model_fields if f"{key}_file" in section.model_fields)


def sources_of(key: str) -> tuple[str, str, str]:
    """The settings that may hold a secret, or say where it is."""
    return key, f"{key}_file", f"{key}_env"


def source_given(section: BaseModel, key: str) -> str | None:
    """The one of those that is given, None if none is. Raises ValueError if several are."""
    given = [source for source in sources_of(key) if getattr(section, source) is not None]
    if len(given) > 1:
        raise ValueError(f"must have one of {', '.join(sources_of(key))}, not several")
    return given[0] if given else None


def require_source(section: BaseModel, key: str) -> None:
    """Raises ValueError unless exactly one of those is given."""
    if source_given(section, key) is None:
        raise ValueError(f"must have one of {', '.join(sources_of(key))}")
