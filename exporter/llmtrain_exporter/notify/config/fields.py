"""Values that stand in several of the relay's settings, and what is wrong with them if they are none."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from llmtrain_exporter.config.values import is_web_address

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_PERSON = re.compile(r"[A-Za-z0-9_.@+&-]{1,100}")
_KEYWORD_MARKUP = frozenset("<>*`~[]&\\|")
MOST_KEYWORD = 50
_TOKEN = re.compile(r"[\x21-\x7e]{16,512}")
_INSTANCE = re.compile(r"(?:[A-Za-z0-9.*-]{1,253}|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?", re.ASCII)
MOST_STARS = 2


def web_address(value: str) -> str:
    """An http or https address. Raises ValueError without quoting it, for it may be a secret."""
    if not is_web_address(value):
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


def _keyword(value: str) -> str:
    """What stands on a card as it is: no markup that a chat would change, nothing that is not seen."""
    plain = value.isprintable() and value == value.strip() and not _KEYWORD_MARKUP & set(value)
    if not plain or "://" in value or "www." in value or not 1 <= len(value) <= MOST_KEYWORD:
        raise ValueError(
            f"must be at most {MOST_KEYWORD} characters on one line, without markup, addresses and "
            "blanks around"
        )
    return value


def posting_token(value: str) -> str:
    """What Alertmanager's credentials may be. Raises ValueError without quoting it."""
    if not _TOKEN.fullmatch(value):
        raise ValueError(
            "must be 16 characters or more, none of them a blank; `openssl rand -hex 32` makes one"
        )
    return value


def _instance(value: str) -> str:
    if not _INSTANCE.fullmatch(value) or value.count("*") > MOST_STARS:
        raise ValueError(
            f"must be HOST or HOST:PORT, with at most {MOST_STARS} * for a part of a name between dots"
        )
    return value


BotName = Annotated[str, AfterValidator(_bot_name)]
Mentions = Annotated[tuple[Annotated[str, AfterValidator(_person)], ...], BeforeValidator(listed)]
Severities = Annotated[tuple[Literal["critical", "warning", "info"], ...], BeforeValidator(listed)]
Keyword = Annotated[str, AfterValidator(_keyword)]
Instances = Annotated[tuple[Annotated[str, AfterValidator(_instance)], ...], BeforeValidator(listed)]
Count = Annotated[int, Field(ge=1, le=6000)]
