"""Which of many logs may have something new: by what the kernel tells, and by looks where it does not."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Generic, TypeVar

from llmtrain_exporter.ingest.stirrings import Stirrings
from llmtrain_exporter.serve.idle_poll import IdlePoll
from llmtrain_exporter.watching.tracked_log import CHECK_SECONDS, TrackedLog

LogT = TypeVar("LogT", bound=TrackedLog)

LOOK_AT_ALL_SECONDS = 10.0
"""So often a log is looked at of which nothing was told, and its path.

Not all is told: not what is written to memory that shows a file, nor what somebody writes through an overlay
to the file below it; nor that a folder above has another name now, or that a link leads elsewhere.
"""

SEARCHES_BELIEVED = 6
"""A path that a search has just found as it is waits for the next look, but each time after so many searches.

Only the look itself settles what it has put off, as a comparison with another file.
"""


class QuietLogs(Generic[LogT]):
    """Knows them. For one thread at a time.

    A log is restless when it was read, replaced or told of. It is looked at with each round, until that finds
    nothing new. From then on the kernel tells, for its watch is older than that look; a log of which nothing
    is told is looked at again and again.
    """

    def __init__(self, stirrings: Stirrings) -> None:
        self._stirrings = stirrings
        self._restless: dict[LogT, None] = {}
        self._watches: dict[LogT, int] = {}  # of the logs that are told of
        self._told_of: dict[int, LogT] = {}  # the same by their watches
        self._looked_at: dict[LogT, None] = {}  # the others
        self._poll: IdlePoll[LogT] | None = None  # of these; None: they are others now
        self._doubted: set[LogT] = set()  # found to have grown at the last look at all, and not told of
        self._untold: set[LogT] = set()  # not told of at the next one either: the kernel does not see it
        self._look_at_all_due = float("-inf")  # monotonic
        self.looked = 0.0  # processor seconds that the last look took at those that are not told of

    def arrange(self, logs: Iterable[LogT]) -> None:
        """These are the logs from now on."""
        there = dict.fromkeys(logs)
        for log in self._watches.keys() - there.keys():
            self._leave(log)
        for some in (self._restless, self._looked_at):
            for log in some.keys() - there.keys():
                del some[log]
        self._doubted &= there.keys()
        self._untold &= there.keys()
        new = (log for log in there if log not in self._watches and log not in self._looked_at)
        self._restless.update(dict.fromkeys(new))
        self._stirrings.look_anew()
        self._poll = None

    def disturb(self, log: LogT) -> None:
        """It was read, or something else stands in its place."""
        self._restless[log] = None
        if log in self._looked_at:
            del self._looked_at[log]
            self._poll = None

    def is_told_of(self, log: LogT) -> bool:
        """Whether the kernel tells what happens to it."""
        return log in self._watches

    def stirred(self, monotonic: float, looks: bool = True) -> list[LogT]:
        """The logs that may have something new. `looks`: also among those of which nothing is told."""
        heard = self._hear(monotonic)
        if monotonic >= self._look_at_all_due:
            self._look_at_all_due = monotonic + LOOK_AT_ALL_SECONDS
            self._look_at_all()
        restless, self._restless = self._restless, {}
        found = [log for log in restless if self._has_news(log)]
        for log in heard.difference(found):  # rewritten, perhaps, to the same size
            log.check_within(monotonic, CHECK_SECONDS)
        return found + self._look() if looks else found

    def close(self) -> None:
        """Give all watches back."""
        self._stirrings.close()

    def _hear(self, monotonic: float) -> set[LogT]:
        """The logs of which something is told now."""
        told = self._stirrings.told()
        changed = {log for watch in told.changed if (log := self._told_of.get(watch)) is not None}
        for log in changed:
            log.check_within(monotonic, 0.0)
        heard = changed | {log for watch in told.written if (log := self._told_of.get(watch)) is not None}
        self._restless.update(dict.fromkeys(heard))
        self._doubted -= heard
        if not told.complete:
            self._doubted.clear()
            self._restless.update(dict.fromkeys(self._watches))
        return heard

    def _look_at_all(self) -> None:
        self._untold |= self._doubted
        self._restless.update(dict.fromkeys(self._doubted))
        self._doubted = {log for log in self._watches if log not in self._restless and log.grown()}
        self._restless.update(dict.fromkeys(self._doubted))

    def _has_news(self, log: LogT) -> bool:
        """Whether a restless log has more to read; one that is not told of is looked at with the others."""
        if self._watch(log):
            return log.grown()
        self._looked_at[log] = None
        self._poll = None
        return False

    def _watch(self, log: LogT) -> bool:
        """Have the kernel tell of the file that the log is now; whether it does."""
        place = None if log in self._untold else log.source.place
        watch = None if place is None else self._stirrings.watch(place[0])
        if watch is not None and self._told_of.get(watch) is log:
            return True
        if log in self._watches:
            self._leave(log)
        if watch is None or watch in self._told_of:  # the file of two paths is told of one
            return False
        self._watches[log], self._told_of[watch] = watch, log
        return True

    def _leave(self, log: LogT) -> None:
        watch = self._watches.pop(log)
        del self._told_of[watch]
        self._stirrings.leave(watch)

    def _look(self) -> list[LogT]:
        if self._poll is None:
            self._poll = IdlePoll(self._looked_at)
        began = time.thread_time()
        stirred = self._poll.stirred()
        self.looked = time.thread_time() - began
        return stirred
