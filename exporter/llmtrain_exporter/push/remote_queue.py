"""What waits to be sent to one server: bounded, and no record of a log is forgotten."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llmtrain_exporter.push.batch import MOST_BATCH_SAMPLES, Batch, BatchBuilder
from llmtrain_exporter.push.place import LogDigest, Place
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_ledger import RunLedger

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
    runs_behind: int
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
        self._behind: dict[str, RunLedger] = {}  # runs whose log is to be read again, in turn
        self._resting: dict[str, float] = {}  # of these: until which monotonic time they are left alone
        self._samples = 0

    def put(self, samples: RecordSamples) -> None:
        """Take a record of a log that is followed. From any thread."""
        with self._lock:
            ledger = self._ledger(samples.run)
            self._samples -= ledger.size
            ledger.put(samples, self._clock(), self._samples < self._most)
            self._arrange(ledger)

    def read_all(self, run: str) -> None:
        """Have all of a run's log read that the server does not have yet."""
        with self._lock:
            ledger = self._ledger(run)
            self._samples -= ledger.size
            ledger.behind, ledger.since = math.inf, self._clock()
            self._arrange(ledger)

    def take(self, at_once: bool = False) -> Batch | None:
        """What is to be sent now, None where nothing is, or where more may come in a moment."""
        with self._lock:
            if not (at_once or self._is_due()):
                return None
            builder = BatchBuilder()
            while self._ready and not builder.is_full:
                self._take_from(self._ready[next(iter(self._ready))], builder)
            return builder.batch()

    def begin_again(self) -> RunLedger | None:
        """The next run whose log is to be read again, and for which nothing else is under way."""
        now = self._clock()
        with self._lock:
            for run, ledger in self._behind.items():
                if not ledger.waiting and self._resting.get(run, now) <= now:
                    ledger.is_read_again = True
                    return ledger
        return None

    def read_on(self, again: LogAgain, until: float) -> Batch | None:
        """Read on in a log, until there is a batch, it ends or fails, or that monotonic time has come."""
        builder = BatchBuilder()
        try:
            for samples in again.records:
                with self._lock:
                    self._read(again, samples, builder)
                if again.is_over or builder.is_full or self._clock() >= until:
                    break
            else:
                again.is_over = True
        except Exception as error:  # whatever it is: what was read before is sent, and other logs are
            again.is_over, again.failure = True, error
        return builder.batch()

    def end(self, again: LogAgain) -> int:
        """A log was read to its end; how many records it should have had and did not.

        Where that failed, or where more of it came meanwhile, it is read once more.
        """
        with self._lock:
            ledger = again.ledger
            if ledger.generation != again.generation or not ledger.is_read_again:
                return 0
            self._samples -= ledger.size
            ledger.is_read_again, lost = False, 0
            if again.failure is not None:
                self._resting[ledger.run] = self._clock() + REST_SECONDS
            elif ledger.behind <= again.wanted:
                lost, ledger.behind = _gap(ledger), 0
            self._arrange(ledger)
            return lost

    def arrived(self, batch: Batch) -> Iterator[RunLedger]:
        """The server has answered for that batch; the runs of which it has more now."""
        with self._lock:
            for arrival in batch.arrivals:
                if arrival.generation == arrival.ledger.generation:
                    arrival.ledger.arrive(arrival.record, arrival.time_ms, arrival.digest)
                    yield arrival.ledger

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        with self._lock:
            return not self._ready and not self._behind

    @property
    def state(self) -> QueueState:
        """How much waits."""
        with self._lock:
            waits = [ledger.waiting[0].since for ledger in self._ledgers.values() if ledger.waiting]
            waits += [ledger.since for ledger in self._behind.values()]
            records = sum(len(ledger.waiting) for ledger in self._ledgers.values())
            return QueueState(records, len(self._behind), min(waits, default=None))

    def _ledger(self, run: str) -> RunLedger:
        ledger = self._ledgers.get(run)
        if ledger is None:
            ledger = self._ledgers[run] = RunLedger(run, self._place_of(run))
        return ledger

    def _arrange(self, ledger: RunLedger) -> None:
        """After a change; its size was taken off before."""
        self._samples += ledger.size
        _list(self._ready, ledger, bool(ledger.waiting) and not ledger.is_read_again)
        _list(self._behind, ledger, bool(ledger.behind))

    def _is_due(self) -> bool:
        if self._samples >= MOST_BATCH_SAMPLES:
            return True
        latest = self._clock() - HOLD_SECONDS
        return any(ledger.waiting[0].since <= latest for ledger in self._ready.values())

    def _take_from(self, ledger: RunLedger, builder: BatchBuilder) -> None:
        self._samples -= ledger.size
        while ledger.waiting and not builder.is_full:
            entry = ledger.waiting.popleft()
            ledger.size -= len(entry.samples.values)
            builder.add(ledger, entry)
        del self._ready[ledger.run]
        self._arrange(ledger)

    def _read(self, again: LogAgain, samples: RecordSamples, builder: BatchBuilder) -> None:
        ledger = again.ledger
        self._samples -= ledger.size
        entry = ledger.read_again(again.digest, samples, self._clock())
        if ledger.generation != again.generation:  # another log stands there: it is read from its beginning
            again.is_over, ledger.behind = True, max(again.wanted, samples.record)
        elif entry is not None:
            builder.add(ledger, entry)
        if not again.is_over and samples.record >= ledger.behind:
            ledger.behind, ledger.is_read_again, again.is_over = 0, False, True
        self._arrange(ledger)


class LogAgain:
    """A run's log while it is read once more. Belongs to the thread that sends."""

    def __init__(self, ledger: RunLedger, records: Iterator[RecordSamples]) -> None:
        self.ledger = ledger
        self.records = records
        self.digest = LogDigest()
        self.generation = ledger.generation
        self.wanted = ledger.behind  # the record up to which it was to be read when that began
        self.is_over = False
        self.failure: Exception | None = None


def _gap(ledger: RunLedger) -> int:
    return 0 if math.isinf(ledger.behind) else int(ledger.behind) - ledger.handed


def _list(runs: dict[str, RunLedger], ledger: RunLedger, belongs: bool) -> None:
    if belongs:
        runs.setdefault(ledger.run, ledger)
    else:
        runs.pop(ledger.run, None)
