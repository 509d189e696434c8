"""What of one run a server has, what waits for it, and what its log has to be read again for."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import NamedTuple

from llmtrain_exporter.push.place import LogDigest, Place, is_kept
from llmtrain_exporter.push.record_samples import RecordSamples


class Entry(NamedTuple):
    """A record that waits. `since`: monotonic time. `digest`: of its log up to it, where that is known."""

    since: float
    digest: int | None
    samples: RecordSamples


class RunLedger:
    """One run's, of one server. Guarded by the lock of its queue.

    Records are handed on in the order of their numbers, each once. For those for which there was no room, the
    log is read once more, up to `behind`; what is put meanwhile waits for that to end.
    """

    __slots__ = (
        "_digests",
        "_handed_ms",
        "_live",
        "_under_way",
        "behind",
        "generation",
        "handed",
        "is_read_again",
        "place",
        "run",
        "since",
        "size",
        "waiting",
    )

    def __init__(self, run: str, place: Place) -> None:
        self.run = run
        self.generation = 0  # counts the logs that stood in its place
        self._live = LogDigest()  # of the log that is followed
        self._begin(place)

    def _begin(self, place: Place) -> None:
        self.place = place
        self.waiting: deque[Entry] = deque()
        self.size = 0  # samples that wait
        self.handed = place.record  # the last record that was handed on
        self._handed_ms = place.time_ms  # its time
        self._digests = dict(place.digests)
        self._under_way = dict(place.under_way)
        self.behind = 0.0  # the last record for which the log is to be read again; 0: for none
        self.since = 0.0  # monotonic time at which that began
        self.is_read_again = False

    def put(self, samples: RecordSamples, now: float, has_room: bool) -> None:
        """Take a record of the log that is followed. `now`: monotonic time."""
        is_first = not self._live.record
        digest = self.known_digest(self._live, samples, now)
        if is_first and digest is None:  # this server is new, and those before were shown to others alone
            self._fall_behind(samples.record, now)
        last = self.waiting[-1].samples.record if self.waiting else 0
        if samples.record <= max(self.handed, last, self.behind):
            return
        if has_room and (self.is_read_again or not self.behind):
            self.waiting.append(Entry(now, digest, samples))
            self.size += len(samples.values)
        else:
            self._fall_behind(samples.record, now)

    def read_again(self, log: LogDigest, samples: RecordSamples, now: float) -> Entry | None:
        """A record of the log that is read again, None where it was handed on before."""
        digest = self.known_digest(log, samples, now)
        if not self.is_read_again or samples.record <= self.handed:
            return None
        return Entry(self.since, digest, samples)

    def known_digest(self, log: LogDigest, samples: RecordSamples, now: float) -> int | None:
        """The digest of the log up to this record. Where another log was known, all begins anew."""
        record, digest = samples.record, log.add(samples)
        if digest is None:
            return None
        if self._digests.get(record, digest) != digest:
            self.generation += 1
            self._begin(Place())
            if record > 1:  # those before were taken for the ones that are known
                self._fall_behind(record - 1, now)
        if is_kept(record):
            self._digests[record] = digest
        return digest

    def hand_on(self, samples: RecordSamples) -> RecordSamples:
        """The same at the time with which it is sent: later than the one before.

        One that was under way when the program was killed is sent as it was then, and is there once.
        """
        time = max(self._under_way.pop(samples.record, samples.time_ms), self._handed_ms + 1)
        self.handed, self._handed_ms = samples.record, time
        return samples if time == samples.time_ms else replace(samples, time_ms=time)

    def arrive(self, record: int, time_ms: int, digest: int | None) -> None:
        """The server has answered for all up to this record."""
        self._digests = {at: known for at, known in self._digests.items() if is_kept(at)}
        if digest is not None:
            self._digests[record] = digest
        self.place = Place(record, time_ms, self._digests.copy())

    def _fall_behind(self, record: float, now: float) -> None:
        """There is no room for it: the log is read again later, up to there."""
        if not self.behind:
            self.since = now
        if self.is_read_again:  # what waits stands behind a gap
            self.waiting.clear()
            self.size = 0
        self.behind = record
