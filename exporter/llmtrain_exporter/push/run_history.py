"""One log, record after record as samples: first what was there, at its true time, then what comes."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import NoRun, Series, series
from llmtrain_exporter.printable import label_value
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.clock_notes import ClockNotes
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.sampling import Sampled, Sampler
from llmtrain_exporter.push.times import RecordTimes, TimeSource, ascending, date_in, on_arrival, record_times
from llmtrain_exporter.watching.live import LiveRun, ObserverT

_NOTHING = RecordTimes(array("q"), TimeSource.ARRIVAL)
_SOURCES = {source: series(c.HISTORY_TIME_SOURCE, ("source", source.value)) for source in TimeSource}


class Sent(NamedTuple):
    """What a server has of a run: records up to this number, the last of them at that time."""

    record: int = 0
    time_ms: int = 0


NOTHING_SENT = Sent()


class RunHistory:
    """A log that is read twice from its start: when its records were written, and then what they say.

    Bounded memory: 8 bytes for each record, and the records of one look. For one thread at a time.
    """

    def __init__(
        self,
        found: Found,
        name: str,
        options: RunOptions,
        readers: Readers,
        chosen: ChosenMetrics,
        sent: Sent = NOTHING_SENT,
        follow: bool = False,
    ) -> None:
        """`sent`: what need not come again. `follow`: somebody may be writing, half lines are waited for."""
        self.name = name
        self._found = found
        self._options = options
        self._readers = readers
        self._chosen = chosen
        self._follow = follow
        self._sent = sent
        self._labels = (("run", label_value(name)),)
        self._info: Series | None = None  # the last static facts that were told
        self._news: dict[Series, float] = {}  # what is to be told of them
        self._first: LiveRun[ClockNotes] | None = self._open(ClockNotes)
        self._known = _NOTHING  # the times of the records that were there
        self._run: LiveRun[Sampler] = self._open(partial(Sampler, chosen=chosen))

    @property
    def sent(self) -> Sent:
        """What was handed on so far, and what the server had before."""
        return self._sent

    @property
    def file(self) -> str:
        """The path of the log."""
        return self._found.path

    def why_none(self) -> NoRun:
        """Why the log has no record."""
        return self._run.why_none()

    @property
    def caught_up(self) -> bool:
        """Whether all that was there was handed on."""
        return self._first is None and self._run.caught_up

    def grown(self) -> bool:
        """Whether `read_on` may bring something; cheap."""
        return self._first is not None or not self._run.caught_up or self._run.grown()

    def check(self, monotonic: float) -> None:
        """Look whether the path still names the same file, unless that was done a moment ago."""
        self._run.check_path(monotonic)

    def read_on(self, monotonic: float, now: float) -> Sequence[RecordSamples] | None:
        """The next records; none yet while their times are looked for, None when there is nothing new.

        `monotonic`: seconds of a clock that never goes back. `now`: Unix time.
        """
        if self._first is not None:
            return self._look_first(self._first, monotonic, now)
        reading = self._run.read_on(monotonic, now, None if self._follow else 0.0)
        if reading is None:
            return None
        if reading.restarted:
            self._begin_anew()
            return ()
        return list(self._take())

    def rest(self, now: float) -> Sequence[RecordSamples]:
        """The record of a half line at the end, for whoever does not wait for the other half."""
        self._run.take_rest(now)
        return list(self._take())

    def close(self) -> None:
        """Give back what is held open."""
        for run in (self._first, self._run):
            if run is not None:
                run.source.close()

    def park(self) -> None:
        """Hold the file open no longer, remember the place."""
        self._run.source.park()

    def _open(self, observe: Callable[[Run], ObserverT]) -> LiveRun[ObserverT]:
        source = open_source(self._found, self._readers, self._follow)
        return LiveRun(self._found, self.name, self._options, source, observe)

    def _begin_anew(self) -> None:
        """Another log stands in the place: nothing is known of its times, and nothing of it was sent."""
        self.close()
        self._sent, self._info, self._known = NOTHING_SENT, None, _NOTHING
        self._first = self._open(ClockNotes)
        self._run = self._open(partial(Sampler, chosen=self._chosen))

    def _look_first(
        self, first: LiveRun[ClockNotes], monotonic: float, now: float
    ) -> Sequence[RecordSamples] | None:
        reading = first.read_on(monotonic, now, 0.0)
        if reading is not None:
            return ()
        if not first.caught_up:
            return None
        if not self._follow:
            first.take_rest(now)
        first.source.close()
        written = first.folded.arrived or min(self._found.modified, now)
        began = date_in(os.path.dirname(self._found.file))
        self._known = record_times(first.observer.clocks(first.states_times, written, began))
        self._first = None
        if self._sent.record > len(self._known.times_ms):
            self._sent = NOTHING_SENT  # that was another log under this name
        return ()

    def _take(self) -> Iterator[RecordSamples]:
        self._note_facts()
        for before, taken in groupby(self._run.observer.take(), self._was_there):
            sampled = list(taken)
            if before:
                times: Sequence[int] = [self._known.times_ms[each.number - 1] for each in sampled]
            else:
                times = self._arrivals(sampled)
            source = self._known.source if before else TimeSource.ARRIVAL
            for each, time_ms in zip(sampled, times, strict=True):
                yield from self._samples(each, time_ms, source)

    def _was_there(self, sampled: Sampled) -> bool:
        return sampled.number <= len(self._known.times_ms)

    def _arrivals(self, sampled: Sequence[Sampled]) -> Sequence[int]:
        """When records came that were not there at first: those of one look share the time of the last."""
        if self._run.states_times:
            times = [each.arrived for each in sampled]
        else:
            times = on_arrival([each.elapsed for each in sampled], sampled[-1].arrived)
        return ascending(iter(times), self._sent.time_ms)

    def _samples(self, sampled: Sampled, time_ms: int, source: TimeSource) -> Iterator[RecordSamples]:
        if sampled.number <= self._sent.record:
            return
        time_ms = max(time_ms, self._sent.time_ms + 1)
        self._sent = Sent(sampled.number, time_ms)
        if sampled.values:
            values = {**sampled.values, _SOURCES[source]: 1.0, **self._news}
            self._news = {}
            yield RecordSamples(self.name, self._labels, sampled.number, time_ms, values)

    def _note_facts(self) -> None:
        """The static facts of the run go with the next record, unless they were told before."""
        info = self._run.info
        if info is not self._info:
            self._info, self._news = info, {info: 1.0}
