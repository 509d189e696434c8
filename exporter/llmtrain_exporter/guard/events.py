"""What the guard does, one event each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

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

    def to_object(self) -> dict[str, object]:
        """As an object for JSON."""
        return {
            "time": self.time,
            "step": self.step,
            "action": self.action,
            "because": self.because,
            "details": dict(self.details),
        }


def event_of(found: object) -> GuardEvent | None:
    """The event that an object of JSON is; None where it is none."""
    if not isinstance(found, dict) or found.get("action") not in get_args(Action):
        return None
    time, step, because = found.get("time"), found.get("step"), found.get("because")
    details = found.get("details")
    if not is_number(time) or type(step) is not int or not isinstance(because, str):
        return None
    known = details.items() if isinstance(details, dict) else ()
    plain = {name: value for name, value in known if isinstance(value, str) or is_number(value)}
    return GuardEvent(float(time), step, found["action"], because, plain)  # type: ignore[arg-type]


def is_number(value: object) -> bool:
    """Whether a value of JSON is a finite number, and no truth."""
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
