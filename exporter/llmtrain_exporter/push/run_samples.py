"""The samples of a run's records, made of what each says and when it was written."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series, series
from llmtrain_exporter.push.log_digest import LogMark, milestone
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.sampling import Sampled
from llmtrain_exporter.push.times import RecordTimes, TimeSource, ascending, on_arrival
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import ObserverT

_SOURCES = {source: series(c.HISTORY_TIME_SOURCE, ("source", source.value)) for source in TimeSource}


@dataclass(frozen=True, slots=True)
class NotedRecords:
    """What is known of the records of a log that was read to its end. `digests`: of it up to each of them."""

    times: RecordTimes
    digests: array[int]

    def mark(self, record: int) -> LogMark:
        """What the log is known by up to that record."""
        return LogMark(self.digests[record - 1], self.digests[milestone(record) - 1])


class RunSamples:
    """Makes the samples of one run, each record once, in the order of its log. For one thread at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._info: Series | None = None  # the static facts that were sent last
        self._news: dict[Series, float] = {}  # what is to be sent of them
        self._record = 0  # the last one
        self._time_ms = 0  # of it

    def at(
        self, run: LiveRun[ObserverT], sampled: Iterable[Sampled], noted: NotedRecords
    ) -> Iterator[RecordSamples]:
        """Of records that were there, at times that are known; those that came since are left out.

        Their marks too are those that were noted: a log may turn out, midway, to be better known.
        """
        self._note_facts(run.info)
        times_ms, source = noted.times.times_ms, noted.times.source
        for each in sampled:
            if each.number <= len(times_ms):
                yield from self._of(each, noted.mark(each.number), times_ms[each.number - 1], source)

    def arrived(
        self, run: LiveRun[ObserverT], sampled: Sequence[Sampled], marks: Sequence[LogMark]
    ) -> Iterator[RecordSamples]:
        """Of records that were seen to come, with one look: the last of them has just arrived.

        `marks`: what the log is known by up to each.
        Where the log states times these are the times; the trainer's own clock tells how far the others lie
        before the last one.
        """
        self._note_facts(run.info)
        if run.states_times:
            source, times = TimeSource.STATED, [each.arrived for each in sampled]
        else:
            source = TimeSource.ARRIVAL
            times = on_arrival([each.elapsed for each in sampled], sampled[-1].arrived)
        times_ms = ascending(iter(times), self._time_ms)
        for each, mark, time_ms in zip(sampled, marks, times_ms, strict=True):
            yield from self._of(each, mark, time_ms, source)

    def _of(
        self, sampled: Sampled, mark: LogMark, time_ms: int, source: TimeSource
    ) -> Iterator[RecordSamples]:
        if sampled.number <= self._record:  # the log is read anew, and better known
            return
        self._record, self._time_ms = sampled.number, max(time_ms, self._time_ms + 1)
        values = sampled.values  # nobody else has them
        if values:
            values[_SOURCES[source]] = 1.0
            values.update(self._news)
            self._news = {}
            yield RecordSamples(self._name, sampled.number, self._time_ms, values, mark)

    def _note_facts(self, info: Series) -> None:
        """The static facts of the run go with the next record, unless they were sent before."""
        if info is not self._info:
            self._info, self._news = info, {info: 1.0}
