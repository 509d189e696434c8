"""Histories of runs, read from their logs when somebody looks, and kept for those who look on."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from exporter.config import Settings
from exporter.history.columns import History, Table, history
from exporter.history.read import NoTraining
from exporter.ingest.dialects import Dialects
from exporter.ingest.discover import Found
from exporter.serve.watched import options_for

MOST_VALUES = 8_000_000
"""Values that are kept at most, 8 bytes each; the history that was read last stays whatever its size."""

MOST_RUNS = 8

KEPT_SECONDS = 300.0
"""A history that nobody has asked for during this time goes with the next question."""

Signature = tuple[tuple[int, int, int], ...]
"""What tells a log from what it was before: inode, size and st_mtime_ns of each of its files."""


@dataclass(slots=True)
class _Kept:
    signature: Signature
    history: History | NoTraining
    asked: float  # monotonic seconds


class Histories:
    """The histories that were asked for last. Asked by many threads."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        """`clock`: Unix time; `monotonic`: seconds."""
        self._settings = settings
        self._profiles = settings.known_profiles
        self._dialects = Dialects(settings.logging_steps)
        self._clock = clock
        self._monotonic = monotonic
        self._kept: OrderedDict[str, _Kept] = OrderedDict()  # by path; who was asked for last is last
        # One log at a time: reading keeps a core busy, and the loop and the scrapes have to share it.
        self._reading = threading.Lock()

    def signature(self, found: Found) -> Signature:
        """What a history's freshness is told by. A file that is not there says nothing."""
        return tuple(filter(None, map(_state, (found.path, *found.extra))))

    def history(self, found: Found) -> History | NoTraining:
        """The run of that log with all its values, as fresh as its file. Raises OSError."""
        with self._reading:
            now, signature = self._monotonic(), self.signature(found)
            kept = self._kept.get(found.path)
            if kept is None or kept.signature != signature:
                options = options_for(self._settings, self._profiles, found.run)
                read = history(found, options, self._dialects, self._clock())
                kept = self._kept[found.path] = _Kept(signature, read, now)
            kept.asked = now
            self._kept.move_to_end(found.path)
            self._let_go(now)
            return kept.history

    def _let_go(self, now: float) -> None:
        for path, kept in list(self._kept.items()):
            if now - kept.asked > KEPT_SECONDS:
                del self._kept[path]
        while len(self._kept) > 1 and (
            len(self._kept) > MOST_RUNS or sum(map(_size, self._kept.values())) > MOST_VALUES
        ):
            self._kept.popitem(last=False)


def _size(kept: _Kept) -> int:
    """Values of a history."""
    if isinstance(kept.history, NoTraining):
        return 0
    tables: tuple[Table, ...] = (kept.history.train, kept.history.evaluations)
    return sum(len(table) * (len(table.columns) + 2) for table in tables) + sum(
        map(len, kept.history.baselines.values())
    )


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
