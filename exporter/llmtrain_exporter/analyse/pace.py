"""How fast a run goes, by its own records, and when its silence means that it hangs."""

from __future__ import annotations

from collections import deque
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

    __slots__ = ("_known", "_longest_evaluation", "_times")

    def __init__(self) -> None:
        self._times: deque[tuple[int, float]] = deque(maxlen=RECORDS_KEPT)
        self._longest_evaluation = 0.0
        self._known: float | None = None  # the pace of the process before

    def note(self, step: int, seconds: float) -> None:
        """A training record of `step` was written at `seconds` of the trainer's clock."""
        if self._times and seconds < self._times[-1][1]:
            self.reset()
        self._times.append((step, seconds))

    def note_all(self, steps: Sequence[int], seconds: Sequence[float], arrived: float) -> None:
        """Training records in a row; without `seconds` of the trainer's clock they `arrived` then.

        Where that clock only goes on, the first and the last tell it all.
        """
        if not seconds:
            self.note_arrival(steps[-1], arrived)
            return
        if len(steps) > RECORDS_KEPT and all(map(le, seconds, seconds[1:])):
            self.note(steps[0], seconds[0])
            self._times.extend(zip(steps[-RECORDS_KEPT:], seconds[-RECORDS_KEPT:], strict=True))
            return
        for step, at in zip(steps, seconds, strict=True):
            self.note(step, at)

    def note_arrival(self, step: int, seconds: float) -> None:
        """A training record of `step` was seen at `seconds`, Unix time.

        Of those that were read at once only the last was written then; a log that is read later has no other.
        """
        if self._times and seconds == self._times[-1][1]:
            self._times.pop()
        self.note(step, seconds)

    def note_evaluation(self, seconds: float) -> None:
        """An evaluation lasted this long."""
        self._longest_evaluation = max(self._longest_evaluation, seconds)

    def reset(self) -> None:
        """Another process goes on with the run; until its own pace is known that of the one before holds."""
        self._known = self.seconds_per_step()
        self._times.clear()

    def seconds_per_step(self) -> float | None:
        """Mean over the last records, pauses left out; None where they do not tell."""
        if len(self._times) < 2:
            return self._known
        (first, began), (last, ended) = self._times[0], self._times[-1]
        steps, seconds = last - first, ended - began
        longest = self.silence(pace.STALL_GAPS, pace.STALL_SECONDS)
        for (before, earlier), (step, later) in pairwise(self._times):
            if later - earlier > longest:
                steps, seconds = steps - (step - before), seconds - (later - earlier)
        return seconds / steps if steps > 0 and seconds > 0 else self._known

    def silence(self, limit: float, least: float) -> float:
        """Seconds without a record that are `limit` of the run's own gaps, and no less than `least`."""
        return max(limit * self._gap(), least)

    def _gap(self) -> float:
        """Seconds from one record to the next, with their share of the evaluations in between."""
        times = [seconds for _, seconds in self._times]
        gaps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
        if not gaps:
            return pace.STALL_SECONDS_UNKNOWN / pace.STALL_GAPS
        return median(gaps) + pace.STALL_EVALUATIONS / pace.STALL_GAPS * self._longest_evaluation
