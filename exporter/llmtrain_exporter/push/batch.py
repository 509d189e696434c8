"""Records that are sent to a server together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_ledger import Entry, RunLedger

MOST_BATCH_SAMPLES = 10_000
"""Samples of a request at most, a record more or less: some 180 KB before they are packed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Up to where a batch brings a run. `generation`: of logs that stood in its place."""

    ledger: RunLedger
    generation: int
    record: int
    time_ms: int
    digest: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in the order of their times. `since`: monotonic time for which the first of them has waited."""

    records: Sequence[RecordSamples]
    arrivals: Sequence[Arrival]
    since: float


class BatchBuilder:
    """Puts a batch together. Under the lock of the queue."""

    def __init__(self) -> None:
        self.size = 0  # samples
        self._records: list[RecordSamples] = []
        self._arrivals: dict[str, Arrival] = {}
        self._since: list[float] = []

    @property
    def is_full(self) -> bool:
        """Whether a server would rather get what comes later by itself."""
        return self.size >= MOST_BATCH_SAMPLES

    def add(self, ledger: RunLedger, entry: Entry) -> None:
        """The next record of a run."""
        timed = ledger.hand_on(entry.samples)
        self.size += len(timed.values)
        self._records.append(timed)
        self._since.append(entry.since)
        self._arrivals[ledger.run] = Arrival(
            ledger, ledger.generation, ledger.handed, ledger.handed_ms, ledger.digest
        )

    def batch(self) -> Batch | None:
        """All that was added; None where nothing was."""
        if not self._records:
            return None
        # Stable: the records of a run have times that ascend already.
        self._records.sort(key=attrgetter("time_ms"))
        return Batch(tuple(self._records), tuple(self._arrivals.values()), min(self._since))
