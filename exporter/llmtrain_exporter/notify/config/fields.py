"""Values that stand in several of the relay's settings, and what is wrong with them if they are none."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_PERSON = re.compile(r"[A-Za-z0-9_.@+&-]{1,100}")


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
