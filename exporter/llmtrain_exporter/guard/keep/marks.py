"""What a run's log says of how good it was at which step: reward or evaluation loss, and its troubles."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.guarding import MARKS
from llmtrain_exporter.knowledge.signal import Family, Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import Episode, Incident, Point, Record, RowKind


@dataclass(frozen=True, slots=True)
class Trouble:
    """A stretch of steps in which something spoke against a run. `last_step` None: it still does."""

    first_step: int
    last_step: int | None
    critical: bool

    def covers(self, step: int) -> bool:
        """Whether a step is in it. What a step's own record is the first to show was there before it."""
        return step >= self.first_step and (self.last_step is None or step <= self.last_step)


@dataclass(frozen=True, slots=True)
class HealthMarks:
    """How good a run was, by step.

    `rewards`: means of training records, `records` of them in each; `losses`: of evaluations. Both by step,
    each with the last step that it is of, and finite.
    """

    rewards: Sequence[Point] = ()
    losses: Sequence[Point] = ()
    troubles: Sequence[Trouble] = ()
    records: int = 1


class MarkKeeper:
    """Takes the records of a run in and keeps what tells how good it was, in bounded memory.

    What was trained after the step at which a process goes on is forgotten: nobody has it any more.
    """

    __slots__ = ("_count", "_last", "_losses", "_rewards", "_steps", "_sum", "_width")

    def __init__(self) -> None:
        self._width = 1  # records in a mean
        self._sum = 0.0
        self._count = 0
        self._last = 0  # step of training
        self._steps = array("q")  # the last one of each mean
        self._rewards = array("d")
        self._losses: dict[int, float] = {}  # by step

    def note(self, record: Record, step: int) -> None:
        """Take in a record of training or evaluation that is of `step`; others say nothing."""
        if record.kind is RowKind.TRAIN:
            if step < self._last:
                self._go_back_to(step)
            self._last = step
            reward = record.get(c.REWARD)
            if reward is not None and math.isfinite(reward):
                self._put(step, reward)
        elif record.kind is RowKind.EVAL:
            loss = record.get(c.LOSS)
            if loss is not None and math.isfinite(loss):
                self._losses[step] = loss
                self._forget_some()

    def marks(self, troubles: Sequence[Trouble] = ()) -> HealthMarks:
        """What is known so far; what is yet to come changes nothing in it."""
        rewards = tuple(map(Point, self._steps, self._rewards))
        losses = tuple(Point(step, self._losses[step]) for step in sorted(self._losses))
        return HealthMarks(rewards, losses, troubles, self._width)

    def _put(self, step: int, reward: float) -> None:
        self._sum += reward
        self._count += 1
        if self._count < self._width:
            return
        self._steps.append(step)
        self._rewards.append(self._sum / self._width)
        self._sum, self._count = 0.0, 0
        if len(self._steps) >= MARKS:
            pairs = zip(self._rewards[::2], self._rewards[1::2], strict=True)
            self._rewards = array("d", [(earlier + later) / 2 for earlier, later in pairs])
            self._steps = self._steps[1::2]
            self._width *= 2

    def _go_back_to(self, step: int) -> None:
        at = bisect_left(self._steps, step)
        del self._steps[at:], self._rewards[at:]
        self._sum, self._count = 0.0, 0
        self._losses = {each: loss for each, loss in self._losses.items() if each < step}

    def _forget_some(self) -> None:
        """Keep each second evaluation of a run that has very many."""
        if len(self._losses) >= MARKS:
            self._losses = {step: self._losses[step] for step in sorted(self._losses)[1::2]}


def troubles_of(episodes: Iterable[Episode], incidents: Iterable[Incident]) -> tuple[Trouble, ...]:
    """All that spoke against what a run learns; how fast it is, and how much memory it takes, does not."""
    told = (
        Trouble(
            each.first_step,
            None if each.active else each.last_step,
            each.critical_step is not None,
        )
        for each in episodes
        if each.severity is not Severity.INFO and is_about_learning(each.signal)
    )
    broken = (
        Trouble(each.onset_step, None if each.active else _last_step(each), critical=True)
        for each in incidents
    )
    return (*told, *broken)


def is_about_learning(signal: str) -> bool:
    """Whether a signal, by its name, tells something of the weights."""
    return signal in SIGNALS and SIGNALS[signal].family is not Family.PROGRESS


def _last_step(incident: Incident) -> int | None:
    return None if incident.recovery_step is None else incident.recovery_step - 1
