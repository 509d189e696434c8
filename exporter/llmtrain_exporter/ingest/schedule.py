"""What a run's arguments say of its steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple


class Schedule(NamedTuple):
    """At which steps a run prints rows, and how many it plans; None where nobody says so."""

    logging_steps: float | None = None  # below 1 it is a share of all steps
    max_steps: int | None = None

    @classmethod
    def of(cls, numbers: Mapping[str, float]) -> Schedule:
        """By the run's own arguments, see `knowledge.arguments.NUMBERS`."""
        steps, planned = numbers.get("logging_steps"), numbers.get("max_steps")
        return cls(steps if steps and steps > 0 else None, int(planned) if planned else None)

    def interval(self, planned: int | None) -> int | None:
        """Steps from row to row. `planned`: all steps by the log itself, which goes before the arguments."""
        if self.logging_steps is None:
            return None
        if self.logging_steps >= 1:
            return int(self.logging_steps)
        planned = planned or self.max_steps
        return math.ceil(planned * self.logging_steps) if planned else None


UNKNOWN = Schedule()
