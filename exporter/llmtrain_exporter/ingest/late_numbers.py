"""Numbers that are logged for an earlier step than others were, put back into the order of the steps.

Rewards of a step can be known only when the next one runs: reward of step 6 behind loss of step 7. That is no
training that goes back, where each name goes on in its own order.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Generic, Protocol, TypeVar, runtime_checkable

from llmtrain_exporter.ingest.phases import is_evaluation
from llmtrain_exporter.ingest.step_rows import FLUSHING_SECONDS, MOST_NAMES
from llmtrain_exporter.ingest.tracked_rows import is_place

MOST_ROWS = 64
"""By which a number may be late; one that is later counts on an axis of its own."""

MOST_LESSONS = 3
"""Times that a log may teach how late it is, each of which reads it again."""

PATIENCE = 3600.0
"""Seconds that a row waits for its late numbers in silence, at most."""

_BEFORE = -(1 << 62)  # any step
_SEEN = 3  # that a number was late so often, and not more and more so

PieceT = TypeVar("PieceT")


class Lateness:
    """Which numbers of one log come late, and by how much. Its readers share that, and learn it."""

    def __init__(self, learns: bool = True) -> None:
        """`learns`: else nothing of the log is taken to be late."""
        self.rows = 0  # by which they are late, at most
        self.names: frozenset[str] = frozenset()
        # That changed what is known: what was read before is to be read again.
        self.lessons = 0 if learns else MOST_LESSONS + 1

    def learn(self, rows: int, names: Iterable[str]) -> None:
        """Numbers with these names are so late. One that always turns out to be later is not late at all."""
        if self.lessons < MOST_LESSONS:
            self.rows, self.names = max(self.rows, rows), self.names.union(names)
            self.lessons += 1
        elif self.lessons == MOST_LESSONS:
            self.rows, self.names = 0, frozenset()
            self.lessons += 1


@runtime_checkable
class TakesLateness(Protocol):
    """A reader of numbers each of which has its own step."""

    def expect(self, lateness: Lateness) -> None:
        """Some of the numbers come late. Before anything is read."""


class InOrder(Generic[PieceT]):
    """Holds what was logged, while what is late may still come of its step; passes it on where nothing is."""

    def __init__(self, lateness: Lateness, behind: Callable[[PieceT, int], PieceT]) -> None:
        """`behind`: what becomes of a piece that counts on another axis, at this step of the training."""
        self._lateness = lateness
        self._behind = behind
        self._held: dict[int, list[PieceT]] = {}  # by step, in their order
        self._there: dict[int, set[str]] = {}  # late names that each of these steps has
        self._visits: dict[str, list[tuple[int, int]]] = {}  # at which step a name was late, and how much
        self._recent: deque[tuple[int, set[str]]] = deque(maxlen=MOST_ROWS)  # steps, and names logged there
        self._names: set[str] = set()  # those of the last of these steps
        self._newest, self._time = _BEFORE, math.nan  # the last step of the training, and its Unix time
        self._pace = 0.0  # seconds from one step to the next

    def _begin(self) -> None:
        """A process goes on from an earlier step."""
        self._recent.clear()
        self._visits.clear()
        self._newest, self._time = _BEFORE, math.nan

    @property
    def holds(self) -> bool:
        """Whether anything is held."""
        return bool(self._held)

    @property
    def patience(self) -> float:
        """Seconds of silence after which nothing more is to come of what is held."""
        steps = 2 * (self._lateness.rows + 1)
        return min(max(FLUSHING_SECONDS, steps * self._pace), PATIENCE)

    def goes_on(self, step: int, names: Collection[str], time: float) -> bool:
        """Whether what was logged at a step goes on at once: nothing is held, and it is no step before."""
        if self._lateness.rows or step < self._newest:
            return False
        if step == self._newest and len(self._names) < MOST_NAMES:  # as `_note` does, for nearly all
            self._names.update(names)
        else:
            self._note(step, names, time)
        return True

    def add(self, piece: PieceT, step: int, names: Collection[str], time: float) -> Sequence[PieceT]:
        """Take in what was logged at a step, at this Unix time; what goes on with that, in order."""
        if self.goes_on(step, names, time):
            return (piece,)
        trained = [name for name in names if _trains(name)]
        ended: Sequence[PieceT] = ()
        if self._goes_back(step, trained):
            ended = self.end()
            self._begin()
        elif trained and step < self._newest and step not in self._held:
            return self._take_late(piece, step, trained)
        self._note(step, names, time)
        if not self._lateness.rows or not (trained or step in self._held or step >= self._newest):
            return (*ended, piece)
        self._hold(piece, step, trained)
        return (*ended, *self._whole())

    def _goes_back(self, step: int, names: Sequence[str]) -> bool:
        """Whether one of the names was logged at a later step before."""
        if step >= self._newest:
            return False
        later = [there for recent, there in self._recent if recent > step]
        return any(name in there for there in later for name in names)

    def end(self) -> Sequence[PieceT]:
        """All that is held."""
        return self._release(list(self._held))

    def _note(self, step: int, names: Collection[str], time: float) -> None:
        if step == self._newest:
            if len(self._names) < MOST_NAMES:
                self._names.update(names)
        elif step > self._newest and any(map(_trains, names)):
            self._pace = time - self._time if time > self._time else 0.0
            self._newest, self._time = step, time
            self._share()
            self._names = set(names)
            self._recent.append((step, self._names))

    def _share(self) -> None:
        """Rows have the same names thousands of times over: once is enough."""
        if len(self._recent) > 1 and self._recent[-1][1] == self._recent[-2][1]:
            self._recent[-1] = (self._recent[-1][0], self._recent[-2][1])

    def _take_late(self, piece: PieceT, step: int, names: Sequence[str]) -> Sequence[PieceT]:
        """A piece whose step has gone on: its row is not there to have it, until that is known."""
        rows = sum(recent > step for recent, _ in self._recent)
        if rows < MOST_ROWS:
            self._learn(rows, names)
        return () if self._lateness.names.issuperset(names) else (self._behind(piece, self._newest),)

    def _learn(self, rows: int, names: Iterable[str]) -> None:
        for name in names:
            visits = self._visits.setdefault(name, [])
            most = max(rows, visits.pop()[1]) if visits and visits[-1][0] == self._newest else rows
            visits.append((self._newest, most))
            del visits[:-_SEEN]
        if any(len(self._visits[name]) == _SEEN and self._is_steady(name) for name in names):
            late = [name for name in self._visits if self._is_steady(name)]
            most = max(rows for name in late for _, rows in self._visits[name])
            self._visits.clear()
            if most > self._lateness.rows or not self._lateness.names.issuperset(late):
                self._lateness.learn(most, late)

    def _is_steady(self, name: str) -> bool:
        """Whether a name is not later and later: then it would count on an axis of its own."""
        *before, last = [rows for _, rows in self._visits[name]]
        return bool(before) and last <= max(before)

    def _hold(self, piece: PieceT, step: int, names: Iterable[str]) -> None:
        in_order = step in self._held or not self._held or step > next(reversed(self._held))
        self._held.setdefault(step, []).append(piece)
        self._there.setdefault(step, set()).update(self._lateness.names.intersection(names))
        if not in_order:
            self._held = dict(sorted(self._held.items()))

    def _whole(self) -> Sequence[PieceT]:
        """The first steps that have all that comes late, or that have been left far behind."""
        count, most = 0, len(self._held) - self._lateness.rows - 1
        for at, step in enumerate(self._held):
            if at < most or len(self._there[step]) == len(self._lateness.names):
                count = at + 1
        return self._release(list(self._held)[:count]) if count else ()

    def _release(self, steps: Iterable[int]) -> list[PieceT]:
        for step in steps:
            self._there.pop(step)
        return [piece for step in steps for piece in self._held.pop(step)]


def _trains(name: str) -> bool:
    return not (is_place(name) or is_evaluation(name) or name.startswith("_"))
