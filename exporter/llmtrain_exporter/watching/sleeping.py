"""What is left of a run that is over."""

from __future__ import annotations

import math
from collections.abc import Mapping

from llmtrain_exporter.model import Series
from llmtrain_exporter.watching.live import LiveRun, ObserverT, TrackedLog


class SleepingRun(TrackedLog):
    """A run that is over: no more is kept of it than the place in its log and its counters.

    If the log grows all the same, the run is folded again from the first byte.
    """

    __slots__ = ("_counters", "met_at")

    def __init__(self, run: LiveRun[ObserverT]) -> None:
        super().__init__(run.found, run.name, run.source, run.carried)
        self.source.park()
        self.met_at = run.met_at
        self.check_at = math.inf
        self.caught_up = True
        self.grew_at = run.grew_at
        self._counters = {series: count for series, count in run.folded.counters().items() if count}

    def counters(self) -> Mapping[Series, float]:
        """Where its counters stand; those at 0 are left out."""
        return self._counters

    def stirred(self, monotonic: float) -> bool:
        """Whether there is more in the log; then `carried` is what the run's counters go on from."""
        reading = self.source.poll(monotonic)
        if reading is None:
            self.source.park()
            return False
        if reading.restarted:
            self.carried = self._counters
        return True
