"""One log from its first record to its last as samples, each at the time at which it was written."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterator
from functools import partial

from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.profile import GENERIC
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.model import NoRun, RowKind
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.clock_notes import ClockNotes
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_samples import NotedRecords, RunSamples
from llmtrain_exporter.push.sampling import Sampler
from llmtrain_exporter.push.times import RecordTimes, TimeSource, date_in, record_times
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import ObserverT

_UNJUDGED = Profile("unjudged", GENERIC, {})
"""A profile without signals: who only asks for times waits for no judgement."""


class RunHistory:
    """A log that is read twice: when its records were written and its digests, and then what they say.

    Bounded memory: 36 bytes for each record, and the records of one portion of the log. For one thread.
    """

    def __init__(
        self,
        found: Found,
        name: str,
        options: RunOptions,
        readers: Readers,
        chosen: ChosenMetrics,
        patient: bool = False,
    ) -> None:
        """`patient`: somebody may be writing, so that what is half there is left for later."""
        self.name = name
        self.file = found.told
        self._found = found
        self._options = options
        self._readers = readers
        self._patient = patient
        self._chosen = chosen
        self._sampler = partial(Sampler, chosen=chosen)
        self._run: LiveRun[Sampler] | None = None  # the last look at it
        self.records = 0  # of which the samples were handed on

    def samples(self, monotonic: float, now: float) -> Iterator[RecordSamples]:
        """All that is there by now, portion by portion, however slowly it is taken.

        `monotonic`: seconds of a clock that never goes back. `now`: Unix time. May raise whatever reading a
        broken log raises.
        """
        return (each for each in self.with_pauses(monotonic, now) if each is not None)

    def with_pauses(self, monotonic: float, now: float) -> Iterator[RecordSamples | None]:
        """The same, and None after each portion that was read, for who has something else to do meanwhile."""
        noted = yield from self._noted(monotonic, now)
        run = self._run = self._open(self._sampler, self._options)
        made = RunSamples(self.name)
        try:
            for _ in self._portions(run, monotonic, now):
                for samples in made.at(run, run.observer.take(), noted):
                    self.records += 1
                    yield samples
                yield None
        finally:
            run.source.close()

    def why_none(self) -> NoRun:
        """Why the history has no record, once the log was read."""
        run = self._run or self._open(self._sampler, self._options)
        if run.folded.records[RowKind.TRAIN] or run.folded.records[RowKind.EVAL]:
            return NoRun(self.file, NoRunReason.NOT_CHOSEN, detail=", ".join(self._chosen.patterns) or "[]")
        return run.why_none()

    def _noted(self, monotonic: float, now: float) -> Generator[None, None, NotedRecords]:
        """What is known of the records that are there by now; a pause after each portion."""
        options = self._options._replace(profile=_UNJUDGED.name, profiles={_UNJUDGED.name: _UNJUDGED})
        run = self._open(ClockNotes, options)
        try:
            yield from self._portions(run, monotonic, now)
        finally:
            run.source.close()
        notes, written = run.observer, run.folded.arrived
        if written is None:
            return NotedRecords(RecordTimes(array("q"), TimeSource.GUESSED), notes.digests)
        times = record_times(notes.clocks(run.states_times, written, date_in(self._found.file)))
        return NotedRecords(times, notes.digests)

    def _open(self, observe: Callable[[Run], ObserverT], options: RunOptions) -> LiveRun[ObserverT]:
        source = open_source(self._found, self._readers, self._patient)
        return LiveRun(self._found, self.name, options, source, observe)

    def _portions(self, run: LiveRun[ObserverT], monotonic: float, now: float) -> Iterator[None]:
        """After each portion of the log that was folded.

        A row that is held until it is whole is whole after silence, and the file has been silent since it was
        written to last: whoever follows the log has had that row by then.
        """
        written = now
        while (reading := run.read_on(monotonic, now, 0.0)) is not None:
            written = reading.modified
            yield
        if not self._patient:
            run.take_rest(now)
            yield
            return
        silence = max(now - written, 0.0)
        run.source.check(monotonic + silence)
        while run.read_on(monotonic + silence, now, 0.0) is not None:
            yield
