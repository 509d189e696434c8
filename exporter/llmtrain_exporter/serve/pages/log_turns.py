"""How many requests look at logs at once: no long one holds up a scrape."""

from __future__ import annotations

from typing import NamedTuple

from anyio import CapacityLimiter

from llmtrain_exporter.serve.fleet import Shown
from llmtrain_exporter.serve.pulse import Pulse

GLANCES = 4
"""Requests that ask at once whether a log of one root has changed."""


class RootTurns(NamedTuple):
    """How many requests look at the logs of one root at once, and how many read one."""

    glance: CapacityLimiter
    read: CapacityLimiter


class LogTurns:
    """Those of each root: where one does not answer, runs of others are read all the same."""

    def __init__(self) -> None:
        self._of: dict[Pulse | None, RootTurns] = {}

    def of(self, shown: Shown) -> RootTurns:
        """Those of a run's root. Asked where the event loop runs."""
        turns = self._of.get(shown.pulse)
        if turns is None:
            turns = self._of[shown.pulse] = RootTurns(CapacityLimiter(GLANCES), CapacityLimiter(1))
        return turns
