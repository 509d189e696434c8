"""Two files of one training that its processes write at the same time, as if all lines stood in one."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence

from llmtrain_exporter.ingest.dialect import LogReader
from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.ingest.follow import Batch, Follower, begins_with
from llmtrain_exporter.ingest.half_line import whole_part
from llmtrain_exporter.ingest.reading import Held, KnownByPath, Reading, sort_rows

TimeOf = Callable[[bytes], float | None]
"""Unix time of a line; None where it states none, and stands where the one before it does."""


class _File:
    """One of the files, and the lines of it that wait for earlier ones of the others."""

    def __init__(self, path: str, time_of: TimeOf, patient: bool) -> None:
        self.follower = Follower(path, patient=patient)
        self.lines: deque[tuple[float, bytes]] = deque()  # with their times
        self.unread = False  # there is more in the file
        self._time_of = time_of
        self._last = 0.0

    def look(self, now: float) -> Batch | None:
        """What is new, if all before that was taken."""
        if self.lines:
            return None
        batch = self.follower.poll(now)
        self.unread = batch is not None and batch.more
        for line in batch.lines if batch else ():
            self._last = max(self._time_of(line) or 0.0, self._last)
            self.lines.append((self._last, line))
        return batch


class SideBySide(KnownByPath):
    """The files, read in the order of the times that their lines state, with one reader."""

    def __init__(
        self, paths: Sequence[str], reader: Callable[[], LogReader], time_of: TimeOf, patient: bool = True
    ) -> None:
        """`patient`: wait for what may still be on its way to a file; else take it as it lies."""
        self.path = paths[0]
        self._paths, self._new_reader, self._time_of, self._patient = paths, reader, time_of, patient
        self._restarted = False  # to be told with the next reading
        self._modified = 0.0  # Unix time of the last write
        self._open()

    def _open(self) -> None:
        self.reader = self._new_reader()
        self._files = [_File(path, self._time_of, self._patient) for path in self._paths]

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, of the first file that has one."""
        return next((each.follower.error for each in self._files if each.follower.error), None)

    def begins_with(self, fingerprint: Fingerprint) -> bool:
        """Whether one of the files begins so: it was the only one."""
        return any(os.path.isfile(path) and begins_with(path, fingerprint) for path in self._paths)

    def grown(self) -> bool:
        """Whether either file has grown."""
        return any(each.lines or each.follower.grown() for each in self._files)

    def check(self, now: float) -> None:
        """Look whether the paths still name the same files."""
        for each in self._files:
            each.follower.check_path(now)

    def park(self) -> None:
        """Give back the descriptors, remember the places."""
        for each in self._files:
            each.follower.park()

    def close(self) -> None:
        """Give back the descriptors."""
        for each in self._files:
            each.follower.close()

    def poll(self, now: float) -> Reading | None:
        """The records of the lines that were completed since, as far as no earlier line is to come."""
        batches = [batch for each in self._files if (batch := each.look(now)) is not None]
        if any(batch.restarted for batch in batches) and not self._restarted:
            return self._begin_anew(now)
        lines = list(self._in_order())
        if not (batches or lines):
            return None
        records, skipped = sort_rows(map(self.reader.read, lines))
        dropped = sum((Counter(batch.dropped) for batch in batches), Counter(skipped))
        restarted, self._restarted = self._restarted, False
        self._modified = max((batch.modified for batch in batches), default=self._modified)
        more = any(each.unread or each.lines for each in self._files)
        size = sum(map(len, lines)) + len(lines)
        past = any(batch.past for batch in batches)
        return Reading(records, dropped, self._modified, restarted, more, size, past=past)

    def rest(self) -> Held:
        """The records of what is whole of half lines at the ends; their times are with the reader."""
        halves = (whole_part(each.follower.unfinished) for each in self._files)
        records, _ = sort_rows(map(self.reader.read, halves))
        return records, ()

    def _in_order(self) -> Iterator[bytes]:
        """The lines that come next, up to where a file has to be read on first."""
        while not any(each.unread and not each.lines for each in self._files):
            waiting = [each for each in self._files if each.lines]
            if not waiting:
                return
            yield min(waiting, key=lambda each: each.lines[0][0]).lines.popleft()[1]

    def _begin_anew(self, now: float) -> Reading | None:
        """Another log stands in the place of one of the files: both are read again."""
        self.close()
        self._open()
        self._restarted = True
        return self.poll(now)
