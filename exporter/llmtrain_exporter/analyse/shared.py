"""One of many equal values, for all runs: those of one kind have the same columns, keys and settings."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

KEPT = 4096
"""Values, or rules, remembered; a run asks for a dozen, and only those asked for last matter."""


def shared(value: T) -> T:
    """An equal value that was asked for before, or this one. It must never change."""
    found: T = _shared(value)
    return found


@lru_cache(maxsize=KEPT)
def numbered(values: tuple[T, ...]) -> Mapping[T, int]:
    """The place of each of some values."""
    return {each: at for at, each in enumerate(values)}


@lru_cache(maxsize=KEPT)
def _shared(value: T) -> T:
    return value
