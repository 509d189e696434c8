"""How fast a run goes, by its own records, and when its silence means that it hangs."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.knowledge import pace

RECORDS_KEPT = 16


class RunPace:
    """The times of the last training records of one process.

    Times are the trainer's elapsed seconds where it logs them, else the arrival of lines (Unix time). The
    trainer's own speed is of no use: a mean since its start, evaluations included, and wrong after a resume.
    """

    __slots__ = ("_longest_evaluation", "_times")

    def __init__(self) -> None:
        self._times: deque[tuple[int, float]] = deque(maxlen=RECORDS_KEPT)
        self._longest_evaluation = 0.0

    def note(self, step: int, seconds: float) -> None:
        """A training record of `step` was written at `seconds`."""
        if self._times and seconds < self._times[-1][1]:
            self._times.clear()
        self._times.append((step, seconds))

    def note_evaluation(self, seconds: float) -> None:
        """An evaluation lasted this long."""
        self._longest_evaluation = max(self._longest_evaluation, seconds)

    def reset(self) -> None:
        """Another process goes on with the run."""
        self._times.clear()

    def seconds_per_step(self) -> float | None:
        """Mean over the last records; None where they do not tell."""
        if len(self._times) < 2:
            return None
        (first, began), (last, ended) = self._times[0], self._times[-1]
        return (ended - began) / (last - first) if last > first and ended > began else None

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
