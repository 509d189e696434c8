"""The history of a run that is followed: what comes is handed on, what was there is to be read for it."""

from __future__ import annotations

from typing import Protocol

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.model import Record
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.log_digest import LogDigest, LogMark
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_samples import RunSamples
from llmtrain_exporter.push.sampling import Sampler
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import ObserverT


class HistorySink(Protocol):
    """Takes the samples of records, those of one run in their order, and can read logs by itself."""

    def put(self, samples: RecordSamples) -> None:
        """Take the samples of a record. Never blocks, never raises."""

    def read_up_to(self, run: str, record: int) -> None:
        """So many records of the run's log were not put: it is to be read. Never blocks, never raises."""


class LiveHistory:
    """The observer of one run. While a log is read to its end for the first time, its records are counted.

    For one thread at a time.
    """

    __slots__ = ("_log", "_marks", "_sampler", "_samples", "choose")

    def __init__(self, run: Run, chosen: ChosenMetrics) -> None:
        self._sampler = Sampler(run, chosen)
        self.choose = self._sampler.choose
        self._samples: RunSamples | None = None  # None: its log was not yet read to its end
        self._log = LogDigest()
        self._marks: list[LogMark] = []  # of what was sampled since it was handed on last

    @property
    def reads_state(self) -> bool:
        """Records that are only counted can be taken in by blocks."""
        return self._samples is not None

    def note(self, record: Record, analysis: Analysis | None, /) -> None:
        """See a record that was folded."""
        self._log.note(record)
        if self._samples is None:
            self._sampler.count(record, analysis)
        else:
            self._marks.append(self._log.mark)
            self._sampler.note(record, analysis)

    def hand_on(self, run: LiveRun[ObserverT], sink: HistorySink) -> None:
        """Put what has come with the last look at the run."""
        if self._samples is None:
            if run.caught_up:
                self._follow(run, sink)
            return
        sampled = self._sampler.take()
        if sampled:
            marks, self._marks = self._marks, []
            for samples in self._samples.arrived(run, sampled, marks):
                sink.put(samples)

    def _follow(self, run: LiveRun[ObserverT], sink: HistorySink) -> None:
        self._samples = RunSamples(run.name)
        if self._sampler.number:
            sink.read_up_to(run.name, self._sampler.number)
