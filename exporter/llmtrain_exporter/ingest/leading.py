"""Which log of a training is followed: none that lacks what another one goes on with.

A log that a process began when it went on with a training has the rows since then, the one before it those up
to there, and another log all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from llmtrain_exporter.ingest.candidates import LATE_SECONDS, Log
from llmtrain_exporter.ingest.log_ends import BRIEF, ENDS, WIDE, Extent, LogEnds

Identity = tuple[int, int, str]
Amount = tuple[int, float]
"""Bytes of a log, and when it was written last."""


class _Answer(NamedTuple):
    """Whether a log has rows of another one, and how much of both had been written."""

    has_them: bool | None  # None: what was read does not tell
    of_the_other: Amount
    of_the_log: Amount


@dataclass(slots=True)
class Leading:
    """Finds the log that is followed, and remembers what rows have said. For one thread at a time."""

    read: Callable[[Log, Extent], LogEnds]
    _ends: dict[tuple[Identity, Identity], _Answer] = field(default_factory=dict)
    _begins: dict[tuple[Identity, Identity], _Answer] = field(default_factory=dict)

    def leader(self, training: Sequence[Log], followed: Collection[Identity]) -> Log:
        """The one to follow. `training`: its logs that have rows, data first, what is printed last.

        `followed`: those of the search before; one of them stays, though a document says as much.
        """
        stays = any(log.dialect.live and log.identity in followed for log in training)
        ordered = sorted(training, key=lambda log: (stays and not log.dialect.live, log.in_checkpoint))
        latest: list[Log] = []
        for log in self._latest(ordered):
            if not log.dialect.live and any(other.identity in followed for other in latest):
                continue
            if all(self.has_begin(log, other) for other in ordered):
                return log
            latest.append(log)
        return latest[0] if latest else max(ordered, key=lambda log: log.modified)

    def has_begin(self, log: Log, other: Log) -> bool:
        """Whether a log begins no later than the other one, as far as that is known."""
        return log is other or self._has_begin(log, other) is not False

    def has_end(self, log: Log, other: Log) -> bool | None:
        """Whether a log has the last rows of the other one; None: what is read does not tell."""
        known = self._ends.get((log.identity, other.identity))
        if known is None or _may_change(known, log, other):
            found = self._first_answer(log, other, LogEnds.has_end_of, (BRIEF, ENDS))
            known = self._ends[log.identity, other.identity] = _answer(found, log, other)
        return known.has_them

    def forget(self, present: Collection[Identity]) -> None:
        """Forget what is there no longer."""
        for memory in (self._ends, self._begins):
            for pair in [pair for pair in memory if not all(each in present for each in pair)]:
                del memory[pair]

    def _latest(self, training: Sequence[Log]) -> Iterator[Log]:
        """Those that have what the training goes on with."""
        for log in training:
            if not any(self._goes_on_in(log, other) for other in training if other is not log):
                yield log

    def _goes_on_in(self, log: Log, other: Log) -> bool:
        """Whether another one has rows that the log will not have."""
        behind = other.modified - log.modified
        own_kind = log.dialect is other.dialect
        if log.dialect.live and not own_kind and behind <= LATE_SECONDS and self.has_begin(log, other):
            return False  # its writer may hold some rows back for a while
        has_end = self.has_end(log, other)
        if own_kind and not self.has_begin(other, log):
            return behind > LATE_SECONDS or (behind > 0 if has_end is None else not has_end)
        return behind > LATE_SECONDS if has_end is None else not has_end

    def _has_begin(self, log: Log, other: Log) -> bool | None:
        known = self._begins.get((log.identity, other.identity))
        if known is None or _is_other_begin(known, log, other):
            found = self._first_answer(log, other, LogEnds.has_begin_of, (BRIEF, ENDS, WIDE))
            known = self._begins[log.identity, other.identity] = _answer(found, log, other)
        return known.has_them

    def _first_answer(
        self, log: Log, other: Log, ask: Callable[[LogEnds, LogEnds], bool | None], extents: Sequence[Extent]
    ) -> bool | None:
        answers = (ask(self.read(log, extent), self.read(other, extent)) for extent in extents)
        return next((answer for answer in answers if answer is not None), None)


def _answer(found: bool | None, log: Log, other: Log) -> _Answer:
    return _Answer(found, _amount(other), _amount(log))


def _amount(log: Log) -> Amount:
    return log.state.st_size, log.modified


def _may_change(known: _Answer, log: Log, other: Log) -> bool:
    """What a log has it keeps, and what it has not may come."""
    other_grew, log_grew = known.of_the_other != _amount(other), known.of_the_log != _amount(log)
    return (other_grew and known.has_them is not False) or (log_grew and known.has_them is not True)


def _is_other_begin(known: _Answer, log: Log, other: Log) -> bool:
    """Whether it may begin with other rows now, or what was read of it has doubled."""
    sizes = ((log.state.st_size, known.of_the_log[0]), (other.state.st_size, known.of_the_other[0]))
    return any(now < then or (known.has_them is None and now >= 2 * then) for now, then in sizes)
