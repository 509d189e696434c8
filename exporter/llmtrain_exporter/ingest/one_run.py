"""Which logs of a search are of one training, and which of them is followed.

What a trainer logs as data goes before what a tracker keeps of that, and both before what is printed: they
state steps. All of these go before what is written at checkpoints alone: they grow with each row.
"""

from __future__ import annotations

import os
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmtrain_exporter.ingest import checkpoints
from llmtrain_exporter.ingest.candidates import LATE_SECONDS, Log
from llmtrain_exporter.ingest.leading import Identity, Leading
from llmtrain_exporter.ingest.log_ends import (
    BRIEF,
    ENDS,
    WIDE,
    Extent,
    LogEnds,
    are_alike,
    are_of_one_training,
    read_ends,
    read_first,
)
from llmtrain_exporter.ingest.same_rows import Agreement

MOST_COMPARED = 8
"""Logs near another one with which that is compared: those that were written at about its time."""

MOST_AT_ONE_TIME = 24
"""Logs anywhere with which another one is compared: those that were written nearest to its time."""

YOUNG_ROWS = 20
"""As long as a log has fewer, each of its rows may tell whose it is."""

SOON_SECONDS = 30.0
"""After which a run in a store may have rows that another log has, where it had none."""

Compare = Callable[[LogEnds, LogEnds], Agreement | None]
Amount = tuple[int, float]
"""Bytes of a log, and for one in a store the time at which it was written last."""


@dataclass(slots=True)
class _Compared:
    """What two logs were found to be, and how large they were."""

    found: Agreement | None
    amounts: tuple[Amount, Amount]
    young: bool  # one of them had a few rows
    behind: bool  # the other one lacked rows of the first

    def is_out_of_date(self, amounts: tuple[Amount, Amount]) -> bool:
        """Whether another look may show something else; as rows come."""
        if self.young:
            return amounts != self.amounts
        wait = SOON_SECONDS if self.found is Agreement.APART else LATE_SECONDS
        return any(
            now[0] >= 2 * then[0] or now[0] < then[0] or now[1] - then[1] >= wait
            for now, then in zip(amounts, self.amounts, strict=True)
        )


