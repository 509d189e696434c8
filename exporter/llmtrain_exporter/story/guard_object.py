"""What a guard has done to a run, as plain objects for JSON."""

from __future__ import annotations

from llmtrain_exporter.analyse.guarded import gpu_hours, spared_steps
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.model.guarded import Attempt, GuardEvent, GuardFile, StopReason

Object = dict[str, object]


def guard_object(run: Snapshot, guard: GuardFile) -> Object:
    """As its file says it, with what it cost and spared. GPU hours are None where nobody knows them.

    `stops`, `skipped_updates`, `changes`: how often; `events`: the newest of all. `unread`: entries of the
    file that could not be read.
    """
    return {
        "state": guard.state,
        "reason": None if guard.reason is None else _reason(guard.reason),
        "next": guard.next,
        "stops": guard.times("stop"),
        "rescues": [_rescue(attempt) for attempt in guard.attempts],
        "skipped_updates": guard.times("skip"),
        "changes": guard.times("set"),
        "wasted": {"steps": guard.wasted_steps, "gpu_hours": gpu_hours(run, guard.wasted_steps)},
        "spared": _spared(run),
        "events": [_event(event) for event in guard.events],
        "unread": guard.unread,
    }


def _reason(reason: StopReason) -> Object:
    return {
        "signal": reason.signal,
        "severity": reason.severity,
        "step": reason.step,
        "metric": reason.metric,
        "value": reason.value,
    }


def _rescue(attempt: Attempt) -> Object:
    return {
        "attempt": attempt.attempt,
        "stopped_at": attempt.stopped_at,
        "from_step": attempt.from_step,
        "checkpoint": attempt.checkpoint,
        "changes": {name: {"from": each.before, "to": each.after} for name, each in attempt.changes.items()},
        "wasted_steps": attempt.wasted_steps,
    }


def _spared(run: Snapshot) -> Object | None:
    found = spared_steps(run)
    return None if found is None else {"steps": found[1], "gpu_hours": gpu_hours(run, found[1])}


def _event(event: GuardEvent) -> Object:
    return {
        "time": event.time,
        "step": event.step,
        "action": event.action,
        "because": event.because,
        "details": dict(event.details),
    }
