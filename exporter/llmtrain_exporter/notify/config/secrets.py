"""Secrets from where a setting says that they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

MOST_SECRET_BYTES = 64 * 1024


def held_by(rule: BaseModel, source: str, environ: Mapping[str, str]) -> str:
    """A secret from where a rule says that it is, empty if it says nothing. Raises ValueError."""
    said = getattr(rule, source)
    if said is None:
        return ""
    if source.endswith("_file"):
        return _from_file(said)
    if source.endswith("_env"):
        value = environ.get(said, "").strip()
        if not value:
            raise ValueError(f"the environment variable {said} is not set")
        return value
    value = said.get_secret_value().strip()
    if not value:
        raise ValueError("is empty")
    return str(value)


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
