"""What was sent to one server, and what went wrong."""

from __future__ import annotations

from collections import Counter

from llmtrain_exporter.push.answers import LOG_GONE, OTHER, OUT_OF_ORDER, TOO_OLD
from llmtrain_exporter.push.sending import Progress, Records


class RemoteStatistics:
    """Counts. Written by the thread that sends, read by any."""

    def __init__(self) -> None:
        self.records = 0  # that were taken
        self.samples = 0  # in them
        self.bytes = 0  # of bodies, packed
        self.requests = 0
        self.taken_at = 0.0  # Unix time at which the server took something last; 0: never
        known = (TOO_OLD, OUT_OF_ORDER, OTHER, LOG_GONE)  # from the beginning, for whoever asks for increases
        self.dropped_records: Counter[str] = Counter(dict.fromkeys(known, 0))
        self.dropped_samples: Counter[str] = Counter(self.dropped_records)
        self.failed_requests: Counter[str] = Counter()

    def asked(self, size: int) -> None:
        """A body of that size was sent."""
        self.requests += 1
        self.bytes += size

    def progress(self, progress: Progress, now: float) -> None:
        """What a request has brought. `now`: Unix time."""
        if progress.taken:
            self.records += len(progress.taken)
            self.samples += _samples(progress.taken)
            self.taken_at = now
        if progress.dropped:
            self.dropped_records[progress.reason] += len(progress.dropped)
            self.dropped_samples[progress.reason] += _samples(progress.dropped)

    def gone(self, records: int) -> None:
        """So many records are in no log any more. How many samples they were nobody knows."""
        self.dropped_records[LOG_GONE] += records

    @property
    def dropped(self) -> int:
        """Records that were dropped, for whatever reason."""
        return sum(self.dropped_records.values())


def _samples(records: Records) -> int:
    return sum(len(record.values) for record in records)
