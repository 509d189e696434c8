"""What a guard has done to a run, beside what its records say: which incident it ended, what that cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from llmtrain_exporter.analyse.derived import gpu_seconds
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import guard_metrics as g
from llmtrain_exporter.model import Incident, Series, Snapshot, series

if TYPE_CHECKING:  # who judges records without a guard needs none of it
    from llmtrain_exporter.model.guarded import Attempt, GuardFile

SECONDS_PER_HOUR = 3600
STATES = ("watching", "stopped", "rescued", "gave_up", "ended", "unknown")
"""Of `GuardState`, as a sample each."""

_GPUS, _PACE = series(c.GPUS), series(c.RECENT_SECONDS_PER_STEP)


def rescue_of(run: Snapshot, incident: Incident) -> Attempt | None:
    """The rescue that ended an incident: the steps went back to its checkpoint from where it was stopped."""
    if run.guard is None or incident.recovery_step is None:
        return None
    found = (attempt for attempt in run.guard.attempts if _ends(attempt, incident))
    return min(found, key=lambda attempt: attempt.stopped_at, default=None)


def _ends(attempt: Attempt, incident: Incident) -> bool:
    end = incident.recovery_step or 0
    went_back = end <= incident.peak_step
    return went_back and attempt.from_step <= end and incident.peak_step <= attempt.stopped_at


def stopped_at(run: Snapshot) -> int | None:
    """The step at which the guard has stopped a run that it did not start again; None: it did not."""
    guard = run.guard
    if guard is None or guard.state not in ("stopped", "gave_up"):
        return None
    stops = guard.of("stop")
    return stops[-1].step if stops else None if guard.reason is None else guard.reason.step


def spared_steps(run: Snapshot) -> tuple[int, int] | None:
    """The step at which the guard first ended a training, and how many were planned after that.

    Where it broke again after each rescue the last one counts: until then it was trained. None where the
    guard ended none, or nobody knows how many are planned.
    """
    guard = run.guard
    rescued = guard is not None and guard.attempts and not guard.is_broken_again
    first = guard.attempts[0].stopped_at if guard is not None and rescued else stopped_at(run)
    if first is None or run.max_steps is None or run.max_steps <= first:
        return None
    return first, run.max_steps - first


def gpu_hours(run: Snapshot, steps: int) -> float | None:
    """What so many steps take, as lost GPU hours are reckoned; None where pace or GPUs are not known."""
    seconds = gpu_seconds(steps, run.samples.get(_PACE), run.samples.get(_GPUS))
    return None if seconds is None else seconds / SECONDS_PER_HOUR


def guard_samples(guard: GuardFile) -> Mapping[Series, float]:
    """The samples of a run in which a guard stands."""
    return dict(_samples(guard))


def _samples(guard: GuardFile) -> Iterator[tuple[Series, float]]:
    for state in STATES:
        yield series(g.STATE, (g.STATE.label, state)), float(guard.state == state)
    yield series(g.STOPS), float(guard.times("stop"))
    yield series(g.RESCUES), float(len(guard.attempts))
    yield series(g.SKIPPED_UPDATES), float(guard.times("skip"))
    yield series(g.CHANGES), float(guard.times("set"))
    yield series(g.WASTED_STEPS), float(guard.wasted_steps)
    starts = guard.of("go_on")
    if guard.attempts and starts:
        yield series(g.RESCUE_STEP), float(guard.attempts[-1].from_step)
        yield series(g.RESCUE_TIME), starts[-1].time
    stops = guard.of("stop")
    if stops:
        yield series(g.STOP_STEP), float(stops[-1].step)
        yield series(g.STOP_TIME), stops[-1].time
