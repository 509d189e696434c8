"""Reads `llmtrain-guard.json`, which a guarded training leaves in its output folder.

Anybody may have written what is called so: what is not as it should be is left out and counted.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, get_args

from llmtrain_exporter.knowledge.guard_limits import EVENTS_KEPT
from llmtrain_exporter.knowledge.guarding import TOLD_DETAILS
from llmtrain_exporter.model.guarded import (
    Action,
    Attempt,
    Began,
    GuardEvent,
    GuardFile,
    GuardState,
    SettingChange,
    StopReason,
)
from llmtrain_exporter.printable import printable

LARGEST_FILE = 4 << 20  # bytes
MOST_ATTEMPTS, MOST_NAMES = 100, 64
"""Rescues that are read, of the newest; settings of one, or details of an event."""

LARGEST_STEP = 10**12
LATEST = 250_000_000_000.0
"""Unix time, in the ten thousandth year: a later one is no time."""

LONGEST = 600
"""Characters of a text that is told."""

_STATES = frozenset(get_args(GuardState)) - {"unknown"}
_T = TypeVar("_T")


def read_guard_file(path: Path) -> GuardFile | None:
    """What the file says; None where there is none, or none that can be read. Never raises OSError."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a pipe would wait for whoever writes to it
            return None
        with path.open("rb") as opened:
            found = json.loads(opened.read(LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not _is_one_of(found.get("state"), _STATES):
        return None
    said, reason = found.get("next"), _reason(found.get("reason"))
    attempts, lost_attempts = _all(_attempt, found.get("attempts"), MOST_ATTEMPTS)
    events, lost_events = _all(event_of, found.get("events"), EVENTS_KEPT)
    return GuardFile(
        state=found["state"],
        reason=reason,
        next=said if isinstance(said, str) else "",
        attempts=attempts,
        events=events,
        counts=_counts(found.get("counts")),
        unread=lost_attempts + lost_events + (reason is None and found.get("reason") is not None),
        began=_began(found.get("began")),
    )


def read_told(path: Path) -> GuardFile:
    """The same for people: texts are printable and not long; `unknown` where it cannot be read."""
    found = read_guard_file(path)
    return GuardFile("unknown", unread=1) if found is None else _for_people(found)


def event_of(found: object) -> GuardEvent | None:
    """The event that an object of JSON is; None where it is none."""
    if not isinstance(found, dict) or not _is_one_of(found.get("action"), get_args(Action)):
        return None
    time, step, because = found.get("time"), found.get("step"), found.get("because")
    if not _is_time(time) or not _is_step(step) or not isinstance(because, str):
        return None
    plain = {name: value for name, value in _named(found.get("details")) if _setting(value) is not None}
    return GuardEvent(float(time), int(step), found["action"], because, plain)  # type: ignore[arg-type]


def is_number(value: object) -> bool:
    """Whether a value of JSON is a finite number that a float holds, and no truth."""
    if type(value) is int:
        return abs(value) < 1 << 1000
    return type(value) is float and math.isfinite(value)


def _is_time(value: object) -> bool:
    return is_number(value) and 0 <= value <= LATEST  # type: ignore[operator]


def _is_step(value: object) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_STEP


def _is_one_of(value: object, known: frozenset[str] | tuple[str, ...]) -> bool:
    return isinstance(value, str) and value in known


def _all(read: Callable[[object], _T | None], found: object, most: int) -> tuple[tuple[_T, ...], int]:
    """What can be read of a list's last entries, and how many of the list cannot or were too many."""
    listed = found if isinstance(found, list) else []
    entries = tuple(each for each in map(read, listed[-most:]) if each is not None)
    return entries, len(listed) - len(entries)


def _named(found: object) -> list[tuple[str, object]]:
    return list(found.items())[:MOST_NAMES] if isinstance(found, dict) else []


def _counts(found: object) -> dict[str, int]:
    known = get_args(Action)
    return {name: n for name, n in _named(found) if name in known and isinstance(n, int) and _is_step(n)}


def _began(found: object) -> Began | None:
    if not isinstance(found, dict) or not _is_time(found.get("time")) or not _is_step(found.get("step")):
        return None
    return Began(float(found["time"]), int(found["step"]))


def _reason(found: object) -> StopReason | None:
    if not isinstance(found, dict) or not _is_step(found.get("step")):
        return None
    texts = [found.get(name) for name in ("signal", "severity", "metric")]
    if not all(isinstance(text, str) for text in texts):
        return None
    signal, severity, metric = map(str, texts)
    value = found.get("value")
    number = float(value) if is_number(value) else None  # type: ignore[arg-type]
    return StopReason(signal, severity, found["step"], metric, number)


def _attempt(found: object) -> Attempt | None:
    if not isinstance(found, dict):
        return None
    numbers = [found.get(name) for name in ("attempt", "from_step", "wasted_steps")]
    checkpoint = found.get("checkpoint")
    if not all(map(_is_step, numbers)) or not isinstance(checkpoint, str):
        return None
    attempt, from_step, wasted = map(int, numbers)  # type: ignore[arg-type]
    told = {name: _change(each) for name, each in _named(found.get("changes")) if isinstance(each, dict)}
    return Attempt(attempt, from_step, checkpoint, told, wasted)


def _change(found: Mapping[str, object]) -> SettingChange:
    return SettingChange(_setting(found.get("from")), _setting(found.get("to")))


def _setting(value: object) -> float | str | None:
    return value if isinstance(value, str) or is_number(value) else None  # type: ignore[return-value]


def _for_people(found: GuardFile) -> GuardFile:
    reason = found.reason
    return replace(
        found,
        next=_shown(found.next),
        reason=reason
        and replace(
            reason,
            signal=_shown(reason.signal),
            severity=_shown(reason.severity),
            metric=_shown(reason.metric),
        ),
        attempts=tuple(_shown_attempt(attempt) for attempt in found.attempts),
        events=tuple(
            replace(event, because=_shown(event.because), details=_shown_details(event.details))
            for event in found.events
        ),
    )


def _shown_attempt(attempt: Attempt) -> Attempt:
    changes = {
        _shown(name): SettingChange(_shown_value(each.before), _shown_value(each.after))
        for name, each in attempt.changes.items()
    }
    return replace(attempt, checkpoint=_shown(attempt.checkpoint), changes=changes)


def _shown_details(details: Mapping[str, float | str]) -> dict[str, float | str]:
    told = {name: value for name, value in details.items() if name in TOLD_DETAILS}
    return {name: _shown(value) if isinstance(value, str) else value for name, value in told.items()}


def _shown_value(value: float | str | None) -> float | str | None:
    return _shown(value) if isinstance(value, str) else value


def _shown(text: str) -> str:
    return printable(text[:LONGEST])
