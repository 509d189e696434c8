"""What waits to be sent to one server: bounded, and no record of a log is forgotten."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from llmtrain_exporter.push.batch import MOST_BATCH_SAMPLES, Batch, BatchBuilder
from llmtrain_exporter.push.place import Place
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_ledger import RunLedger
from llmtrain_exporter.watching.live import CLOCK_GRAIN_SECONDS

MOST_SAMPLES = 250_000
"""Samples that wait at most, some 20 MB; what is more is read from its log again."""

HOLD_SECONDS = 1.0
"""A record waits so long for others to be sent with."""

REST_SECONDS = 60.0
"""A log that cannot be read is left alone for so long."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """How much waits. `since`: monotonic time since when the record waits that waits longest."""

    records: int
    logs_to_read: int
    since: float | None


class RemoteQueue:
    """Filled by any threads, emptied by one that sends.

    `put` never waits: where there is no room, the run's log is read again when there is.
    """

    def __init__(
        self, place_of: Callable[[str], Place], clock: Callable[[], float], most: int = MOST_SAMPLES
    ) -> None:
        """`place_of`: up to where the server has a run. `clock` never goes back. `most`: samples to wait."""
        self._place_of = place_of
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()  # guards all below, and the ledgers
        self._ledgers: dict[str, RunLedger] = {}
        self._ready: dict[str, RunLedger] = {}  # runs of which records wait to be sent, in turn
        self._gaps: dict[str, RunLedger] = {}  # runs whose log is to be read, in turn
        self._samples = 0

    def put(self, samples: RecordSamples) -> None:
        """Take a record that has just come. From any thread."""
        with self._changed(samples.run) as ledger:
            ledger.put(samples, self._clock(), self._samples < self._most)

    def read_up_to(self, run: str, record: float, modified: float = math.inf) -> None:
        """So many records of a run are in its log, and are to be read; what is put from now on follows them.

        `modified`: Unix time of the last write to the log, where that is known: one that the server has, and
        that nobody has written to since, is not read. From any thread.
        """
        with self._changed(run) as ledger:
            is_unchanged = modified < ledger.place.noted - CLOCK_GRAIN_SECONDS
            ledger.read_up_to(record, self._clock(), is_unchanged)

    def take(self, at_once: bool = False) -> Batch | None:
        """What is to be sent now, None where nothing is, or where more may come in a moment."""
        with self._lock:
            if not (at_once or self._is_due()):
                return None
            builder = BatchBuilder()
            while self._ready and not builder.is_full:
                self._take_from(self._ready[next(iter(self._ready))], builder)
            return builder.batch()

    def next_log(self) -> RunLedger | None:
        """The next run whose log is to be read, and of which nothing else is under way."""
        now = self._clock()
        with self._lock:
            ready = (each for each in self._gaps.values() if not each.waiting and each.rests_until <= now)
            return next(ready, None)

    def read_on(self, log: GapReading, until: float) -> Batch | None:
        """Read on in a log: a batch once it is full or the log ends or fails, None when the time has come.

        `until`: monotonic time.
        """
        try:
            for samples in log.records:
                if samples is not None:
                    self._read(log, samples)
                if log.is_over or log.builder.is_full or self._clock() >= until:
                    break
            else:
                log.is_over = True
        except Exception as error:  # whatever it is: what was read before is sent, and other logs are
            log.is_over, log.failure = True, error
        return log.take() if log.is_over or log.builder.is_full else None

    def begin(self, log: GapReading) -> None:
        """A log is read from its beginning."""
        with self._changed(log.ledger.run) as ledger:
            ledger.reading, log.wanted = log, ledger.gap

    def end(self, log: GapReading) -> int:
        """A log was read to its end; how many records are lost, where there is no such log any more.

        Records that say nothing are not among its samples. Where reading failed, or where more of the log
        came meanwhile, it is read once more.
        """
        with self._changed(log.ledger.run) as ledger:
            if ledger.reading is not log:
                return 0
            ledger.reading = None
            if log.failure is not None:
                ledger.rests_until = self._clock() + REST_SECONDS
            elif ledger.gap <= log.wanted:
                end = ledger.handed if math.isinf(ledger.gap) else int(ledger.gap)
                ledger.end_gap(end)
                return max(end - ledger.handed, 0) if log.is_gone else 0
            return 0

    def arrived(self, batch: Batch, too_old: Iterable[RecordSamples] = ()) -> Sequence[RunLedger]:
        """The server has answered for that batch; the runs of which it has more now.

        `too_old`: what of the batch it has refused for its age.
        """
        with self._lock:
            known = [each for each in batch.arrivals if each.generation == each.ledger.generation]
            ledgers = {arrival.ledger.run: arrival.ledger for arrival in known}
            for record in too_old:
                if record.run in ledgers:
                    ledgers[record.run].refuse(record.record)
            for arrival in known:
                arrival.ledger.arrive(arrival.record, arrival.time_ms, arrival.digest)
            return [arrival.ledger for arrival in known]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        with self._lock:
            return not self._ready and not self._gaps

    @property
    def state(self) -> QueueState:
        """How much waits."""
        with self._lock:
            waits = [ledger.waiting[0].since for ledger in self._ready.values()]
            waits += [ledger.gap_since for ledger in self._gaps.values()]
            waiting = {**self._ready, **self._gaps}.values()
            records = sum(len(ledger.waiting) + len(ledger.after) for ledger in waiting)
            return QueueState(records, len(self._gaps), min(waits, default=None))

    @contextmanager
    def _changed(self, run: str) -> Iterator[RunLedger]:
        """The run's ledger, to be changed: afterwards its size and its turns are counted anew."""
        with self._lock:
            ledger = self._ledgers.get(run)
            if ledger is None:
                ledger = self._ledgers[run] = RunLedger(run, self._place_of(run))
            before = ledger.size
            try:
                yield ledger
            finally:
                self._samples += ledger.size - before
                _list(self._ready, ledger, bool(ledger.waiting))
                _list(self._gaps, ledger, bool(ledger.gap))

    def _is_due(self) -> bool:
        if self._samples >= MOST_BATCH_SAMPLES:
            return True
        latest = self._clock() - HOLD_SECONDS
        return any(ledger.waiting[0].since <= latest for ledger in self._ready.values())

    def _take_from(self, ledger: RunLedger, builder: BatchBuilder) -> None:
        before = ledger.size
        while ledger.waiting and not builder.is_full:
            entry = ledger.waiting.popleft()
            ledger.size -= len(entry.samples.values)
            builder.add(ledger, entry)
        self._samples += ledger.size - before
        del self._ready[ledger.run]  # it is the turn of others
        _list(self._ready, ledger, bool(ledger.waiting))

    def _read(self, log: GapReading, samples: RecordSamples) -> None:
        with self._changed(log.ledger.run) as ledger:
            if ledger.reading is not log:
                log.is_over = True
                return
            entry = ledger.read(samples)
            if entry is not None:
                log.builder.add(ledger, entry)
            log.is_over = ledger.reading is not log  # another log stands there: it is read from its beginning
            if not log.is_over and samples.record >= ledger.gap:
                ledger.end_gap(ledger.gap)
                log.is_over = True


class GapReading:
    """A run's log while it is read. Belongs to the thread that sends."""

    def __init__(self, ledger: RunLedger, records: Iterator[RecordSamples | None]) -> None:
        """`records`: None among them is a pause."""
        self.ledger = ledger
        self.records = records
        self.builder = BatchBuilder()  # of what was read and not yet sent
        self.wanted = 0.0  # the record up to which it was to be read when that began
        self.is_over = False
        self.is_gone = False  # there is no such log any more
        self.failure: Exception | None = None

    def take(self) -> Batch | None:
        """What was read so far."""
        builder, self.builder = self.builder, BatchBuilder()
        return builder.batch()


def _list(runs: dict[str, RunLedger], ledger: RunLedger, belongs: bool) -> None:
    if belongs:
        runs.setdefault(ledger.run, ledger)
    else:
        runs.pop(ledger.run, None)
