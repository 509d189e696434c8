"""Which logs of a search are of one training, and which of them is followed.

What a trainer logs as data goes before what a tracker keeps of that, and both before what is printed: they
state steps. All of these go before what is written at checkpoints alone: they grow with each row.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmtrain_exporter.ingest import checkpoints
from llmtrain_exporter.ingest.candidates import Log
from llmtrain_exporter.ingest.log_ends import (
    LogEnds,
    are_copies,
    are_of_one_training,
    read_ends,
    read_first,
)

MOST_COMPARED = 8
"""Logs of data with which a printed one is compared: those that were written at about its time."""

LATE_SECONDS = 600.0
"""So long after the last line of a training its other log may still be written: saving, a last evaluation."""

Identity = tuple[int, int, str]


@dataclass(slots=True)
class _Compared:
    """What two logs were found to be, and how large they were."""

    same: bool | None
    sizes: tuple[int, int]

    def is_out_of_date(self, sizes: tuple[int, int]) -> bool:
        """Whether another look may show that they are the same."""
        if self.same is None:
            return sizes != self.sizes
        return not self.same and any(now >= 2 * then for now, then in zip(sizes, self.sizes, strict=True))


class OneRun:
    """Knows which logs are of one training, and which one is followed. For one thread at a time.

    Logs are compared once, and again where they were different and one of them has doubled since.
    """

    def __init__(self) -> None:
        self._compared: dict[tuple[Identity, Identity], _Compared] = {}
        self._ends: dict[Identity, LogEnds] = {}  # as this search has read them: those of thousands are large
        self._first: dict[Identity, int] = {}  # a number for each first row
        self._followed: frozenset[Identity] = frozenset()  # those that could give way and did not, last time

    def covered(self, logs: Sequence[Log], visiting: Callable[[str], object]) -> Mapping[str, Log]:
        """The logs that give way, by their paths, each with the one that is followed instead.

        That is decided for what trackers keep and for printed logs that were found by their content, and for
        what they are found beside. `visiting`: told of each log before it is read.
        """
        tracked = [log for log in logs if log.dialect.kept_by_tracker]
        tracked.sort(key=lambda log: log.dialect.files_per_run)  # of one training the others have more digits
        printed = [log for log in logs if log.by_content]
        around = _Around(logs if tracked or printed else ())
        covered: dict[str, Log] = {}
        for log in (*tracked, *printed):
            visiting(log.path)
            other = self._same_training(log, around.of(log))
            if other is not None:
                covered |= {other.path: log} if self._leads(log, other) else {log.path: other}
            elif log.dialect.kept_by_tracker:
                around.add(log)
        covered |= self._twice_printed([log for log in printed if log.path not in covered])
        left = (log for log in (*tracked, *printed) if log.path not in covered)
        self._followed = frozenset(log.identity for log in left)
        self._forget({log.identity for log in logs})
        self._ends.clear()
        return covered

    def _same_training(self, log: Log, others: Sequence[Log]) -> Log | None:
        """The log of data of the same training; where that cannot be known, the only one there is.

        Trackers keep what anybody logs: without rows that are alike, none of them hides what another has.
        """
        for other in others:
            if self._compare(log, other, are_of_one_training):
                return other
        apt = (other for other in others if log.printed or not other.dialect.kept_by_tracker)
        likely = [other for other in apt if _is_near(log, other)]
        only = likely[0] if len(likely) == 1 else None
        unknown = only is not None and self._compare(log, only, are_of_one_training) is None
        return only if only is not None and unknown and _at_one_time(log, only) else None

    def _leads(self, log: Log, other: Log) -> bool:
        """Whether a log is followed though it could give way to the other one."""
        if other.dialect.live:
            return False
        late = log.modified - other.modified > LATE_SECONDS
        return other.in_checkpoint or late or log.identity in self._followed

    def _twice_printed(self, printed: Sequence[Log]) -> Mapping[str, Log]:
        """Those that show the rows of another one: an output that went to two files, or of two machines."""
        alike: dict[int, list[Log]] = defaultdict(list)
        for log in sorted(_in_company(printed), key=self._precedence):
            alike[self._first_row(log)].append(log)
        return {
            log.path: leader
            for leader, *others in alike.values()
            for log in others
            if _is_near(log, leader) and self._compare(log, leader, are_copies)
        }

    def _precedence(self, log: Log) -> tuple[bool, int, str]:
        return log.identity not in self._followed, -log.state.st_size, log.path

    def _first_row(self, log: Log) -> int:
        """The same number for the same row."""
        if log.identity not in self._first:
            row = read_first(log.path, log.dialect)
            # By names: series are the same objects only as long as somebody holds them.
            values = {(series.metric.name, series.labels, value) for series, value in row.items()}
            self._first[log.identity] = hash(frozenset(values))
        return self._first[log.identity]

    def _compare(
        self, log: Log, other: Log, compare: Callable[[LogEnds, LogEnds], bool | None]
    ) -> bool | None:
        sizes = log.state.st_size, other.state.st_size
        known = self._compared.get((log.identity, other.identity))
        if known is None or known.is_out_of_date(sizes):
            same = compare(self._read(log), self._read(other))
            known = self._compared[log.identity, other.identity] = _Compared(same, sizes)
        return known.same

    def _read(self, log: Log) -> LogEnds:
        if log.identity not in self._ends:
            path = checkpoints.current_document(log.path) if log.in_checkpoint else log.path
            self._ends[log.identity] = read_ends(path, log.dialect, log.key)
        return self._ends[log.identity]

    def _forget(self, present: set[Identity]) -> None:
        """What is there no longer."""
        self._first = {key: row for key, row in self._first.items() if key in present}
        self._compared = {pair: found for pair, found in self._compared.items() if present.issuperset(pair)}


class _Around:
    """Finds the logs of data of whose training another one may be: below its home, or above it."""

    def __init__(self, logs: Iterable[Log]) -> None:
        self._in: dict[str, list[Log]] = defaultdict(list)
        self._below: dict[str, list[Log]] = defaultdict(list)
        for log in logs:
            if not (log.printed or log.dialect.kept_by_tracker):
                self.add(log)

    def add(self, log: Log) -> None:
        """Know one more."""
        self._in[log.home].append(log)
        for folder in _with_parents(log.folder):
            self._below[folder].append(log)

    def of(self, log: Log) -> Sequence[Log]:
        """Those written nearest to its time come first.

        What the same tracker keeps apart is apart: a training may be started again with the same seed.
        """
        parents = _with_parents(os.path.dirname(log.origin))
        above = [other for folder in parents for other in self._in.get(folder, ())]
        found = (*self._below.get(log.origin, ()), *above)
        others = [other for other in found if other.dialect is not log.dialect]
        return sorted(others, key=lambda other: abs(other.modified - log.modified))[:MOST_COMPARED]


def _with_parents(folder: str) -> Iterator[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _in_company(logs: Sequence[Log]) -> Iterator[Log]:
    """Those that are near another one."""
    homes = Counter(log.home for log in logs)
    above = {parent for home in homes for parent in _with_parents(os.path.dirname(home))}
    for log in logs:
        parents = _with_parents(os.path.dirname(log.home))
        if homes[log.home] > 1 or log.home in above or any(parent in homes for parent in parents):
            yield log


def _is_near(one: Log, other: Log) -> bool:
    """Whether one lies in or below the folder where the training of the other may write."""
    homes = os.path.join(one.home, ""), os.path.join(other.home, "")
    return homes[0].startswith(homes[1]) or homes[1].startswith(homes[0])


def _at_one_time(log: Log, other: Log) -> bool:
    """Whether both may be written by one process, going by when they were written last."""
    between = log.modified - other.modified
    return between <= LATE_SECONDS and (between >= -LATE_SECONDS or not other.dialect.live)
