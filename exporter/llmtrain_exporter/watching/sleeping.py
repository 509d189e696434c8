"""What is left of a run that is over."""

from __future__ import annotations

import math

from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import ObserverT
from llmtrain_exporter.watching.predecessor import Predecessor
from llmtrain_exporter.watching.tracked_log import TrackedLog

GUARD_SECONDS = 30.0
"""Time between two looks at what the guard of a run says that is over."""


class SleepingRun(TrackedLog):
    """A run that is over: no more is kept of it than the place in its log and its counters.

    If the log grows all the same, the run is folded again from the first byte.
    """

    __slots__ = ("_before", "is_roused", "met_at")

    def __init__(self, run: LiveRun[ObserverT]) -> None:
        super().__init__(run.found, run.name, run.source)
        self._before = run.predecessor()
        self.source.park()
        self.met_at = run.met_at
        self.is_roused = False  # its guard has done something since: it is to be woken
        awaited = self.guard is not None and self.guard.may_go_on
        self.check_at = run.check_at if awaited else math.inf
        self.caught_up = True
        self.grew_at = run.grew_at

    def predecessor(self) -> Predecessor:
        """What is kept of the run when its log is let go."""
        return self._before

    def check_path(self, monotonic: float) -> None:
        """Look whether its guard has done anything since, now and then."""
        if self.guard is not None and self.guard.look():
            self.is_roused = True
        self.check_at = monotonic + GUARD_SECONDS

    def stirred(self, monotonic: float) -> bool:
        """Whether there is more in the log, or another log."""
        if self.source.poll(monotonic) is not None:
            return True
        self.source.park()
        return False
