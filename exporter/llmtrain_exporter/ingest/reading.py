"""What is asked of a log again and again, and what one look at it brings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.model import Record, Skip
from llmtrain_exporter.model.blocks import RecordBlock, RecordParts


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at a log brought."""

    records: Sequence[Record]
    skipped: Mapping[str, int]
    modified: float  # Unix time of the last write
    restarted: bool  # fold anew: another log stands there, what came from the one before is void
    more: bool  # there is more to read at once
    size: int  # bytes read
    again: bool = False  # fold anew: the same log from its start, now known better
    past: bool = False  # the log had it when it was met in another's place: history, no news
    producer: Producer | None = None  # who writes the log, where its lines have said so by now
    times: Sequence[float | None] = ()  # Unix time of each record; none where the log states none


Held = tuple[list[Record], Sequence[float | None]]
"""Records, and the Unix time at which each was logged; no times where the log states none."""


class Source(Protocol):
    """One log, looked at again and again."""

    path: str

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, for people."""

    @property
    def place(self) -> tuple[int, int] | None:
        """See `Follower.place`; None where there is more to ask than a size."""

    @property
    def fingerprint(self) -> Fingerprint | None:
        """Of what was read so far; None of what is no file of lines."""

    def begins_with(self, fingerprint: Fingerprint) -> bool:
        """Whether the log begins with what this is of. Compares all of it. Raises OSError."""

    def grown(self) -> bool:
        """Whether a `poll` may bring something; cheap."""

    def check(self, now: float) -> None:
        """Whether the path still names the same file; for every few seconds."""

    def poll(self, now: float) -> Reading | None:
        """The next records; None when there is nothing new. `now`: monotonic seconds."""

    def park(self) -> None:
        """Give back what is held open, remember the place."""

    def close(self) -> None:
        """Give back everything."""

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which a row is handed on that is held until it is whole; None: none is."""

    def note_silence(self, seconds: float) -> None:
        """Nothing had come for so long already when it was read last."""

    def rest(self) -> Held:
        """The record of a half line at the end, for whoever knows that nobody writes any more."""


class KnownByPath:
    """A log that is no file of lines, or several files, and so is found again by its path alone."""

    @property
    def place(self) -> None:
        """More is to ask than a size."""

    @property
    def wait(self) -> float | None:
        """Of most such logs no row is held."""
        return None

    def note_silence(self, seconds: float) -> None:
        """Nobody waits for it."""

    @property
    def fingerprint(self) -> None:
        """None is kept: the steps of the run tell it again."""

    def begins_with(self, fingerprint: Fingerprint) -> bool:  # noqa: ARG002  # that of a log of lines
        """It does not begin as a log of lines does."""
        return False


class AroundSource:
    """A source that stands before another one: what a subclass does not do itself, that one does."""

    def __init__(self, inner: Source) -> None:
        self._inner = inner
        self.path = inner.path

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, for people."""
        return self._inner.error

    @property
    def place(self) -> tuple[int, int] | None:
        """See `Source.place`."""
        return self._inner.place

    @property
    def fingerprint(self) -> Fingerprint | None:
        """Of what was read so far."""
        return self._inner.fingerprint

    def begins_with(self, fingerprint: Fingerprint) -> bool:
        """Whether the log begins with what this is of. Raises OSError."""
        return self._inner.begins_with(fingerprint)

    def grown(self) -> bool:
        """Whether a look may bring something; cheap."""
        return self._inner.grown()

    def check(self, now: float) -> None:
        """Look whether the path still names the same file."""
        self._inner.check(now)

    def park(self) -> None:
        """Give back what is held open, remember the place."""
        self._inner.park()

    def close(self) -> None:
        """Give back everything."""
        self._inner.close()

    @property
    def wait(self) -> float | None:
        """See `Source.wait`."""
        return self._inner.wait

    def note_silence(self, seconds: float) -> None:
        """Nothing had come for so long already when it was read last."""
        self._inner.note_silence(seconds)

    def rest(self) -> Held:
        """What is held, for whoever knows that nobody writes any more."""
        return self._inner.rest()


def soonest(sources: Iterable[Source]) -> float | None:
    """Seconds of silence after which the first of them hands on a row that it holds; None: none holds any."""
    return min((wait for source in sources if (wait := source.wait) is not None), default=None)


def in_turn(held: Iterable[tuple[Sequence[Record], Sequence[float | None]]]) -> Held:
    """Records of one after the other, each with its time where any of them has one."""
    records: list[Record] = []
    times: list[float | None] = []
    for some, of_these in held:
        records += some
        times += of_these or [None] * len(some)
    return records, times if any(time is not None for time in times) else ()


def held_rows(rows: Iterable[tuple[Record | Skip, float | None]]) -> Held:
    """The records among rows, with their times."""
    found = [(row, time) for row, time in rows if isinstance(row, Record)]
    return [row for row, _ in found], [time for _, time in found]


def sort_rows(batches: Iterable[Iterable[Record | Skip]]) -> tuple[list[Record], Counter[str]]:
    """The records among rows, and how many were none, by reason."""
    records: list[Record] = []
    skipped: Counter[str] = Counter()
    for rows in batches:
        for row in rows:
            if type(row) is Record:
                records.append(row)
            else:
                skipped[row.reason] += 1  # type: ignore[union-attr]  # mypy does not narrow by type()
    return records, skipped


def sort_parts(parts: Iterable[Sequence[Record | Skip]]) -> tuple[Sequence[Record], Counter[str]]:
    """The same, where blocks among them stay as they are."""
    sorted_parts: list[Sequence[Record]] = []
    skipped: Counter[str] = Counter()
    for is_block, some in groupby(parts, lambda part: isinstance(part, RecordBlock)):
        if is_block:
            sorted_parts += some  # type: ignore[arg-type]  # mypy does not know what was asked
        else:
            records, skips = sort_rows(some)
            sorted_parts.append(records)
            skipped += skips
    return RecordParts(sorted_parts), skipped
