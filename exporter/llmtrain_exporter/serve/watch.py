"""The loop: discover, follow, fold, publish."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from llmtrain_exporter.config import Settings, unique_name
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.follow import raise_descriptor_limit
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import Reading
from llmtrain_exporter.model import Series
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.glance import Glance
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watched import CHECK_SECONDS, Asleep, Watched, options_for

log = logging.getLogger(__name__)

IDLE_SHARE = 0.006
"""Share of a core that looking at quiet files may cost; with many files the looks get rarer."""

SCAN_SHARE = 0.02
"""The same for the search for new runs."""

LATEST_LOOK, LATEST_SCAN = 2.0, 10.0
"""A new line, a new run is found within this time, whatever the looking costs."""

TEND_SECONDS = 1.0
"""Time between two looks at what changes without a new line."""

SCANS_MISSING = 3
"""A path can vanish for a moment; a run leaves when so many searches in a row did not find it."""

NEWBORN_SECONDS = 60.0
"""A log that appears while others are watched, and was written to so lately, is no history."""

DESCRIPTORS_SPARED = 256
"""Open files left to connections and everything else."""


class Watcher:
    """Watches folders and keeps the fleet up to date. Belongs to one thread."""

    def __init__(self, settings: Settings, fleet: Fleet, telemetry: Telemetry) -> None:
        self._settings = settings
        self._fleet = fleet
        self._telemetry = telemetry
        self._readers = Readers(settings.logging_steps)
        self._profiles = settings.known_profiles
        self._runs: dict[str, Watched | Asleep] = {}  # by path
        self._names: dict[str, str] = {}  # name -> path
        self._scan_due = -math.inf
        self._worked = 0.0  # seconds of the last round that were no mere looking
        self._glance: Glance | None = None  # None: what is open, or how far it was read, has changed
        self._tend_due = -math.inf
        self._descriptors = raise_descriptor_limit() - DESCRIPTORS_SPARED

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set."""
        while not stop.is_set():
            began = time.monotonic()
            if began >= self._scan_due:
                self.scan(time.time())
                took = time.monotonic() - began
                self._scan_due = began + max(
                    self._settings.scan_interval, min(took / SCAN_SHARE, LATEST_SCAN)
                )
                began += took
            thread_began = time.thread_time()  # a scrape in another thread is none of the loop's cost
            if not self.round(began, time.time()):
                looked = time.thread_time() - thread_began - self._worked
                stop.wait(max(self._settings.poll_interval, min(looked / IDLE_SHARE, LATEST_LOOK)))
        for watched in self._runs.values():
            watched.source.close()

    def scan(self, now: float) -> None:
        """Search for runs: take new ones in, let gone ones leave. `now`: Unix time."""
        began = time.monotonic()
        found = discover.discover(self._settings.paths, self._discovery(), now)
        left_out = Counter(found.left_out)
        there = found.found[: self._settings.max_runs]
        left_out["max_runs"] = len(found.found) - len(there)
        for path, problem in found.errors.items():
            if self._fleet.problems.get(path) != problem:
                log.warning("%s: %s", path, problem)
        self._fleet.problems = found.errors
        self._glance = None
        self._leave({run.path: run.run for run in there})
        for run in there:
            self._meet(run, now)
        self._telemetry.scanned(time.monotonic() - began, len(self._runs), left_out, found.errors)

    def round(self, monotonic: float, now: float) -> bool:
        """Look at each log once; whether there is more to read at once."""
        began = time.monotonic()
        busy = False
        self._worked = 0.0
        if self._glance is None:
            arranging = time.thread_time()
            self._glance = Glance(self._runs.values())
            self._worked += time.thread_time() - arranging
        for watched in self._glance.stirred():
            self._glance = None
            busy |= self._guarded(watched, self._read, monotonic, now)
        if monotonic >= self._tend_due:
            self._tend_due = monotonic + TEND_SECONDS
            tending = time.thread_time()
            for watched in list(self._runs.values()):
                self._guarded(watched, self._tend, monotonic, now)
            self._worked += time.thread_time() - tending
        if not busy:  # a log that cannot be read, or not yet, keeps nobody waiting
            self._fleet.ready = True
        self._telemetry.went_round(time.monotonic() - began)
        return busy

    def _guarded(
        self,
        watched: Watched | Asleep,
        work: Callable[[Watched | Asleep, float, float], bool],
        monotonic: float,
        now: float,
    ) -> bool:
        """One broken run must not stop the others."""
        try:
            return work(watched, monotonic, now)
        except Exception:
            self._give_up(watched)
            return False

    def _tend(self, watched: Watched | Asleep, monotonic: float, now: float) -> bool:
        """See to what happens without a new line: a replaced file, and what time alone changes."""
        if monotonic >= watched.check_at:
            watched.source.check(monotonic)
            watched.check_at = monotonic + CHECK_SECONDS
            if watched.source.place is None:
                self._glance = None
        if now >= watched.changes_at and watched.read:
            self._publish(watched, now)
        return False

    def _read(self, watched: Watched | Asleep, monotonic: float, now: float) -> bool:
        """Read on in a log; whether there is more to read at once."""
        if isinstance(watched, Asleep):
            return self._wake(watched, monotonic)
        began = time.thread_time()
        reading = watched.source.poll(monotonic)
        self._note_error(watched)
        if watched.take(reading, now):
            self._publish(watched, now)
        if reading is not None:
            self._note(watched, reading)
        # A line that is longer than one reading would begin anew each time.
        if len(self._runs) > self._descriptors and (watched.read or (reading is not None and reading.size)):
            watched.source.park()
        self._worked += time.thread_time() - began
        return reading is not None and reading.more

    def _publish(self, watched: Watched | Asleep, now: float) -> None:
        if isinstance(watched, Asleep):
            return
        if not watched.is_run:
            self._fleet.remove(watched.name)
            return
        newborn = watched.newborn and watched.run.is_training
        self._fleet.publish(watched.snapshot(now), newborn, watched.found, watched.sparkline)
        watched.newborn &= not newborn
        if watched.is_over(now):
            self._runs[watched.found.path] = Asleep(watched)
            self._glance = None

    def _wake(self, asleep: Asleep, monotonic: float) -> bool:
        if not asleep.stirred(monotonic):
            return False
        asleep.source.close()
        self._runs[asleep.found.path] = self._watched(asleep.found, asleep.name, asleep.carried)
        return True

    def _note(self, watched: Watched, reading: Reading) -> None:
        self._telemetry.read(reading.size)
        if not watched.run.is_training:
            for reason, lines in reading.skipped.items():
                self._telemetry.skipped(reason, lines)

    def _note_error(self, watched: Watched) -> None:
        error = watched.source.error
        if error and error != watched.told:
            log.warning("%s", error)
            self._telemetry.failed("read")
        watched.told = error

    def _give_up(self, watched: Watched | Asleep) -> None:
        """Without its series: values that never change again would look healthy."""
        log.exception("%s: cannot be analysed", watched.found.path)
        self._telemetry.failed("analyse")
        watched.give_up()
        self._glance = None
        self._fleet.remove(watched.name)

    def _leave(self, there: Mapping[str, str]) -> None:
        """Let go what is gone for good, and what is called otherwise now. `there`: path -> run."""
        runs = set(there.values())
        for path, watched in list(self._runs.items()):
            run = there.get(path)
            watched.missing = 0 if run else watched.missing + 1
            moved = watched.found.run in runs if run is None else watched.found.run != run
            if moved or watched.missing >= SCANS_MISSING:
                self._forget(watched)
                self._fleet.remove(watched.name)

    def _meet(self, found: discover.Found, now: float) -> None:
        """Watch it from now on. What was published stays until all is read."""
        known = self._runs.get(found.path)
        if known is not None:
            if (known.found.dialect, known.found.extra) == (found.dialect, found.extra):
                return
            self._forget(known)
        name = unique_name(self._settings.assign(found.run).name, found.run, self._names)
        carried = known.carried if known else None
        watched = self._runs[found.path] = self._watched(found, name, carried)
        watched.newborn = known is None and self._fleet.ready and now - found.modified < NEWBORN_SECONDS
        self._names[name] = found.path

    def _watched(self, found: discover.Found, name: str, carried: Mapping[Series, float] | None) -> Watched:
        options = options_for(self._settings, self._profiles, found.run)
        return Watched(found, name, options, self._readers, carried)

    def _forget(self, watched: Watched | Asleep) -> None:
        watched.source.close()
        del self._runs[watched.found.path], self._names[watched.name]

    def _discovery(self) -> discover.Options:
        return discover.Options(
            stdout_log=tuple(self._settings.stdout_log),
            max_depth=self._settings.max_depth,
            ignore_older=self._settings.ignore_older,
        )
