"""How fast a run goes, by its own records, and when its silence means that it hangs."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise
from operator import le

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.knowledge import pace

RECORDS_KEPT = 16


class RunPace:
    """The times of the last training records of one process.

    Times are the trainer's elapsed seconds where it logs them, else the arrival of lines (Unix time). The
    trainer's own speed is of no use: a mean since its start, evaluations included, and wrong after a resume.
    """

    __slots__ = ("_known", "_longest_evaluation", "_seconds", "_steps")

    def __init__(self) -> None:
        self._steps, self._seconds = array("q"), array("d")  # of the last records, oldest first
        self._longest_evaluation = 0.0
        self._known: float | None = None  # the pace of the process before

    def note(self, step: int, seconds: float) -> None:
        """A training record of `step` was written at `seconds` of the trainer's clock."""
        if self._seconds and seconds < self._seconds[-1]:
            self.reset()
        self._steps.append(step)
        self._seconds.append(seconds)
        if len(self._steps) > RECORDS_KEPT:
            del self._steps[0], self._seconds[0]

    def note_all(self, steps: Sequence[int], seconds: Sequence[float], arrived: float) -> None:
        """Training records in a row; without `seconds` of the trainer's clock they `arrived` then.

        Where that clock only goes on, the last of them tell it all.
        """
        if not seconds:
            self.note_arrival(steps[-1], arrived)
            return
        last = list(seconds[-RECORDS_KEPT:])
        self.note(steps[0], seconds[0])
        if len(last) == RECORDS_KEPT and all(map(le, (seconds[0], *last), last)):
            self._steps, self._seconds = array("q", steps[-RECORDS_KEPT:]), array("d", last)
            return
        for step, at in zip(steps[1:], seconds[1:], strict=True):
            self.note(step, at)

    def note_arrival(self, step: int, seconds: float) -> None:
        """A training record of `step` was seen at `seconds`, Unix time.

        Of those that were read at once only the last was written then; a log that is read later has no other.
        """
        if self._seconds and seconds == self._seconds[-1]:
            del self._steps[-1], self._seconds[-1]
        self.note(step, seconds)

    def note_evaluation(self, seconds: float) -> None:
        """An evaluation lasted this long."""
        self._longest_evaluation = max(self._longest_evaluation, seconds)

    def reset(self) -> None:
        """Another process goes on with the run; until its own pace is known that of the one before holds."""
        self._known = self.seconds_per_step()
        del self._steps[:], self._seconds[:]

    def seconds_per_step(self) -> float | None:
        """Mean over the last records, pauses left out; None where they do not tell."""
        if len(self._steps) < 2:
            return self._known
        steps, seconds = self._steps[-1] - self._steps[0], self._seconds[-1] - self._seconds[0]
        longest = self.silence(pace.STALL_GAPS, pace.STALL_SECONDS)
        for (before, earlier), (step, later) in pairwise(zip(self._steps, self._seconds, strict=True)):
            if later - earlier > longest:
                steps, seconds = steps - (step - before), seconds - (later - earlier)
        return seconds / steps if steps > 0 and seconds > 0 else self._known

    def silence(self, limit: float, least: float) -> float:
        """Seconds without a record that are `limit` of the run's own gaps, and no less than `least`."""
        return max(limit * self._gap(), least)

    def _gap(self) -> float:
        """Seconds from one record to the next, with their share of the evaluations in between."""
        gaps = [later - earlier for earlier, later in pairwise(self._seconds) if later > earlier]
        if not gaps:
            return pace.STALL_SECONDS_UNKNOWN / pace.STALL_GAPS
        return median(gaps) + pace.STALL_EVALUATIONS / pace.STALL_GAPS * self._longest_evaluation