class OneRun:
    """Knows which logs are of one training, and which one is followed. For one thread at a time.

    Logs are compared once, and again where one of them has doubled since.
    """

    def __init__(self) -> None:
        self._compared: dict[tuple[Identity, Identity], _Compared] = {}
        self._leading = Leading(self._read)
        # As this search has read them: those of thousands are large.
        self._ends: dict[tuple[Identity, Extent], LogEnds] = {}
        self._first: dict[Identity, int] = {}  # a number for each first row
        self._with_rows: set[Identity] = set()  # those that were seen to have some
        self._followed: frozenset[Identity] = frozenset()  # those that could give way and did not, last time

    def covered(self, logs: Sequence[Log], visiting: Callable[[str], object]) -> Mapping[str, Log]:
        """The logs that give way, by their paths, each with the one that is followed instead.

        That is decided for what trackers keep and for printed logs that were found by their content, and for
        what they are found beside. `visiting`: told of each log before it is read.
        """
        tracked = [log for log in logs if log.dialect.kept_by_tracker]
        # Of one training the others have more digits than event files; these lie below those of their run.
        tracked.sort(key=lambda log: (True, log.folder) if log.dialect.files_per_run else (False, ""))
        printed = [log for log in logs if log.by_content]
        if not (tracked or printed):
            self._followed = frozenset()
            self._forget(set())
            return {}
        others = [log for log in logs if _is_own(log)]
        trainings = _Trainings(others)
        for log in (*tracked, *printed):
            visiting(log.path)
            same = self._same_training(log, trainings)
            if same is not None or log.dialect.kept_by_tracker:
                trainings.add(log, same)
            if same is not None:
                self._unite(log, same, trainings)
        covered: dict[str, Log] = {}
        for training in trainings.of_several():
            leader = self._leader(training)
            covered |= {log.path: leader for log in training if log is not leader}
        covered |= self._twice_printed([log for log in printed if log not in trainings])
        left = (log for log in (*tracked, *printed) if log.path not in covered)
        self._followed = frozenset(log.identity for log in left)
        self._forget({log.identity for log in logs})
        self._ends.clear()
        return covered

    def is_silent(self, log: Log) -> bool:
        """Whether no row of a training stands in a log yet."""
        if log.identity in self._with_rows:
            return False
        if all(self._read(log, extent).silent for extent in (BRIEF, ENDS)):
            return True
        self._with_rows.add(log.identity)
        return False

    def _same_training(self, log: Log, trainings: _Trainings) -> Log | None:
        """A log of the same training; where that cannot be known, the only one of data there is.

        Trackers keep what anybody logs: without rows that are alike, none of them hides what another has.
        """
        near = trainings.near(log)
        found = self._same_nearby(log, near, trainings) or self._same_elsewhere(log, near, trainings)
        if found is not None:
            return found
        apt = (other for other in near if log.printed or not other.dialect.kept_by_tracker)
        likely = [other for other in apt if _is_near(log, other)]
        only = likely[0] if len(likely) == 1 else None
        unknown = only is not None and self._compare(log, only, are_of_one_training) is None
        return only if only is not None and unknown and _at_one_time(log, only) else None

    def _same_nearby(self, log: Log, near: Sequence[Log], trainings: _Trainings) -> Log | None:
        """Of several one that has all of its rows: others may be copies of the beginning of that."""
        found: Log | None = None
        for other in near:
            if not self._is_same(log, other, are_of_one_training):
                continue
            if self._contradicts(log, trainings.of(other)):
                continue
            if not self._compared[log.identity, other.identity].behind:
                return other
            found = found or other
        return found

    def _same_elsewhere(self, log: Log, near: Sequence[Log], trainings: _Trainings) -> Log | None:
        elsewhere = (other for other in trainings.at_one_time(log) if other not in near)
        same = (other for other in elsewhere if self._is_same(log, other, are_alike))
        return next((other for other in same if not self._contradicts(log, trainings.of(other))), None)

    def _contradicts(self, log: Log, training: Sequence[Log]) -> bool:
        return any(
            self._compare(log, each, are_of_one_training) is Agreement.DIFFERENT
            for each in training
            if each.dialect is not log.dialect or _is_part_of(log, each)
        )

    def _unite(self, log: Log, same: Log, trainings: _Trainings) -> None:
        """Know what trackers keep of a training before it was resumed, where a log has rows of both times."""
        if self.is_silent(log) or self.is_silent(same) or self._leading.has_begin(same, log):
            return
        for other in trainings.near(log):
            if other.dialect.kept_by_tracker and self._has_all_of(log, other):
                trainings.unite(log, other)

    def _has_all_of(self, log: Log, other: Log) -> bool:
        """Whether a log has the rows of another one that is not written any longer."""
        ended = other.modified - log.modified <= LATE_SECONDS
        same = ended and self._is_same(log, other, are_of_one_training)
        return same and bool(self._leading.has_end(log, other))

    def _leader(self, training: Sequence[Log]) -> Log:
        """The one that is followed. `training`: its logs, data first, what is printed last."""
        heard = [log for log in training if not self.is_silent(log)]
        return self._leading.leader(heard, self._followed) if heard else training[0]

    def _twice_printed(self, printed: Sequence[Log]) -> Mapping[str, Log]:
        """Those whose rows another one shows: an output that went to two files, a copy, of two machines.

        One that is written long after the other one's end is none: a training was started with the same seed.
        """
        alike: dict[int, list[Log]] = defaultdict(list)
        for log in sorted(_in_company(printed), key=self._precedence):
            alike[self._first_row(log)].append(log)
        return {
            log.path: leader
            for leader, *others in alike.values()
            for log in others
            if _is_near(log, leader) and self._is_copy(log, leader)
        }

    def _is_copy(self, log: Log, leader: Log) -> bool:
        if self._compare(log, leader, are_of_one_training) is not Agreement.SAME:
            return False
        has_end = self._leading.has_end
        in_time = log.modified - leader.modified <= LATE_SECONDS
        return in_time or bool(has_end(leader, log) and has_end(log, leader))

    def _precedence(self, log: Log) -> tuple[bool, int, str]:
        return log.identity not in self._followed, -log.state.st_size, log.path

    def _first_row(self, log: Log) -> int:
        """The same number for the same row."""
        if log.identity not in self._first:
            row = read_first(log.path, log.dialect)
            # By names: series are the same objects only as long as somebody holds them.
            cells = row.values.items() if row is not None else ()
            self._first[log.identity] = hash(
                frozenset((series.metric.name, series.labels, value) for series, value in cells)
            )
        return self._first[log.identity]

    def _is_same(self, log: Log, other: Log, compare: Compare) -> bool:
        return self._compare(log, other, compare) in (Agreement.SAME, Agreement.UNSURE)

    def _compare(self, log: Log, other: Log, compare: Compare) -> Agreement | None:
        amounts = _amount(log), _amount(other)
        known = self._compared.get((log.identity, other.identity))
        if known is None or known.is_out_of_date(amounts):
            found = self._compared_anew(log, other, compare)
            here, there = self._read(log, BRIEF), self._read(other, BRIEF)
            young = min(len(here.first), len(there.first)) < YOUNG_ROWS
            behind = there.has_end_of(here) is False
            known = self._compared[log.identity, other.identity] = _Compared(found, amounts, young, behind)
        return known.found

    def _compared_anew(self, log: Log, other: Log, compare: Compare) -> Agreement | None:
        """What rows say, of no more of them than it takes."""
        brief = self._read(log, BRIEF), self._read(other, BRIEF)
        found = compare(*brief)
        if found is Agreement.SAME or (found is Agreement.APART and compare is are_alike):
            return found
        if found is Agreement.DIFFERENT and all(ends.states_steps for ends in brief):
            return found
        found = compare(self._read(log, ENDS), self._read(other, ENDS))
        if found is not Agreement.UNSURE or _is_in_output(log, other):
            return found
        return compare(self._read(log, WIDE), self._read(other, WIDE))

    def _read(self, log: Log, extent: Extent) -> LogEnds:
        brief = self._ends.get((log.identity, BRIEF))
        by_begin = log.stored is not None or log.dialect.framing is not None
        is_all = brief is not None and (brief.whole or (by_begin and extent is ENDS and not brief.silent))
        known = brief if is_all else self._ends.get((log.identity, extent))
        if known is None:
            path = checkpoints.current_document(log.path) if log.in_checkpoint else log.path
            known = self._ends[log.identity, extent] = read_ends(path, log.dialect, log.key, extent)
        return known

    def _forget(self, present: set[Identity]) -> None:
        """What is there no longer."""
        self._first = {key: row for key, row in self._first.items() if key in present}
        self._compared = {pair: found for pair, found in self._compared.items() if present.issuperset(pair)}
        self._with_rows &= present
        self._leading.forget(present)


