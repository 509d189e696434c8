"""Which logs are watched where there are more than may be, and what their runs are called.

Several sets of runs share the seats, each in a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import NamedTuple

from llmtrain_exporter.ingest.discover import Found

LIVE_SECONDS = 3600.0
"""A log that was written to so lately may go on; clocks of file servers are rarely further off."""

Rank = tuple[bool, bool, float, str]
"""Sorts logs: those to be watched first. Live ones, of these the ones under watch, then the newest."""


class _Wanted(NamedTuple):
    """What a set has found, see `Seats.admit`; ranks are made where there are too few seats alone."""

    found: Sequence[Found]
    known: Mapping[str, float]
    now: float

    def ranks(self) -> Iterator[Rank]:
        """Of each."""
        return (_rank(each, self.known, self.now) for each in self.found)


class Seats:
    """Seats for so many runs, and the names that are taken. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self._names: set[str] = set()
        self._wanted: dict[int, _Wanted] = {}  # by the set that found them
        self.taken = 0  # runs of all sets that may be watched; read without the lock

    def admit(
        self, owner: object, found: Sequence[Found], known: Mapping[str, float], most: int, now: float
    ) -> list[Found]:
        """Those that `owner` may watch of the logs that it has found, in their order.

        `known`: those that it watches already, by path, with the Unix time at which each was seen to grow.
        Where all sets together have found more than `most`, live ones come first, and of equals those under
        watch: runs do not take turns.
        """
        wanted = _Wanted(found, known, now)
        with self._lock:
            self._wanted[id(owner)] = wanted
            total = sum(len(each.found) for each in self._wanted.values())
            self.taken = min(total, most)
            if total <= most:
                return list(found)
            best = set(nsmallest(most, (rank for each in self._wanted.values() for rank in each.ranks())))
        return [each for each, rank in zip(found, wanted.ranks(), strict=True) if rank in best]

    def name(self, choose: Callable[[Container[str]], str]) -> str:
        """The name that is chosen, knowing those that are taken; nobody else gets it until it is freed."""
        with self._lock:
            name = choose(self._names)
            self._names.add(name)
            return name

    def free(self, name: str) -> None:
        """A run of this name is watched no longer."""
        with self._lock:
            self._names.discard(name)


def _rank(found: Found, known: Mapping[str, float], now: float) -> Rank:
    watched = found.path in known
    written = max(min(found.modified, now), known.get(found.path, 0.0))
    return now - written >= LIVE_SECONDS, not watched, -written, found.path
