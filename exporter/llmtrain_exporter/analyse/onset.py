"""When an incident was seen to begin."""

from __future__ import annotations

from typing import NamedTuple

from llmtrain_exporter.knowledge.pace import READ_LATER_SECONDS
from llmtrain_exporter.model import Incident


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


def last_onset(
    known: Onset | None, incident: Incident | None, arrived: float, elapsed: float | None
) -> Onset | None:
    """The last incident's, after a training record. `incident`: the one that lasts there."""
    if incident is not None and (known is None or known.step != incident.onset_step):
        return Onset(incident.onset_step, arrived, elapsed, elapsed)
    if known is not None and arrived == known.arrived:
        return known._replace(last=elapsed)
    return known
