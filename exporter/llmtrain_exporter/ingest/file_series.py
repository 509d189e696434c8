"""A log in several files: each process that goes on with a run begins another, in the same folder."""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from llmtrain_exporter.ingest.event_ranks import are_called_ranks, are_of_two_ranks
from llmtrain_exporter.ingest.gathered_source import GatheredSource
from llmtrain_exporter.ingest.readable import explain
from llmtrain_exporter.ingest.reading import Held, Reading, in_turn, soonest
from llmtrain_exporter.model import RowKind
from llmtrain_exporter.printable import printable

AWAKE = 4
"""Files that are asked all the time whether they have grown; the older ones every few seconds."""

MOST_FILES = 1000
"""Files of one log that are read: the newest ones."""

FIRST_ROWS = 2
"""Where one rank stands when another one has logged its first row, at most."""

_NUMBERS = re.compile(r"(\d+)")


def in_order(names: Iterable[str]) -> list[str]:
    """Names as they were given: times, process numbers and counters among letters."""
    return sorted(names, key=_parts)


def fitting(folder: str, patterns: Iterable[str]) -> list[str]:
    """The paths of the files of a log, the oldest first. Raises OSError."""
    known = [re.compile(fnmatch.translate(pattern)) for pattern in patterns]
    with os.scandir(folder) as entries:
        names = [each.name for each in entries if any(pattern.match(each.name) for pattern in known)]
    paths = (os.path.join(folder, name) for name in in_order(names)[-MOST_FILES:])
    return [path for path in paths if os.path.isfile(path)]