class _Trainings:
    """The trainings of a search, and where their logs lie and when they were written."""

    def __init__(self, logs: Iterable[Log]) -> None:
        self._of: dict[Identity, list[Log]] = {}
        self._in: dict[str, list[Log]] = defaultdict(list)
        self._below: dict[str, list[Log]] = defaultdict(list)
        self._by_time: list[tuple[float, str, Log]] = []
        for log in logs:
            self.add(log, None)

    def add(self, log: Log, same: Log | None) -> None:
        """Know one more. `same`: another one of the same training."""
        training = self._of[same.identity] if same is not None else []
        training.append(log)
        self._of[log.identity] = training
        if not log.printed:
            self._in[log.home].append(log)
            for folder in _with_parents(log.folder):
                self._below[folder].append(log)
        insort(self._by_time, (log.modified, log.path, log))

    def unite(self, log: Log, other: Log) -> None:
        """Take two trainings for one, unless each has a log of data that its trainer has written."""
        one, another = self._of[log.identity], self._of[other.identity]
        owned = [any(_is_own(each) for each in training) for training in (one, another)]
        if one is not another and not all(owned):
            both = sorted((*another, *one), key=lambda each: (each.printed, not _is_own(each)))
            self._of |= {each.identity: both for each in both}

    def __contains__(self, log: Log) -> bool:
        return log.identity in self._of

    def of(self, log: Log) -> Sequence[Log]:
        """The logs of its training."""
        return self._of[log.identity]

    def of_several(self) -> Iterator[Sequence[Log]]:
        """The logs of each training that has more than one."""
        trainings = {id(training): training for training in self._of.values()}
        return (training for training in trainings.values() if len(training) > 1)

    def near(self, log: Log) -> Sequence[Log]:
        """Those below its home, or above it; those written nearest to its time come first.

        What the same tracker keeps apart is apart: a training may be started again with the same seed.
        """
        parents = _with_parents(os.path.dirname(log.origin))
        above = [other for folder in parents for other in self._in.get(folder, ())]
        found = (*self._below.get(log.origin, ()), *above)
        others = [other for other in found if other.dialect is not log.dialect or _is_part_of(log, other)]
        written = log.modified
        return sorted(others, key=lambda other: abs(other.modified - written))[:MOST_COMPARED]

    def at_one_time(self, log: Log) -> Sequence[Log]:
        """Those anywhere that were written nearest to its time."""
        middle = bisect_left(self._by_time, (log.modified, ""))
        around = self._by_time[max(middle - MOST_AT_ONE_TIME, 0) : middle + MOST_AT_ONE_TIME]
        others = [other for _, _, other in around if other.dialect is not log.dialect]
        return sorted(others, key=lambda other: abs(other.modified - log.modified))[:MOST_AT_ONE_TIME]


def _is_own(log: Log) -> bool:
    """Whether the trainer has written it as data."""
    return not (log.printed or log.dialect.kept_by_tracker)


def _is_part_of(log: Log, other: Log) -> bool:
    """Whether the one may be event files of the other's training, as add_scalars writes them below it."""
    return log.dialect.files_per_run and log.folder.startswith(os.path.join(other.folder, ""))


def _is_in_output(log: Log, other: Log) -> bool:
    """Whether event files lie where the trainer of the other log writes them."""
    trainers = not (other.printed or other.dialect.kept_by_tracker)
    return log.dialect.files_per_run and trainers and log.folder.startswith(os.path.join(other.folder, ""))


def _amount(log: Log) -> Amount:
    return log.state.st_size, log.modified if log.stored else 0.0


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
