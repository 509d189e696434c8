"""The last few of some values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Lately(list[T]):
    """The last values, oldest first. A deque of a handful takes ten times as much memory."""

    __slots__ = ("_most",)

    def __init__(self, most: int, values: Iterable[T] = ()) -> None:
        """`most`: how many are kept."""
        super().__init__(values)
        self._most = most
        del self[:-most]

    def note(self, value: T) -> None:
        """Take in the newest."""
        self.append(value)
        if len(self) > self._most:
            del self[0]

    def note_all(self, values: Sequence[T]) -> None:
        """Take in the newest, oldest first."""
        self.extend(values[-self._most :])
        del self[: -self._most]
