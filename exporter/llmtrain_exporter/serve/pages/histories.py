"""Histories of runs, read from their logs when somebody looks, and read on for those who look on."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.late_numbers import PATIENCE
from llmtrain_exporter.ingest.source import logs_read
from llmtrain_exporter.ingest.step_rows import FLUSHING_SECONDS
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.watching.history.columns import History, RecordTable
from llmtrain_exporter.watching.history.recorded import RecordedLog
from llmtrain_exporter.watching.rules import rules_for_serving

MOST_VALUES = 16_000_000
"""Values that are kept at most, 8 bytes each; the history that was read last stays whatever its size."""

MOST_RUNS = 8

MOST_ANSWERED = 4 << 20
"""Bytes of answers that are kept of a run: many who look at it share one until its log changes."""

KEPT_SECONDS = 300.0
"""A history that nobody has asked for during this time goes with the next question."""

Taken = TypeVar("Taken")

Signature = tuple[tuple[int, int, int], ...]
"""What tells a log from what it was before: inode, size and st_mtime_ns of each of its files."""


@dataclass(slots=True)
class _OpenHistory:
    """A log that was read, what it held, and what was answered of it, by question."""

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
        self._open: OrderedDict[str, _OpenHistory] = OrderedDict()  # by path; who was asked for last is last
        self._guard = threading.Lock()  # held to look into what is open, or to change it
        # One log at a time of those that share a file system: reading keeps a core busy, and the loop and
        # the scrapes have to share it; but one that does not come back must not hold up all others.
        self._reading: dict[object, threading.Lock] = {}

    def signature(self, found: Found) -> Signature:
        """What a history's freshness is told by. A file that is not there says nothing."""
        states = tuple(filter(None, map(_state, logs_read(found))))
        return (*states, self._silence(states)) if found.dialect.gathers else states

    def _silence(self, states: Signature) -> tuple[int, int, int]:
        """How long nothing was written, in a few steps: a row that was held may be whole by now."""
        written = max((modified for _, _, modified in states), default=0) / 1e9
        return 0, 0, int(min(self._clock() - written, PATIENCE) / FLUSHING_SECONDS)

    def answer(
        self, found: Found, question: Hashable, write: Callable[[History], bytes], root: object = None
    ) -> bytes | NoRun:
        """The history of that log, as fresh as its file, as `write` puts it.

        It is written once for all who ask the same question until the log changes. `root`: what all logs
        share that are read one at a time. Raises OSError.
        """
        with self._reading.setdefault(root, threading.Lock()):
            current = self._fresh(found)
            if isinstance(current.history, NoRun):
                return current.history
            answer = current.answers.get(question)
            if answer is None:
                answer = write(current.history)
                _keep(current.answers, question, answer)
            return answer

    def look(self, found: Found, take: Callable[[History], Taken], root: object = None) -> Taken | NoRun:
        """What `take` takes of the history of that log while it is as fresh as its file. Raises OSError."""
        with self._reading.setdefault(root, threading.Lock()):
            history = self._fresh(found).history
            return history if isinstance(history, NoRun) else take(history)

    def _fresh(self, found: Found) -> _OpenHistory:
        now, signature = self._monotonic(), self.signature(found)
        with self._guard:  # and not put back if it fails: who knows how far it came
            current = self._open.pop(found.path, None)
        if current is None or _identity(current.found) != _identity(found):
            log = RecordedLog(found, self._rules.options(found), self._rules.readers)
            current = _OpenHistory(found, log, signature, log.history(self._clock(), now), now)
        elif current.signature != signature or isinstance(current.history, NoRun):
            current.history = current.log.history(self._clock(), now)
            current.signature = signature
            current.answers.clear()
        current.asked = now
        with self._guard:
            self._open[found.path] = current
            self._let_go(now)
        return current

    def _let_go(self, now: float) -> None:
        for path, each in list(self._open.items()):
            if now - each.asked > KEPT_SECONDS:
                del self._open[path]
        while len(self._open) > 1 and (
            len(self._open) > MOST_RUNS or sum(map(_size, self._open.values())) > MOST_VALUES
        ):
            self._open.popitem(last=False)


def _identity(found: Found) -> tuple[str, Dialect, tuple[str, ...]]:
    """What a log has to be read anew for."""
    return found.run, found.dialect, found.extra


def _keep(answers: dict[Hashable, bytes], question: Hashable, answer: bytes) -> None:
    if sum(map(len, answers.values())) + len(answer) > MOST_ANSWERED:
        answers.clear()
    if len(answer) <= MOST_ANSWERED:
        answers[question] = answer


def _size(opened: _OpenHistory) -> int:
    """Values of a history."""
    if isinstance(opened.history, NoRun):
        return 0
    tables: tuple[RecordTable, ...] = (opened.history.train, opened.history.evaluations)
    return sum(len(table) * (len(table.columns) + 2) for table in tables) + sum(
        map(len, opened.history.baselines.values())
    )


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
