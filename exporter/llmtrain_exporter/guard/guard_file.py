"""`llmtrain-guard.json` in the output folder: what became of a guarded training, and what to do next.

The callback writes it while the training runs, the launcher between two starts; pages and reports read it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from llmtrain_exporter.guard.events import GuardEvent, event_of, is_number
from llmtrain_exporter.knowledge.guard_limits import EVENTS_KEPT

FILE = "llmtrain-guard.json"
VERSION = 1
LARGEST_FILE = 4 << 20  # bytes

GuardState = Literal["watching", "stopped", "rescued", "gave_up", "ended"]


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


@dataclass(frozen=True, slots=True)
class GuardFile:
    """What the file says. `next`: what to do, in one sentence; empty where there is nothing to do."""

    state: GuardState = "watching"
    reason: StopReason | None = None
    next: str = ""
    attempts: tuple[Attempt, ...] = ()
    events: tuple[GuardEvent, ...] = field(default=())

    def with_event(self, event: GuardEvent) -> GuardFile:
        """The same with one more event; of very many the newest stay."""
        return replace(self, events=(*self.events, event)[-EVENTS_KEPT:])


def guard_path(output_dir: str | Path) -> Path:
    """Where the file of a training lies."""
    return Path(output_dir) / FILE


def read_guard_file(path: Path) -> GuardFile | None:
    """What the file says; None where there is none, or none that can be read. Never raises OSError.

    Parts that are not as they should be are left out.
    """
    try:
        with path.open("rb") as opened:
            found = json.loads(opened.read(LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("state") not in get_args(GuardState):
        return None
    said = found.get("next")
    return GuardFile(
        state=found["state"],
        reason=_reason(found.get("reason")),
        next=said if isinstance(said, str) else "",
        attempts=tuple(each for each in map(_attempt, _list(found.get("attempts"))) if each),
        events=tuple(each for each in map(event_of, _list(found.get("events"))) if each),
    )


def write_guard_file(path: Path, content: GuardFile) -> None:
    """Write the file whole: a reader sees the one before or this one. Raises OSError."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_text(json.dumps(_object(content), ensure_ascii=False, indent=1), encoding="utf-8")
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def _object(content: GuardFile) -> dict[str, object]:
    reason = content.reason
    return {
        "version": VERSION,
        "state": content.state,
        "reason": None
        if reason is None
        else {
            "signal": reason.signal,
            "severity": reason.severity,
            "step": reason.step,
            "metric": reason.metric,
            "value": reason.value,
        },
        "next": content.next,
        "attempts": [_attempt_object(attempt) for attempt in content.attempts],
        "events": [event.to_object() for event in content.events],
    }


def _attempt_object(attempt: Attempt) -> dict[str, object]:
    return {
        "attempt": attempt.attempt,
        "from_step": attempt.from_step,
        "checkpoint": attempt.checkpoint,
        "changes": {name: {"from": each.before, "to": each.after} for name, each in attempt.changes.items()},
        "wasted_steps": attempt.wasted_steps,
    }


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def _reason(found: object) -> StopReason | None:
    if not isinstance(found, dict) or type(found.get("step")) is not int:
        return None
    texts = [found.get(name) for name in ("signal", "severity", "metric")]
    if not all(isinstance(text, str) for text in texts):
        return None
    signal, severity, metric = map(str, texts)
    value = found.get("value")
    return StopReason(
        signal,
        severity,
        found["step"],
        metric,
        float(value) if is_number(value) else None,  # type: ignore[arg-type]
    )


def _attempt(found: object) -> Attempt | None:
    if not isinstance(found, dict):
        return None
    numbers = [found.get(name) for name in ("attempt", "from_step", "wasted_steps")]
    checkpoint, changes = found.get("checkpoint"), found.get("changes")
    if not all(type(number) is int for number in numbers) or not isinstance(checkpoint, str):
        return None
    attempt, from_step, wasted = map(int, numbers)  # type: ignore[arg-type]
    known = changes if isinstance(changes, dict) else {}
    told = {name: _change(each) for name, each in known.items() if isinstance(each, dict)}
    return Attempt(attempt, from_step, checkpoint, told, wasted)


def _change(found: Mapping[str, object]) -> SettingChange:
    return SettingChange(_setting(found.get("from")), _setting(found.get("to")))


def _setting(value: object) -> float | str | None:
    return value if isinstance(value, str) or is_number(value) else None  # type: ignore[return-value]
