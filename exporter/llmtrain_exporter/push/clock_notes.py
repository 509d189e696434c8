"""When the records of a log were written, as far as they say, and its digests: noted on a first reading."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import ClassVar

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue.progress import TRAIN_RUNTIME
from llmtrain_exporter.model import Record, RowKind
from llmtrain_exporter.push.log_digest import LogDigest
from llmtrain_exporter.push.times import LogClocks

_NAN = math.nan


def seconds_of(record: Record) -> float:
    """For how long its process had trained: by the trainer's clock, or the bar beside it; NaN: not known."""
    elapsed = record.get(c.ELAPSED)
    if elapsed is None and record.placement is not None:
        elapsed = record.placement.seconds
    return _NAN if elapsed is None else elapsed


class ClockNotes:
    """The observer that keeps four numbers of each record. For one thread at a time."""

    reads_state: ClassVar[bool] = True

    def __init__(self, run: Run) -> None:
        self._run = run
        self._arrived = array("d")
        self._elapsed = array("d")
        self._trained = array("d")
        self._log = LogDigest()
        self.digests = array("I")  # of the log up to each record
        self._seconds = 0.0  # that all steps took so far
        self._step = 0  # of the training record before
        self._runtime: float | None = None

    def note(self, record: Record, _: Analysis | None, /) -> None:
        """Note what a record says that was folded."""
        took = record.get(c.STEP_TIME)
        self._log.note(record)
        self.digests.append(self._log.digest)
        self._arrived.append(self._run.arrived or 0.0)
        self._elapsed.append(seconds_of(record))
        self._trained.append(_NAN if took is None else self._add(took))
        if record.kind is RowKind.TRAIN:
            self._step = self._run.position.last_step or 0
        runtime = record.get(TRAIN_RUNTIME)
        self._runtime = self._runtime if runtime is None else runtime

    def clocks(self, states_times: bool, written: float, began: float | None) -> LogClocks:
        """All that was noted. `states_times`: the log has a clock, so that arrivals are what it says."""
        stated: Sequence[float] = self._arrived if states_times else ()
        whole = self._runtime is not None and self._runtime > 0 and not self._run.position.resumes
        runtime = self._runtime if whole else None
        return LogClocks(stated, self._elapsed, self._trained, runtime, written, began)

    def _add(self, took: float) -> float:
        steps = max((self._run.position.last_step or 0) - self._step, 1)
        self._seconds += steps * took if took > 0 else 0.0
        return self._seconds
