"""When an incident was seen to begin."""

from __future__ import annotations

from typing import NamedTuple

from llmtrain_exporter.knowledge.pace import READ_LATER_SECONDS


class Onset(NamedTuple):
    """When an incident was seen to begin.

    A log that is read later has one time for all its lines; the trainer's clock tells how far they are apart.
    """

    step: int
    arrived: float  # Unix time
    elapsed: float | None  # seconds since the trainer's process started
    last: float | None  # the same of the last record that was read with it

    @property
    def time(self) -> float:
        """Unix time at which it was written."""
        apart = 0.0 if self.last is None or self.elapsed is None else self.last - self.elapsed
        return round(self.arrived - apart) if READ_LATER_SECONDS < apart < self.arrived else self.arrived
