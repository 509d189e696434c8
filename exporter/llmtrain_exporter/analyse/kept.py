"""A list that stays short: the first and the last of what was put in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Remembers so many items, half of them the first and half the last, and counts all."""

    __slots__ = ("_first", "_last", "_most", "total")

    def __init__(self, most: int) -> None:
        self._most = most
        self._first: list[T] = []
        self._last: list[T] = []
        self.total = 0

    def add(self, item: T) -> T | None:
        """Put an item in; the one that is forgotten for it."""
        self.total += 1
        if len(self._first) < self._most - self._most // 2:
            self._first.append(item)
            return None
        self._last.append(item)
        return self._last.pop(0) if len(self._last) > self._most // 2 else None

    def __iter__(self) -> Iterator[T]:
        yield from self._first
        yield from self._last
