"""The fewest changes of limits that keep false alarms within a budget and lose no broken run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from llmtrain_exporter.knowledge.calibrating import PER_RECORDS
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.publish.calibrate.broken_run import broken_run
from llmtrain_exporter.publish.calibrate.judging import Court
from llmtrain_exporter.publish.calibrate.moves import (
    NO_MOVES,
    Moves,
    can_move,
    instead,
    looser,
    tighter,
    with_room,
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned. `alarms`: false ones that are left; `most`: that the budget allows.

    `held`: by signal that could not be silenced, the place of a broken run that would be lost.
    """

    moves: Moves
    alarms: int
    most: int
    held: Mapping[str, int] = field(default_factory=dict)


class Learner:
    """Learns from some of the logs of a court."""

    def __init__(self, court: Court, healthy: Sequence[int], broken: Sequence[int], budget: float) -> None:
        """`healthy`, `broken`: places in the court. `budget`: false alarms per PER_RECORDS records."""
        self._court = court
        self._healthy = healthy
        self._broken = {at: broken_run(court.logs[at], court.hear(at, NO_MOVES)) for at in broken}
        records = sum(court.logs[at].trained for at in healthy)
        self._most = int(budget * records / PER_RECORDS)
        self._held: dict[str, int] = {}

    def learn(self) -> Lesson:
        """Loosen limits until the budget is met, then tighten what costs nothing."""
        moves, alarms = NO_MOVES, self._alarms(NO_MOVES)
        while alarms > self._most and (step := self._best_step(moves, alarms)) is not None:
            moves, alarms = step
        if alarms <= self._most:
            moves = self._tightened(moves, alarms)
        return Lesson(moves, alarms, self._most, dict(self._held))

    def _alarms(self, moves: Moves) -> int:
        return sum(self._court.hear(at, moves).alarms for at in self._healthy)

    def _best_step(self, moves: Moves, alarms: int) -> tuple[Moves, int] | None:
        """The least change that is enough, else the one that silences most; None where none silences any."""
        best: tuple[Moves, int] | None = None
        least = alarms
        for name, new in self._silencing(moves):
            left = self._alarms(new)
            if max(left, self._most) >= least:
                continue
            lost = self._lost(new)
            if lost is None:
                best, least = (new, left), max(left, self._most)
            else:
                self._held.setdefault(name, lost)
        return best

    def _silencing(self, moves: Moves) -> Iterator[tuple[str, Moves]]:
        """The changes that may silence a signal that is heard in healthy runs; the smallest in front."""
        heard = Counter[str]()
        critical = set[str]()
        for episode in chain.from_iterable(self._court.hear(at, moves).episodes for at in self._healthy):
            heard[episode.signal] += episode.times
            if episode.severity is Severity.CRITICAL:
                critical.add(episode.signal)
        limits = self._court.profile.limits
        steps = [
            (place, name, instead(moves, step))
            for name, _ in heard.most_common()
            if can_move(name, limits[name])
            for place, step in enumerate(looser(name, limits[name], name in critical))
        ]
        return ((name, new) for _, name, new in sorted(steps, key=lambda step: step[0]) if new != moves)

    def _lost(self, moves: Moves) -> int | None:
        """A broken run that would not be told as it was."""
        runs = self._broken.items()
        return next((at for at, run in runs if run.lost(self._court.hear(at, moves)) is not None), None)

    def _tightened(self, moves: Moves, alarms: int) -> Moves:
        """With limits that tell a broken run earlier, at no further false alarm even with some room."""
        limits = self._court.profile.limits
        for name in self._telling_earlier(moves):
            for step in tighter(name, limits[name]):
                new = moves | step
                if (
                    self._signs_earlier(new, moves)
                    and self._alarms(moves | with_room(step)) <= alarms
                    and self._lost(new) is None
                ):
                    moves = new
                    break
        return moves

    def _telling_earlier(self, moves: Moves) -> list[str]:
        """The signals that are an earlier sign of what broke a run where limits are as tight as can be."""
        loosened = {move.signal for move in moves}
        steps = {
            name: list(tighter(name, bounds))
            for name, bounds in self._court.profile.limits.items()
            if can_move(name, bounds) and name not in loosened
        }
        tightest = moves.union(*(step[-1] for step in steps.values() if step))
        return [name for name in steps if self._signs_earlier(tightest, moves, name)]

    def _signs_earlier(self, new: Moves, moves: Moves, signal: str | None = None) -> bool:
        """Whether a run that broke unwarned has an earlier sign with new moves, maybe of one signal."""
        return any(
            before.is_unwarned(hearing := self._court.hear(at, moves))
            and _earlier(before.first_sign(self._court.hear(at, new), signal), before.first_sign(hearing))
            for at, before in self._broken.items()
        )


def _earlier(sign: int | None, than: int | None) -> bool:
    return sign is not None and (than is None or sign < than)
