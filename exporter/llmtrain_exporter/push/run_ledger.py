"""What of one run a server has, what waits for it, and what its log has to be read for."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import NamedTuple

from llmtrain_exporter.push.log_digest import milestone
from llmtrain_exporter.push.place import Place
from llmtrain_exporter.push.record_samples import RecordSamples


class Entry(NamedTuple):
    """A record that waits. `since`: monotonic time."""

    since: float
    samples: RecordSamples


class RunLedger:
    """One run's, of one server. Guarded by the lock of its queue.

    Records are handed on in the order of their numbers, each once. Where there is a gap, of those that were
    there before the run was followed or for which there was no room, the log is read up to the gap's end;
    what comes after it waits.
    """

    __slots__ = (
        "_digests",
        "_met",
        "_owed",
        "_owed_is_read",
        "_read_to",
        "_seen",
        "_too_old",
        "_under_way",
        "after",
        "digest",
        "gap",
        "gap_since",
        "generation",
        "handed",
        "handed_ms",
        "place",
        "reading",
        "rests_until",
        "run",
        "size",
        "waiting",
    )

    def __init__(self, run: str, place: Place) -> None:
        self.run = run
        self.generation = 0  # counts the logs that stood in its place
        self._begin(place)

    def _begin(self, place: Place) -> None:
        self.place = place
        self.waiting: deque[Entry] = deque()  # what is to be sent now
        self.gap = 0.0  # the last record that is to be read from the log; 0: there is none
        self.gap_since = 0.0  # monotonic time
        self.after: deque[Entry] = deque()  # what follows the gap
        self.size = 0  # samples that wait
        self.handed = place.record  # the last record that was handed on
        self.reading: object = None  # who reads the log now
        self.rests_until = float("-inf")  # monotonic time; until then the log is left alone
        self.digest = place.digests.get(place.record, 0)  # of the log up to that
        self.handed_ms = place.time_ms  # the time of the last that was handed on
        self._read_to = place.read_to  # the last record up to which the log was read
        self._seen = place.record  # the last one that was put, or of which it was said that it is there
        self._met = False  # anything was put, or said to be there, since this began
        self._owed = (
            place.too_old
        )  # first and last of the records that are to be sent though they were before
        self._owed_is_read = False
        self._too_old: tuple[int, int] = (0, 0)  # of those that were refused for their age since
        self._digests = dict(place.digests)
        self._under_way = dict(place.under_way)

    def put(self, samples: RecordSamples, now: float, has_room: bool) -> None:
        """Take a record that has just come. `now`: monotonic time."""
        if samples.record <= self._seen:  # another log has begun
            self._forget()
        if samples.record > self._seen + 1 and not self._met:  # others were shown those before
            self._miss(samples.record, now)
        elif has_room:
            (self.after if self.gap else self.waiting).append(Entry(now, samples))
            self.size += len(samples.values)
        else:
            self._miss(samples.record, now)
        self._seen, self._met = samples.record, True

    def read_up_to(self, record: float, now: float, is_unchanged: bool) -> None:
        """So many records are in a log that is followed from now on: this one, or another in its place.

        `is_unchanged`: nobody has written to it since its place was noted.
        """
        if is_unchanged and self.place.read_to == record and not self._owed[1]:
            self._seen, self._met = int(record), True
            return
        if record < self.handed:
            self._forget()
        self._met = True
        self.waiting.clear()
        self.size = 0
        self._miss(record, now)
        self.reading = None
        self._seen = max(self.handed, int(min(record, 1 << 62)))

    def read(self, samples: RecordSamples) -> Entry | None:
        """A record that is read from the log, None where it was handed on before.

        Where it is not the log that is known, nothing is known any more; whether it has to be read from its
        beginning once more, `reading` tells.
        """
        if not self._is_known(samples):
            self._begin_with_gap(samples.record)
        first, last = self._owed
        if self.reading is None or (samples.record <= self.handed and not first <= samples.record <= last):
            return None
        return Entry(self.gap_since, samples)

    def end_gap(self, record: float) -> None:
        """The log was read up to there."""
        self.waiting.extend(self.after)
        self.after.clear()
        self.gap, self.reading = 0.0, None
        self._read_to, self._owed_is_read = max(self._read_to, int(record)), True
        if self.place.record == self.handed:
            self.place = replace(self.place, read_to=self._read_to)

    def hand_on(self, samples: RecordSamples) -> RecordSamples:
        """The same at the time with which it is sent: later than the one before.

        One that was under way when the program was killed is sent as it was then, and is there once.
        """
        record = samples.record
        if record <= self.handed:  # it was refused before
            time = self._under_way.pop(record, samples.time_ms)
            return samples if time == samples.time_ms else replace(samples, time_ms=time)
        time = max(self._under_way.pop(record, samples.time_ms), self.handed_ms + 1)
        self.handed, self.handed_ms, self.digest = record, time, samples.mark.digest
        self._digests[milestone(record)] = samples.mark.early
        return samples if time == samples.time_ms else replace(samples, time_ms=time)

    def arrive(self, record: int, time_ms: int, digest: int) -> None:
        """The server has answered for all up to this record. `digest`: of the log up to there."""
        self._digests = {at: known for at, known in self._digests.items() if at == milestone(at)}
        self._digests[record] = digest
        digests = {at: known for at, known in self._digests.items() if at <= record}
        # What was read is of no use to who begins again before it has arrived.
        read_to = max(record, self._read_to) if record == self.handed else self.place.read_to
        if self._owed_is_read:
            self._owed = (0, 0)
        self.place = Place(record, time_ms, read_to, digests, too_old=_both(self._owed, self._too_old))

    def refuse(self, record: int) -> None:
        """It was refused for its age."""
        self._too_old = _both(self._too_old, (record, record))

    def _is_known(self, samples: RecordSamples) -> bool:
        """Whether up to there it is, as far as one can know, the log whose place was noted."""
        record, mark = samples.record, samples.mark
        known = self._digests.get
        return (
            known(record, mark.digest) == mark.digest and known(milestone(record), mark.early) == mark.early
        )

    def _miss(self, record: float, now: float) -> None:
        """There is no room for it, or it was not shown: the log is read up to there."""
        if not self.gap:
            self.gap_since = now
        self.size -= sum(len(entry.samples.values) for entry in self.after)
        self.after.clear()
        self.gap = record

    def _forget(self) -> None:
        """Nothing is known of the log that stands there now."""
        self.generation += 1
        self._begin(Place())

    def _begin_with_gap(self, record: int) -> None:
        """The log that is read is not the one that is known, which shows at this record."""
        reading, gap, since = self.reading, max(self.gap, record), self.gap_since
        after, size = self.after, self.size
        self._forget()
        self.gap, self.gap_since, self.after, self.size = gap, since, after, size
        self._seen, self._met = after[-1].samples.record if after else int(min(gap, 1 << 62)), True
        self.reading = reading if record == 1 else None


def _both(some: tuple[int, int], others: tuple[int, int]) -> tuple[int, int]:
    """First and last of both, 0 for none."""
    known = [each for each in (some, others) if each[1]]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else (0, 0)
