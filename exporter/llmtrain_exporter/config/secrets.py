"""Secrets from where a setting says that they are: beside KEY a section has KEY_file and KEY_env."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

MOST_SECRET_BYTES = 64 * 1024


def secret_keys(section: type[BaseModel]) -> tuple[str, ...]:
    """The secrets of a section: what can also stand in a file or a variable."""
    return tuple(key for key in section.model_fields if f"{key}_file" in section.model_fields)


def source_given(section: BaseModel, key: str) -> str | None:
    """Under which of its keys a section gives a secret, None if under none. Raises ValueError if several."""
    given = [source for source in _sources(key) if getattr(section, source) is not None]
    if len(given) > 1:
        raise ValueError(f"must have one of {', '.join(_sources(key))}, not several")
    return given[0] if given else None


def require_source(section: BaseModel, key: str) -> None:
    """Raises ValueError unless a section gives a secret, once."""
    if source_given(section, key) is None:
        raise ValueError(f"must have one of {', '.join(_sources(key))}")


def secret_of(section: BaseModel, key: str, environ: Mapping[str, str]) -> str | None:
    """The secret `key`, None if it is not given. Raises ValueError, which never quotes it."""
    source = source_given(section, key)
    if source is None:
        return None
    given = getattr(section, source)
    if source.endswith("_file"):
        return _from_file(given)
    if source.endswith("_env"):
        return _from_variable(given, environ)
    value: str = given.get_secret_value().strip()
    if not value:
        raise ValueError("is empty")
    return value


def _sources(key: str) -> tuple[str, str, str]:
    return key, f"{key}_file", f"{key}_env"


def _from_variable(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ValueError(f"the environment variable {name} is not set")
    return value


def _from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MOST_SECRET_BYTES + 1)
        text = content.decode().strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise ValueError(f"{path} is no UTF-8 text") from None
    if not text or len(content) > MOST_SECRET_BYTES or "\n" in text:
        raise ValueError(f"{path} must hold one line")
    return text
