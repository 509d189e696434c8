"""Histories of runs, read from their logs when somebody looks, and read on for those who look on."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.watching.history.columns import History, RecordTable
from llmtrain_exporter.watching.history.recorded import RecordedLog
from llmtrain_exporter.watching.rules import rules_for_serving

MOST_VALUES = 16_000_000
"""Values that are kept at most, 8 bytes each; the history that was read last stays whatever its size."""

MOST_RUNS = 8

MOST_TOLD = 4 << 20
"""Bytes of answers that are kept of a run: many who look at it share one until its log changes."""

KEPT_SECONDS = 300.0
"""A history that nobody has asked for during this time goes with the next question."""

Signature = tuple[tuple[int, int, int], ...]
"""What tells a log from what it was before: inode, size and st_mtime_ns of each of its files."""


@dataclass(slots=True)
class _Kept:
    found: Found
    log: RecordedLog
    signature: Signature
    history: History | NoRun
    asked: float  # monotonic seconds
    answers: dict[Hashable, bytes] = field(default_factory=dict)


class Histories:
    """The histories that were asked for last. Asked by many threads."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        """`clock`: Unix time; `monotonic`: seconds."""
        self.since = clock()  # another program, or other settings, may tell the same log differently
        self._rules = rules_for_serving(settings)
        self._clock = clock
        self._monotonic = monotonic
        self._kept: OrderedDict[str, _Kept] = OrderedDict()  # by path; who was asked for last is last
        # One log at a time: reading keeps a core busy, and the loop and the scrapes have to share it.
        self._reading = threading.Lock()

    def signature(self, found: Found) -> Signature:
        """What a history's freshness is told by. A file that is not there says nothing."""
        return tuple(filter(None, map(_state, (found.path, *found.extra))))

    def told(self, found: Found, what: Hashable, tell: Callable[[History], bytes]) -> bytes | NoRun:
        """What is to be told of the run of that log with all its values, as fresh as its file.

        `tell` makes the answer, unless it was made since the log has changed; `what`: what tells it from
        other answers on the same run. Raises OSError.
        """
        with self._reading:
            entry = self._fresh(found)
            if isinstance(entry.history, NoRun):
                return entry.history
            body = entry.answers.get(what)
            if body is None:
                body = tell(entry.history)
                _keep(entry.answers, what, body)
            return body

    def _fresh(self, found: Found) -> _Kept:
        now, signature = self._monotonic(), self.signature(found)
        entry = self._kept.pop(found.path, None)  # and not put back if it fails: who knows how far it came
        if entry is None or _identity(entry.found) != _identity(found):
            log = RecordedLog(found, self._rules.options(found), self._rules.readers)
            entry = _Kept(found, log, signature, log.history(self._clock(), now), now)
        elif entry.signature != signature or isinstance(entry.history, NoRun):
            entry.history = entry.log.history(self._clock(), now)
            entry.signature = signature
            entry.answers.clear()
        entry.asked = now
        self._kept[found.path] = entry
        self._let_go(now)
        return entry

    def _let_go(self, now: float) -> None:
        for path, entry in list(self._kept.items()):
            if now - entry.asked > KEPT_SECONDS:
                del self._kept[path]
        while len(self._kept) > 1 and (
            len(self._kept) > MOST_RUNS or sum(map(_size, self._kept.values())) > MOST_VALUES
        ):
            self._kept.popitem(last=False)


def _identity(found: Found) -> tuple[str, Dialect, tuple[str, ...]]:
    """What a log has to be read anew for."""
    return found.run, found.dialect, found.extra


def _keep(answers: dict[Hashable, bytes], what: Hashable, body: bytes) -> None:
    if sum(map(len, answers.values())) + len(body) > MOST_TOLD:
        answers.clear()
    if len(body) <= MOST_TOLD:
        answers[what] = body


def _size(entry: _Kept) -> int:
    """Values of a history."""
    if isinstance(entry.history, NoRun):
        return 0
    tables: tuple[RecordTable, ...] = (entry.history.train, entry.history.evaluations)
    return sum(len(table) * (len(table.columns) + 2) for table in tables) + sum(
        map(len, entry.history.baselines.values())
    )


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
