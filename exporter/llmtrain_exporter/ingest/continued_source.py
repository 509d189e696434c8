"""A log in several files, of which each process that goes on with the training begins another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llmtrain_exporter.ingest.file_series import AWAKE
from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.ingest.reading import Held, KnownByPath, Reading, Source, in_turn, soonest
from llmtrain_exporter.model import RowKind

MOST_ANEW = 3
"""Times that all is read again because an older file has grown behind the begin of the next."""


@dataclass(slots=True)
class _Part:
    """One of the files, and what it has brought."""

    source: Source
    unread: bool = True  # it has not been read to its end
    stirred: bool = False  # an old one that has grown
    began: bool = False  # it has brought records
    ended: bool = False  # a later one has: what it held was told
    doubled: bool = False  # it was written while the one before it was: nothing of it is taken
    first_step: int | None = None  # of the training, where its rows have times
    first: float | None = None  # Unix time of its first row
    last: float | None = None  # and of the last

    def note(self, reading: Reading) -> None:
        """What it has brought."""
        self.began = self.began or bool(reading.records)
        rows = _trained(reading)
        if rows and self.first is None:
            self.first_step, self.first = rows[0]
        self.last = rows[-1][1] if rows else self.last

    def doubles(self, other: _Part) -> bool:
        """Whether the other one was written at the same time, from the same step on."""
        if self.first is None or other.last is None:
            return False
        return self.first < other.last and (self.first_step or 0) <= (other.first_step or 0)


def _trained(reading: Reading) -> list[tuple[int | None, float]]:
    """The steps of the rows of the training itself, with their Unix times, where they have one."""
    rows = zip(reading.records, reading.times, strict=False)
    return [(row.step, time) for row, time in rows if row.kind is RowKind.TRAIN and time is not None]


def _rest_of(parts: Sequence[_Part]) -> Held:
    return in_turn([part.source.rest() for part in parts if not (part.ended or part.doubled)])


class ContinuedSource(KnownByPath):
    """The files of one training, followed one after the other."""

    def __init__(self, paths: Sequence[str], opened: Callable[[str], Source]) -> None:
        """`paths`: the oldest first. `opened`: makes the source of one."""
        self.path = paths[0]
        self._paths, self._opened = paths, opened
        self._anew_left = MOST_ANEW
        self._restarted = self._again = False  # to be told with the next reading
        self._open()

    def _open(self) -> None:
        self._parts = [_Part(self._opened(path)) for path in self._paths]

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, of the first file that has one."""
        return next((part.source.error for part in self._parts if part.source.error), None)

    def begins_with(self, fingerprint: Fingerprint) -> bool:
        """Whether the first file begins so: it was the only one."""
        return self._parts[0].source.begins_with(fingerprint)

    def grown(self) -> bool:
        """Whether any of the newest files has grown, or an older one was seen to."""
        if any(part.unread or part.stirred for part in self._parts):
            return True
        return any(part.source.grown() for part in self._parts[-AWAKE:])

    def check(self, now: float) -> None:
        """Look whether the paths still name the same files, and whether old ones grow."""
        for part in self._parts:
            part.source.check(now)
        for part in self._parts[:-AWAKE]:
            part.stirred = part.stirred or part.source.grown()

    def poll(self, now: float) -> Reading | None:
        """The next records of the oldest file that has some."""
        for at, part in enumerate(self._parts):
            if not (part.unread or part.stirred or at >= len(self._parts) - AWAKE):
                continue
            reading = part.source.poll(now)
            part.stirred = False
            part.unread = reading is not None and reading.more
            if reading is not None:
                return self._told(at, reading, now)
        return None

    def park(self) -> None:
        """Give back what is held open."""
        for part in self._parts:
            part.source.park()

    def close(self) -> None:
        """Give back everything."""
        for part in self._parts:
            part.source.close()

    @property
    def wait(self) -> float | None:
        """That of the file whose row is whole first."""
        return soonest(part.source for part in self._parts)

    def note_silence(self, seconds: float) -> None:
        """Nothing had come for so long already when it was read last."""
        for part in self._parts:
            part.source.note_silence(seconds)

    def rest(self) -> Held:
        """What is held of all files."""
        return _rest_of(self._parts)

    def _told(self, at: int, reading: Reading, now: float) -> Reading | None:
        """What a file brought, behind what the ones before it still held: their process has ended."""
        part = self._parts[at]
        alone = not any(other.began for other in self._parts if other is not part)
        if (reading.restarted or reading.again) and not alone:
            return self._begin_anew(now, reading.restarted)
        late = part.ended and bool(reading.records) and not part.doubled
        if late and self._anew_left:
            self._anew_left -= 1
            return self._begin_anew(now, restarted=False)
        is_first = part.first is None
        part.note(reading)
        if is_first:
            part.doubled = any(part.doubles(other) for other in self._parts[:at] if not other.doubled)
        if part.doubled or late:
            reading = replace(reading, records=[], times=())
        held = self._held_before(at) if reading.records else ([], ())
        records, times = in_turn((held, (reading.records, reading.times)))
        return self._flagged(replace(reading, records=records, times=times))

    def _held_before(self, at: int) -> Held:
        held = _rest_of(self._parts[:at])
        for part in self._parts[:at]:
            part.ended = True
        return held

    def _flagged(self, reading: Reading) -> Reading:
        restarted, again = self._restarted or reading.restarted, self._again or reading.again
        self._restarted = self._again = False
        more = reading.more or any(part.unread for part in self._parts)
        return replace(reading, restarted=restarted, again=again and not restarted, more=more)

    def _begin_anew(self, now: float, restarted: bool) -> Reading | None:
        """Read all files again: another log is in the place of one, or more is known, or rows came late."""
        self.close()
        self._open()
        self._restarted, self._again = self._restarted or restarted, self._again or not restarted
        return self.poll(now)