def _parts(name: str) -> list[tuple[int, str]]:
    """Numbers by their size; what stands between them by its letters."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _NUMBERS.split(name)]


def _row_times(reading: Reading) -> list[float]:
    """Unix times of the rows of the training itself."""
    rows = zip(reading.records, reading.times, strict=False)
    return [time for record, time in rows if record.kind is RowKind.TRAIN and time is not None]


class FileSeries:
    """The files of one log, followed one after the other. Old ones may still grow, and are read on then."""

    def __init__(self, path: str, patterns: Iterable[str], opened: Callable[[str], GatheredSource]) -> None:
        """`path`: of the first file. `patterns`: of the names of all. `opened`: makes the source of one."""
        self.path = path
        self._patterns = tuple(patterns)
        self._opened = opened
        self._files: dict[str, GatheredSource] = {}  # by path, the oldest first
        self._unread: set[str] = set()  # those that have not been read to their end
        self._stirred: set[str] = set()  # old ones that have grown
        self._folder_ns = -1  # st_mtime_ns of the folder when it was listed
        self._settled = False  # and whether it was listed once more since
        self._began: set[str] = set()  # those that have brought records
        self._trained: dict[str, tuple[int, float]] = {}  # rows of the training, and the time of the last
        self._doubled: set[str] = set()  # files of other ranks, of which nothing is taken
        self._restarted = False  # to be told with the next reading
        self._parked = False
        self._error: str | None = None
        self._list()

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, of the folder or of a file."""
        return self._error or next(filter(None, (file.error for file in self._files.values())), None)

    @property
    def place(self) -> tuple[int, int] | None:
        """That of the only file; several have none."""
        return next(iter(self._files.values())).place if len(self._files) == 1 and not self._unread else None

    @property
    def fingerprint(self) -> None:
        """Several files have none."""
        return None

    def begins_with(self, fingerprint: object) -> bool:  # noqa: ARG002  # of a log in one file
        """Several files do not begin as one does."""
        return False

    def grown(self) -> bool:
        """Whether any of the newest files has grown, or an older one was seen to."""
        if self._unread or self._stirred or (self._parked and self._folder_changed()):
            return True
        return any(self._files[path].grown() for path in self._newest())

    def check(self, now: float) -> None:
        """Look for more files, and at the old ones."""
        self._list()
        newest = self._newest()
        for path, file in self._files.items():
            file.check(now)
            if path not in newest and file.grown():
                self._stirred.add(path)

    def poll(self, now: float) -> Reading | None:
        """The next records of the oldest file that has some."""
        if self._parked:  # nobody has checked since
            self._list()
            self._parked = False
        for path in [path for path in self._files if path in self._to_ask()]:
            reading = self._files[path].poll(now)
            self._stirred.discard(path)
            if reading is None:
                self._unread.discard(path)
                continue
            if reading.restarted and path not in self._unread:
                return self._begin_anew(now)
            return self._told(path, reading)
        return None

    def park(self) -> None:
        """Give back what is held open; a file that comes is noticed all the same."""
        self._parked = True
        for file in self._files.values():
            file.park()

    def close(self) -> None:
        """Give back everything."""
        for file in self._files.values():
            file.close()

    @property
    def wait(self) -> float | None:
        """That of the file whose row is whole first."""
        return soonest(self._files.values())

    def note_silence(self, seconds: float) -> None:
        """Nothing had come for so long already when it was read last."""
        for file in self._files.values():
            file.note_silence(seconds)

    def rest(self) -> Held:
        """What is held of all files."""
        return in_turn([file.rest() for path, file in self._files.items() if path not in self._doubled])

    def _newest(self) -> list[str]:
        return list(self._files)[-AWAKE:]

    def _to_ask(self) -> set[str]:
        return {*self._unread, *self._stirred, *self._newest()}

    def _told(self, path: str, reading: Reading) -> Reading:
        """What one file brought, behind what the ones before it still held: their process has ended."""
        if not reading.more:
            self._unread.discard(path)
        if self._is_doubled(path, reading):
            reading = replace(reading, records=[], times=())
        is_first = bool(reading.records) and path not in self._began
        held = self._held_before(path) if is_first else ([], ())
        records, times = in_turn((held, (reading.records, reading.times)))
        self._began |= {path} if reading.records else set()
        self._note_rows(path, reading)
        restarted, self._restarted = self._restarted, False
        more = reading.more or bool(self._unread)
        return replace(reading, records=records, times=times, restarted=restarted, more=more)

    def _note_rows(self, path: str, reading: Reading) -> None:
        times = _row_times(reading)
        if times:
            rows, _ = self._trained.get(path, (0, 0.0))
            self._trained[path] = rows + len(times), times[-1]

    def _is_doubled(self, path: str, reading: Reading) -> bool:
        """Whether another rank logs what a file has at the same time, in one of its own."""
        times = _row_times(reading)
        if times and path not in self._trained:
            together = (row for other, row in self._trained.items() if are_of_two_ranks(path, other))
            at_one_time = any(rows <= FIRST_ROWS or times[0] < last for rows, last in together)
            if at_one_time or any(are_called_ranks(path, other) for other in self._trained):
                self._doubled.add(path)
        return path in self._doubled

    def _held_before(self, path: str) -> Held:
        before = itertools.takewhile(lambda each: each.path != path, self._files.values())
        return in_turn([file.held() for file in before if file.path not in self._doubled])

    def _begin_anew(self, now: float) -> Reading | None:
        """Another log stands in the place of one of the files: all are read again."""
        self.close()
        self._files.clear()
        self._began.clear()
        self._trained.clear()
        self._doubled.clear()
        self._folder_ns = -1
        self._restarted = True
        self._list()
        return self.poll(now)

    def _folder_changed(self) -> bool:
        try:
            return os.stat(os.path.dirname(self.path)).st_mtime_ns != self._folder_ns
        except OSError:
            return False

    def _list(self) -> None:
        """Take in the files that have come, in their order, and let go of those that are gone."""
        folder = os.path.dirname(self.path)
        try:
            modified = os.stat(folder).st_mtime_ns
            changed = modified != self._folder_ns
            if not changed and self._settled:
                return
            paths = fitting(folder, self._patterns)
        except OSError as error:
            self._error = f"{printable(folder)}: {explain(error)}"
            return
        # A file that came within the same tick of the clock is seen with the next look.
        self._folder_ns, self._settled, self._error = modified, not changed, None
        known = self._files
        self._files = {path: known.get(path) or self._opened(path) for path in paths}
        self._unread |= self._files.keys() - known.keys()
        for path in known.keys() - self._files.keys():
            known[path].close()
            self._unread.discard(path)
            self._stirred.discard(path)
