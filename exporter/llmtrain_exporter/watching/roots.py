"""Which of the watched paths are looked at together, and which apart, so that none can hold up another."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

AnswerT = TypeVar("AnswerT")

MOST_GROUPS = 16
"""Each group has a thread of its own; where there would be more, those on one file system share one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a watched path leads. `device`: None where its file system does not answer."""

    path: str  # absolute
    real: str  # without symbolic links, as far as that is known
    device: int | None

    def overlaps(self, other: Place) -> bool:
        """Whether one lies in the other, on the same file system."""
        ends = [os.path.join(each.real, "") for each in (self, other)]
        return self.device == other.device and (ends[0].startswith(ends[1]) or ends[1].startswith(ends[0]))


def unknown_place(path: str) -> Place:
    """That of a path whose file system does not answer."""
    return Place(path, path, None)


def place_of(path: str) -> Place:
    """Where a path leads; one that is not there leads to the file system on which it would be.

    Does not return while the file system does not answer.
    """
    there = real = os.path.realpath(path)
    while not os.path.exists(there):
        there = os.path.dirname(there)
    return Place(os.path.abspath(path), real, os.stat(there).st_dev)


def ask_each(paths: Iterable[str], ask: Callable[[str], AnswerT], seconds: float) -> dict[str, AnswerT]:
    """What is answered of each path. Those that are not within so many seconds are left out."""
    left, found = deque(paths), dict[str, AnswerT]()

    def work() -> None:
        while left:
            path = left.popleft()
            found[path] = ask(path)

    while left:  # who does not come back is left behind, and another goes on with the rest
        thread = threading.Thread(target=work, name="ask", daemon=True)
        thread.start()
        known = -1
        while thread.is_alive() and len(found) > known:
            known = len(found)
            thread.join(seconds)
    return dict(found)


def grouped(places: Sequence[Place], most: int = MOST_GROUPS) -> list[tuple[str, ...]]:
    """The paths that one thread looks at.

    Each alone, but for those that lie in one another, which may have the same runs. Too many are put together
    by their file systems: what these have in common is that they answer, or do not.
    """
    groups = _together(places, Place.overlaps)
    if len(groups) > most:
        groups = _together(places, lambda one, other: one.device is not None and one.device == other.device)
    return [tuple(place.path for place in group) for group in groups]


def _together(places: Sequence[Place], belong: Callable[[Place, Place], bool]) -> list[list[Place]]:
    groups: list[list[Place]] = []
    for place in places:
        mine = [group for group in groups if any(belong(place, other) for other in group)]
        groups = [group for group in groups if group not in mine]
        groups.append([*(other for group in mine for other in group), place])
    return groups
