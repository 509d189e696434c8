"""What is left of a run that is over."""

from __future__ import annotations

import math

from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.reading import Source
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import ObserverT
from llmtrain_exporter.watching.parked_log import parked_at, parked_log
from llmtrain_exporter.watching.predecessor import Predecessor, put_aside, taken_up
from llmtrain_exporter.watching.tracked_log import TrackedLog

GUARD_SECONDS = 30.0
"""Time between two looks at what the guard of a run says that is over."""


class SleepingRun(TrackedLog):
    """A run that is over: no more is kept of it than the place in its log and its counters.

    If the log grows all the same, the run is folded again from the first byte.
    """

    __slots__ = ("_before", "is_roused", "met_at")

    def __init__(
        self,
        found: Found,
        name: str,
        source: Source,
        before: Predecessor,
        met_at: float,
        grew_at: float = 0.0,
    ) -> None:
        """`source`: parked at the end of the log. `before`: what was counted of it. `met_at`, `grew_at`: Unix
        times, see `LiveRun` and `TrackedLog`.
        """
        super().__init__(found, name, source)
        self._before = put_aside(before)
        self.met_at = met_at
        self.is_roused = False  # it is to be woken: its guard has done something, or it was likely ended
        self.check_at = -math.inf if self.guard is not None and self.guard.may_go_on else math.inf
        self.caught_up = True
        self.grew_at = grew_at

    def predecessor(self) -> Predecessor:
        """What is kept of the run when its log is let go."""
        return taken_up(self._before)

    def check_path(self, monotonic: float, again_in: float = GUARD_SECONDS) -> None:
        """Look whether its guard has done anything since, now and then."""
        if self.guard is not None and self.guard.look():
            self.is_roused = True
        self.check_at = monotonic + max(again_in, GUARD_SECONDS)

    def stirred(self, monotonic: float) -> bool:
        """Whether there is more in the log, or another log."""
        if self.source.poll(monotonic) is not None:
            return True
        self.source.park()
        return False


def kept_asleep(found: Found, name: str, before: Predecessor, met_at: float) -> SleepingRun | None:
    """A run of which all is known; None where its log tells more by now, or a guard does."""
    parked = None if before.fingerprint is None else parked_at(found, before.fingerprint)
    if parked is None:
        return None
    sleeping = SleepingRun(found, name, parked, before, met_at)
    return sleeping if sleeping.guard is None else None


def asleep(run: LiveRun[ObserverT]) -> SleepingRun:
    """What is left of a run whose log was read to its end."""
    before = run.predecessor()
    parked = parked_log(run.found, run.source)
    run.source.park()
    sleeping = SleepingRun(run.found, run.name, parked or run.source, before, run.met_at, run.grew_at)
    if sleeping.check_at < math.inf:
        sleeping.check_at = run.check_at
    return sleeping
