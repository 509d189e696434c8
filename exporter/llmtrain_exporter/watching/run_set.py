"""All runs under watch: taken in and named when a search finds them, let go when it no longer does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple

from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.ingest.discover import Found, Scan
from llmtrain_exporter.ingest.open_files import raise_descriptor_limit
from llmtrain_exporter.ingest.reading import Reading
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import ObserverT
from llmtrain_exporter.watching.predecessor import Predecessor
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.watching.seats import Seats
from llmtrain_exporter.watching.sleeping import SleepingRun, asleep
from llmtrain_exporter.watching.tracked_log import TrackedLog

SCANS_MISSING = 3
"""A path can vanish for a moment; a run leaves when so many searches in a row did not find it."""

READ_AT_ONCE = 128
"""More logs that are met at once wait to be opened."""

ABSENT_KEPT = 1000
"""Runs that have left and of which is kept what was counted."""

DESCRIPTORS_SPARED = 256
"""Open files left to connections and everything else, at least; a quarter where that is more."""


@dataclass(frozen=True, slots=True)
class Changes(Generic[ObserverT]):
    """What a search has changed: the runs that are new, the names of those that were let go.

    `left_out`: the logs that are not watched, by reason.
    """

    met: Sequence[LiveRun[ObserverT]]
    left: Sequence[str]
    left_out: Mapping[str, int]


class Awaited(NamedTuple):
    """A log that is to be watched and was not opened yet, what its run is called, when it was found."""

    found: Found
    name: str
    met_at: float  # Unix time
    before: Predecessor | None = None  # what was counted of it, or of another log in its place


Restore = Callable[[Awaited], SleepingRun | Predecessor | None]
"""Gives a run that is over and of which all is known already; else what was counted in its place."""


class RunSet(Generic[ObserverT]):
    """The runs under watch, by the path of their log. For one thread at a time."""

    def __init__(
        self,
        rules: RunRules,
        observe: Callable[[Run], ObserverT],
        max_runs: int,
        seats: Seats | None = None,
        restore: Restore = lambda _: None,
    ) -> None:
        """`observe`: makes the observer of each run that begins. `seats`: shared with other sets.

        `restore`: asked of each log that is met.
        """
        self._rules = rules
        self._observe = observe
        self._max_runs = max_runs
        self._runs: dict[str, LiveRun[ObserverT] | SleepingRun] = {}
        self._seats = seats or Seats()
        self._restore = restore
        self._awaited: dict[str, Awaited] = {}  # by path, the log that was written to first in front
        self._crowded: frozenset[str] = frozenset()  # paths for which there was no seat at the last search
        self._absent: dict[str, Predecessor] = {}  # by path, or by name where it is found elsewhere
        self._missing: Counter[str] = Counter()  # by path: searches in a row that did not find it
        limit = raise_descriptor_limit()
        self._descriptors = limit - max(DESCRIPTORS_SPARED, limit // 4)

    def __len__(self) -> int:
        return len(self._runs) + len(self._awaited)

    def __iter__(self) -> Iterator[LiveRun[ObserverT] | SleepingRun]:
        return iter(self._runs.values())

    def get(self, path: str) -> LiveRun[ObserverT] | SleepingRun | None:
        """The run whose log lies there."""
        return self._runs.get(path)

    @property
    def awake(self) -> list[LiveRun[ObserverT]]:
        """Those that do not sleep."""
        return [run for run in self if isinstance(run, LiveRun)]

    @property
    def awaited(self) -> Mapping[str, Awaited]:
        """The logs that were not opened yet, by path: many were met at once."""
        return self._awaited

    def oldest_awaited(self, but: Collection[str]) -> Found | None:
        """Of these, `but` for some, the one that was written to first."""
        return next((each.found for path, each in self._awaited.items() if path not in but), None)

    def newest_awaited(self, but: Collection[str]) -> Found | None:
        """The one that was written to last."""
        return next((each.found for path, each in reversed(self._awaited.items()) if path not in but), None)

    def meet_awaited(self, path: str) -> LiveRun[ObserverT]:
        """Watch one of these from now on."""
        return self._open(self._awaited.pop(path))

    def keep_awaited(self, path: str, sleeping: SleepingRun) -> None:
        """One of these is over, and was read elsewhere."""
        del self._awaited[path]
        self._runs[path] = sleeping

    def update(self, scan: Scan, now: float) -> Changes[ObserverT]:
        """Take in what a search has found, and let go what is gone. `now`: Unix time."""
        known = {path: run.grew_at for path, run in self._runs.items()}
        watched = self._seats.admit(self, scan.found, known, self._max_runs, now)
        names = {found.path: found.run for found in watched}
        waited, self._crowded = self._crowded, frozenset(found.path for found in scan.found) - names.keys()
        covered = {each.path for each in scan.passed if each.reason == "covered"}
        left = self._leave(names, covered, self._renamed(watched))
        known_paths = self._runs.keys() | self._awaited.keys()
        many = sum(found.path not in known_paths for found in watched) > READ_AT_ONCE
        met = [run for found in watched if (run := self._meet(found, now, many)) is not None]
        self._awaited = dict(sorted(self._awaited.items(), key=lambda item: item[1].found.modified))
        left_out = {**scan.left_out, "max_runs": len(self._crowded)}
        # What waited for a seat was there before: it does not begin before our eyes.
        return Changes([run for run in met if run.found.path not in waited], left, left_out)

    def put_to_sleep(self, run: LiveRun[ObserverT]) -> SleepingRun:
        """Keep no more of it than it takes to notice that it goes on."""
        sleeping = self._runs[run.found.path] = asleep(run)
        return sleeping

    def wake(self, sleeping: SleepingRun, grew_at: float = 0.0) -> None:
        """Watch it again, from the first byte of its log. `grew_at`: see `TrackedLog`."""
        sleeping.source.close()
        again = Awaited(sleeping.found, sleeping.name, sleeping.met_at, sleeping.predecessor())
        self._open(again).grew_at = grew_at

    def change(self, rules: RunRules, max_runs: int) -> Sequence[str]:
        """Go by other rules. Runs of which they say something else are watched anew, from the first byte.

        Gives the names that are no longer in use. Counters never fall, though a run may be judged milder now.
        """
        for awaited in self._awaited.values():  # the next search finds them again
            self._seats.free(awaited.name)
        self._awaited.clear()
        changed = [run for run in self if not rules.says_the_same(self._rules, run.found)]
        self._rules, self._max_runs = rules, max_runs
        for run in changed:
            self._forget(run)
        for run in changed:
            again = Awaited(run.found, self._name(run.found), run.met_at, _kept_of(run))
            self._open(again).grew_at = run.grew_at
        names = {run.name for run in self}
        return [run.name for run in changed if run.name not in names]

    def spare_descriptor(self, run: LiveRun[ObserverT], reading: Reading | None) -> None:
        """Hold its log open no longer, where there are more runs than files may be open."""
        # A line that is longer than one reading would begin anew each time.
        progressed = run.caught_up or (reading is not None and reading.size > 0)
        if self._seats.taken > self._descriptors and progressed:
            run.source.park()

    def close(self) -> None:
        """Give back what is held open."""
        for run in self:
            run.source.close()

    def _renamed(self, watched: Sequence[Found]) -> Mapping[str, str]:
        """Paths of logs that are found no longer, each with that under which the same file is found now."""
        paths = {found.path for found in watched}
        gone = [run.found for path, run in self._runs.items() if path not in paths]
        now = {(found.identity, found.key): found.path for found in watched} if gone else {}
        places = {found.path: now.get((found.identity, found.key)) for found in gone}
        return {path: place for path, place in places.items() if place and place not in self._runs}

    def _leave(
        self, names: Mapping[str, str], covered: Collection[str], renamed: Mapping[str, str]
    ) -> list[str]:
        """Let go what is gone for good, and what is found elsewhere or otherwise now. `names`: by path.

        `covered`: paths of logs whose training is shown by another one; to show both would count it twice.
        `renamed`: where a log lies now.
        """
        found, left = set(names.values()), []
        for path in [path for path, each in self._awaited.items() if names.get(path) != each.found.run]:
            self._seats.free(self._awaited.pop(path).name)
        for path, run in list(self._runs.items()):
            name = names.get(path)
            if name is None:
                self._missing[path] += 1
                elsewhere = run.found.run in found or path in renamed
                given_up = elsewhere or path in self._crowded or path in covered
                gone = given_up or self._missing[path] >= SCANS_MISSING
            else:
                self._missing.pop(path, None)
                gone = run.found.run != name
            if gone:
                moved = name is None and run.found.run in found
                self._remember(run, run.found.run if moved else renamed.get(path, path))
                self._forget(run)
                left.append(run.name)
        return left

    def _meet(self, found: Found, now: float, many: bool) -> LiveRun[ObserverT] | None:
        """Watch it from now on; the run if it was not watched before. `many`: as are others."""
        if found.path in self._awaited:
            return None
        known = self._runs.get(found.path)
        if known is None:
            return self._meet_first(Awaited(found, self._name(found), now), many)
        if _is_read_alike(known.found, found):
            # Of quiet runs the old one stays: others hold it too, and two of each would be kept.
            if known.found.modified != found.modified:
                known.found = found
            return None
        self._forget(known)
        self._open(Awaited(found, self._name(found), now, _kept_of(known)))
        return None

    def _meet_first(self, awaited: Awaited, many: bool) -> LiveRun[ObserverT] | None:
        path = awaited.found.path
        before = self._absent.pop(path, None) or self._absent.pop(awaited.found.run, None)
        if before is not None:
            return self._open(awaited._replace(before=before))
        known = self._restore(awaited)
        if isinstance(known, SleepingRun):
            self._runs[path] = known
            return None
        awaited = awaited._replace(before=known)
        if many:
            self._awaited[path] = awaited
            return None
        return self._open(awaited)

    def _name(self, found: Found) -> str:
        return self._seats.name(lambda taken: self._rules.name(found, taken))

    def _open(self, awaited: Awaited) -> LiveRun[ObserverT]:
        found, name, met_at, before = awaited
        source = open_source(found, self._rules.readers)
        run = LiveRun(found, name, self._rules.options(found), source, self._observe, before, met_at)
        self._runs[found.path] = run
        return run

    def _remember(self, run: LiveRun[ObserverT] | SleepingRun, key: str) -> None:
        """Keep what it takes to go on when it comes back; of the last ones alone."""
        before = _kept_of(run)
        if before is not None:
            self._absent[key] = before
        if len(self._absent) > ABSENT_KEPT:
            del self._absent[next(iter(self._absent))]

    def _forget(self, run: TrackedLog) -> None:
        run.source.close()
        del self._runs[run.found.path]
        self._missing.pop(run.found.path, None)
        self._seats.free(run.name)


def _kept_of(run: LiveRun[ObserverT] | SleepingRun) -> Predecessor | None:
    """Nothing of one that cannot be analysed."""
    return None if run.failure is not None else run.predecessor()


def _is_read_alike(found: Found, other: Found) -> bool:
    return (found.dialect, found.extra, found.parts) == (other.dialect, other.extra, other.parts)
