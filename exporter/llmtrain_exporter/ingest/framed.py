"""A log of binary records to records of a run: the bytes that are new, through a framing and a reader.

Nothing is held open between two looks: such files are few and large, and their writers hold them for long.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, runtime_checkable

from llmtrain_exporter.ingest.consumed import TAIL
from llmtrain_exporter.ingest.dialect import KnowsProducer, LogReader
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.ingest.framing import Framing
from llmtrain_exporter.ingest.parts import read_part
from llmtrain_exporter.ingest.readable import explain
from llmtrain_exporter.ingest.reading import Held, KnownByPath, Reading, held_rows
from llmtrain_exporter.model import Record, Skip
from llmtrain_exporter.printable import printable

MOST_ANEW = 3
"""Times that a log is read from its start because of what it states later."""

CHUNK = 1 << 18  # bytes read at once
BEGINNING = 1 << 20  # bytes in which a log states what its run was started with
ANY = sys.maxsize
"""Settings that are known: none that a log states makes other rows of it."""

BUFFERED_SECONDS = 60.0
"""So long a part of a row may wait in its writer."""


@runtime_checkable
class KnowsTime(Protocol):
    """A reader whose log states when its rows were written."""

    @property
    def time(self) -> float | None:
        """Unix time of the row that was read last."""


@runtime_checkable
class KnowsSettings(Protocol):
    """A reader whose log states what its run was started with."""

    @property
    def settings(self) -> Mapping[str, object]:
        """By their names there; grows as the log is read."""


@runtime_checkable
class HoldsRows(Protocol):
    """A reader whose rows are written in parts, the last of which may not be there yet."""

    @property
    def holds(self) -> bool:
        """Whether a row is begun."""

    @property
    def patience(self) -> float:
        """Seconds of silence after which such a row is taken as it is."""

    def release(self) -> Iterable[Record | Skip]:
        """The records of that row as it is."""


class FrameSource(KnownByPath):
    """A file that grows by frames. Another file in its place, or one cut short, is read anew."""

    def __init__(
        self,
        path: str,
        framing: Callable[[], Framing],
        reader: Callable[[], LogReader],
        patient: bool = True,
        settings_known: int = 0,
    ) -> None:
        """`patient`: wait for the rest of a frame at the end; else it is broken.

        `settings_known`: how many of the settings that the log states whoever folds it knows already.
        """
        self.path = path
        self.error: str | None = None
        self._new_framing, self._new_reader = framing, reader
        self._patient = patient
        self._settings_known = settings_known
        self._anew_left = MOST_ANEW
        self._read_at = 0.0  # monotonic
        self._restarted = self._again = False  # to be told with the next reading
        self._seen: tuple[int, int, int] | None = None  # inode, size, st_mtime_ns of the last look
        self._begin()

    def _begin(self) -> None:
        self._framing, self._reader = self._new_framing(), self._new_reader()
        self._offset, self._tail, self._due = 0, b"", True

    def grown(self) -> bool:
        """Whether the file was written since: one stat."""
        return self._due or self.wait is not None or self._state() != self._seen

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which a row that is begun is taken as it is; None: none is."""
        reader = self._reader
        return reader.patience if isinstance(reader, HoldsRows) and reader.holds else None

    def note_silence(self, seconds: float) -> None:
        """Nothing had come for so long already when it was read last."""
        self._read_at -= seconds

    def _is_settled(self, now: float) -> bool:
        """Whether a row is held of which no more has come for long."""
        wait = self.wait
        return wait is not None and (not self._patient or now - self._read_at >= wait)

    def _settle(self) -> Reading:
        """What is held, as it is: no more of it has come for long."""
        records, times = self.rest()
        modified = self._seen[2] / 1e9 if self._seen else 0.0
        return Reading(records, {}, modified, False, False, 0, times=times)

    def _state(self) -> tuple[int, int, int] | None:
        try:
            state = os.stat(self.path)
        except OSError:
            return self._seen
        return state.st_ino, state.st_size, state.st_mtime_ns

    def check(self, now: float) -> None:  # noqa: ARG002  # other sources need the time
        """Each look goes by the path; here what could not be read gets another chance."""
        self._due = self._due or self.error is not None

    def park(self) -> None:
        """Nothing is held open."""

    def close(self) -> None:
        """Nothing is held open."""

    def rest(self) -> Held:
        """The records of a row that may not be whole."""
        reader = self._reader
        timed = reader if isinstance(reader, KnowsTime) else None
        rest = reader.release() if isinstance(reader, HoldsRows) else ()
        return held_rows((read, timed.time if timed else None) for read in rest)

    def poll(self, now: float) -> Reading | None:
        """The records of the frames that were completed since."""
        if not (self._due or self._state() != self._seen):
            return self._settle() if self._is_settled(now) else None
        self._read_at = now
        try:
            return self._read()
        except OSError as error:
            self.error = f"{printable(self.path)}: {explain(error)}"
            self._seen, self._due = self._state(), False
            return None

    def _read(self) -> Reading | None:
        descriptor, state = open_regular(self.path)
        try:
            data = self._news(descriptor)
        finally:
            os.close(descriptor)
        self._seen, self.error = (state.st_ino, state.st_size, state.st_mtime_ns), None
        end = self._offset + len(data)
        self._due = end < state.st_size
        frames, used = self._framing.take(data, not self._patient and not self._due)
        self._tail = (self._tail + data[:used])[-TAIL:]
        self._offset += used
        return self._reading(frames, used, state.st_mtime)

    def _news(self, descriptor: int) -> bytes:
        """The next bytes of the log; from its start where what was read stands there no longer."""
        begin = self._offset - len(self._tail)
        data = os.pread(descriptor, len(self._tail) + CHUNK, begin)
        if not data.startswith(self._tail):
            self._restarted = True
            self._begin()
            data = os.pread(descriptor, CHUNK, 0)
        return data[len(self._tail) :]

    def _reading(self, frames: list[bytes | Skip], used: int, modified: float) -> Reading | None:
        records, times, skips = self._decode(frames)
        if self._knows_more():
            return self._anew()
        if not used:
            return None
        restarted, again = self._restarted, self._again
        self._restarted = self._again = False
        reader = self._reader
        return Reading(
            records,
            skips,
            modified,
            restarted,
            self._due,
            used,
            again=again,
            past=restarted,
            producer=reader.producer if isinstance(reader, KnowsProducer) else None,
            times=times,
        )

    def _decode(self, frames: list[bytes | Skip]) -> tuple[list[Record], list[float | None], Counter[str]]:
        """The records, when each was written as far as that is stated, and how many frames were none."""
        records: list[Record] = []
        times: list[float | None] = []
        skips: Counter[str] = Counter()
        reader = self._reader
        timed = reader if isinstance(reader, KnowsTime) else None  # asked once: that is slow
        for frame in frames:
            for read in (frame,) if isinstance(frame, Skip) else reader.read(frame):
                if isinstance(read, Skip):
                    skips[read.reason] += 1
                else:
                    records.append(read)
                    times.append(timed.time if timed else None)
        return records, times, skips

    def _knows_more(self) -> bool:
        """Whether the log states settings that were not known when it was begun."""
        return self._anew_left > 0 and self._settings() > self._settings_known

    def _settings(self) -> int:
        reader = self._reader
        return len(reader.settings) if isinstance(reader, KnowsSettings) else 0

    def _anew(self) -> Reading | None:
        """Read from the start, with the settings that are known by now."""
        self._settings_known = self._settings()
        self._anew_left -= 1
        self._again = True
        self._begin()
        return self._read()


def first_frames(path: str, framing: Framing, most: int) -> list[bytes]:
    """The payloads in the first `most` bytes of a file. Raises OSError."""
    frames, _ = framing.take(read_part(path, most), False)
    return [frame for frame in frames if not isinstance(frame, Skip)]


def last_frames(path: str, framing: Framing, most: int) -> list[bytes]:
    """The payloads in the last `most` bytes of a file, or some more. Raises OSError."""
    size = os.stat(path).st_size
    begin = framing.begin_near(max(size - most, 0))
    frames, _ = framing.take(read_part(path, size - begin, begin), False)
    return [frame for frame in frames if not isinstance(frame, Skip)]
