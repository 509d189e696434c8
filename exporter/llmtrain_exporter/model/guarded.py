"""What a guard has done to a training, as it stands in `llmtrain-guard.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from llmtrain_exporter.knowledge.guard_limits import EVENTS_KEPT

GuardState = Literal["watching", "stopped", "rescued", "gave_up", "ended", "unknown"]
"""`unknown` stands in no file: it is what is said of one that cannot be read."""

Action = Literal["keep", "save", "stop", "skip", "set", "refuse", "rescue", "give_up", "go_on"]
"""`refuse`: what was asked for cannot be done here, `because` says why; `go_on`: a training begins anew."""


@dataclass(frozen=True, slots=True)
class GuardEvent:
    """Something that the guard did, at a Unix time and a training step, and why.

    `details`: what it was about, as "learning_rate": 3e-4 or "checkpoint": its path.
    """

    time: float
    step: int
    action: Action
    because: str
    details: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopReason:
    """The signal for which a training was stopped, and the value of its metric there; None: not a number."""

    signal: str
    severity: str
    step: int
    metric: str
    value: float | None


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting as it was and as it is now; None: not known."""

    before: float | str | None
    after: float | str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A start of the training after an incident: from which step and checkpoint, with what changed.

    `wasted_steps`: trained by the attempt before, from that checkpoint until it was stopped.
    """

    attempt: int
    from_step: int
    checkpoint: str
    changes: Mapping[str, SettingChange]
    wasted_steps: int

    @property
    def stopped_at(self) -> int:
        """The step at which the training before it was stopped."""
        return self.from_step + self.wasted_steps


@dataclass(frozen=True, slots=True)
class Began:
    """When a training was first started, at a Unix time, and the step that it went on from; 0 for none."""

    time: float
    step: int


@dataclass(frozen=True, slots=True)
class GuardFile:
    """What the file says. `next`: what to do, in one sentence; empty where there is nothing to do.

    `began`: None where that is not known. `events`: the newest; `counts`: how many there were in all, by
    action. `unread`: entries of the file that could not be read.
    """

    state: GuardState = "watching"
    reason: StopReason | None = None
    next: str = ""
    attempts: tuple[Attempt, ...] = ()
    events: tuple[GuardEvent, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    unread: int = 0
    began: Began | None = None

    @property
    def settings(self) -> Mapping[str, float]:
        """The settings that rescues have changed, as they are now; those alone that are numbers."""
        changed = (item for attempt in self.attempts for item in attempt.changes.items())
        last = {name: change.after for name, change in changed if change.after is not None}
        return {name: float(value) for name, value in last.items() if isinstance(value, (int, float))}

    def with_event(self, event: GuardEvent) -> GuardFile:
        """The same with one more event; of very many the newest stay."""
        counts = {**self.counts, event.action: self.times(event.action) + 1}
        return replace(self, events=(*self.events, event)[-EVENTS_KEPT:], counts=counts)

    def of(self, *actions: Action) -> list[GuardEvent]:
        """The events of these kinds that are known, in the order of time."""
        return [event for event in self.events if event.action in actions]

    def times(self, action: Action) -> int:
        """How often it was done, as far as is known."""
        return max(self.counts.get(action, 0), len(self.of(action)))

    @property
    def wasted_steps(self) -> int:
        """Steps that were trained in vain before each rescue, and after the last where that broke too."""
        last = self.attempts[-1].from_step if self.attempts else 0
        broken = self.of("stop")[-1].step - last if self.is_broken_again else 0
        return sum(attempt.wasted_steps for attempt in self.attempts) + max(broken, 0)

    @property
    def is_broken_again(self) -> bool:
        """Whether it was stopped once more after the last rescue, and given up."""
        stops = self.of("stop")
        given_up = self.state == "gave_up" and bool(self.attempts) and bool(stops)
        return given_up and self.times("stop") > len(self.attempts)
