"""What is remembered of the files that a search meets, as long as the next one meets them too."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
SeenT = TypeVar("SeenT")


class MetFiles(Generic[KeyT, SeenT]):
    """What was seen of files, by whatever tells them apart. For one thread at a time."""

    def __init__(self) -> None:
        self._seen: dict[KeyT, SeenT] = {}
        self._before: dict[KeyT, SeenT] = {}  # by the search before

    def begin_search(self) -> None:
        """Forget the files that the search before did not meet."""
        self._before, self._seen = self._seen, {}

    def get(self, key: KeyT) -> SeenT | None:
        """What was seen of a file that is met; it stays remembered. None: nothing yet."""
        seen = self._seen.get(key)
        if seen is None:
            seen = self._before.get(key)
            if seen is not None:
                self._seen[key] = seen
        return seen

    def put(self, key: KeyT, seen: SeenT) -> None:
        """Remember this of a file that is met."""
        self._seen[key] = seen
