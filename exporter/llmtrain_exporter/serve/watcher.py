"""The loop that decides when to look: for new runs, for new lines, for what time alone changes."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue

from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.discover import Found, Surroundings
from llmtrain_exporter.ingest.reading import Reading
from llmtrain_exporter.ingest.stirrings import Stirrings
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.live_history import LiveHistory
from llmtrain_exporter.serve.first_read import FirstRead
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.heap import give_back
from llmtrain_exporter.serve.kept_run import PackedRun
from llmtrain_exporter.serve.observed_run import ObservedRun
from llmtrain_exporter.serve.protection import covered_logs
from llmtrain_exporter.serve.pulse import Pulse
from llmtrain_exporter.serve.quiet_logs import LOOK_AT_ALL_SECONDS, SEARCHES_BELIEVED, QuietLogs
from llmtrain_exporter.serve.runs_over import RunsOver
from llmtrain_exporter.serve.sharing import Sharing
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.predecessor import Predecessor
from llmtrain_exporter.watching.rules import rules_for_serving
from llmtrain_exporter.watching.run_set import Awaited, RunSet
from llmtrain_exporter.watching.sleeping import SleepingRun
from llmtrain_exporter.watching.tracked_log import CHECK_SECONDS

log = logging.getLogger(__name__)

IDLE_SHARE = 0.004
"""Share of a core that looks at files may cost of which nothing tells; with many files they get rarer."""

SCAN_SHARE = 0.02
"""The same for the search for new runs."""

LATEST_LOOK, LATEST_SCAN = 2.0, 10.0
"""A new line, a new run is found within this time, whatever the looking costs; what is told sooner.

A line that another machine writes may be found as late as a run: see `follow.Follower.check_path`.
"""

CHECKS_PER_SECOND = 1_000
"""Paths of open logs that are looked at; with many logs the looks at each get rarer, up to LATEST_SCAN.

Where the kernel tells, when something has happened to the file; else as rarely as that.
"""

MANY_LOGS = 2_000
"""A search for so many takes so long that giving back what it has freed is nothing beside that."""

TEND_SECONDS = 1.0
"""Time between two looks at what changes without a new line."""

NEWBORN_SECONDS = 60.0
"""A log that appears while others are watched, and was written to so lately, is no history."""

WatchedRun = LiveRun[Sparkline] | SleepingRun


class Watcher:
    """Watches some of the roots and keeps the fleet up to date. Belongs to one thread."""

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        telemetry: Telemetry,
        pulse: Pulse,
        sharing: Sharing,
    ) -> None:
        """`pulse`: of the thread, with its roots."""
        self._pulse = pulse
        self._sharing = sharing
        self._looked_at = 0.0  # Unix time of the round before
        self._settings = settings
        self._fleet = fleet
        self._telemetry = telemetry
        self._rules = rules_for_serving(settings)
        self._chosen = ChosenMetrics(settings.history_metrics)
        self._protector = None if sharing.protection is None else sharing.protection.for_thread()
        self._runs = RunSet(
            self._rules, self._observer, settings.max_runs, self._sharing.seats, self._restored
        )
        reads_all = sharing.sink is not None or sharing.protection is not None
        self._over = RunsOver(fleet, pulse, sharing.finished, reads_all)
        self._over.go_by(settings, self._rules)
        self._first_read = FirstRead(self._runs, self._keep, lambda: sharing.start(self._settings))
        self._scanned_at = 0.0  # Unix time of the last search
        self._newborn: set[str] = set()  # names of runs that begin before our eyes and show no record yet
        self._scan_due = -math.inf
        self._logs: QuietLogs[WatchedRun] = QuietLogs(Stirrings(sharing.allowance))
        self._arranged = False  # it knows which runs there are
        self._seen: Sequence[Found] = ()  # by a search of which no round knows yet
        self._searches = 0
        self._look_due = -math.inf
        self._tend_due = -math.inf
        self._check_every = CHECK_SECONDS
        self._is_over = False  # its roots were retired, and a search has found nothing left of them
        self._changes: SimpleQueue[Settings] = SimpleQueue()  # from any thread

    @property
    def pulse(self) -> Pulse:
        """The signs of life of its thread."""
        return self._pulse

    def retire(self) -> None:
        """Its roots are watched no longer: let go of their runs. From any thread."""
        self._pulse.roots = ()

    def change(self, settings: Settings) -> None:
        """Go by these settings from the next round on. From any thread."""
        self._changes.put(settings)

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set, or until there is nothing left of roots that were retired."""
        busy = True
        while not stop.is_set() and not self._is_over:
            self.take_changes(time.time())
            began = time.monotonic()
            self._pulse.beat(began)
            if began >= self._scan_due:
                self.scan(time.time())
                if len(self._runs) >= MANY_LOGS:
                    give_back()  # what it held of each log, and what scrapes have left since the one before
                took = time.monotonic() - began
                self._scan_due = began + max(
                    self._settings.scan_interval, min(took / SCAN_SHARE, LATEST_SCAN)
                )
                began += took
            looks = busy or began >= self._look_due
            busy = self.round(began, time.time(), looks)
            if looks:
                self._look_due = began + min(self._logs.looked / IDLE_SHARE, LATEST_LOOK)
            if not busy:
                stop.wait(self._settings.poll_interval)
        self._pulse.ended = True
        self._logs.close()
        self._first_read.close()
        self._runs.close()

    def take_changes(self, now: float) -> None:
        """Go by the newest settings. Runs of which they say something else are folded from the first byte."""
        while not self._changes.empty():
            self._settings = self._changes.get()
            self._rules = rules_for_serving(self._settings, self._rules)
            self._over.go_by(self._settings, self._rules)
            self._chosen = ChosenMetrics(self._settings.history_metrics)
            for name in self._runs.change(self._rules, self._settings.max_runs):
                self._leave(name)
            self.scan(now, newborn=False)
            self._scan_due = -math.inf
            for run in self._runs:
                if isinstance(run, SleepingRun):
                    run.changes_at = -math.inf  # with other settings it shrinks at another time
                elif isinstance(run.observer, ObservedRun) and run.observer.history is not None:
                    run.observer.history.choose(self._chosen)

    def scan(self, now: float, newborn: bool = True) -> None:
        """Search for runs: take new ones in, let gone ones leave. `now`: Unix time.

        `newborn`: what is new may have begun before our eyes; in a folder that is searched first it has not.
        """
        began, self._scanned_at = time.monotonic(), now
        settings = self._settings
        roots = self._pulse.roots
        scan = self._rules.search(
            roots, now, settings.ignore_older, settings.max_depth, Surroundings(self._others(), self._visit)
        )
        self._sharing.named_after.update(scan.named_after)
        self._note_problems(scan.errors)
        if self._protector is not None:
            self._protector.know_covered(covered_logs(scan.passed))
        self._arranged = False
        self._searches += 1
        self._seen = scan.found if self._searches % SEARCHES_BELIEVED else ()
        changes = self._runs.update(scan, now)
        for name in changes.left:
            self._leave(name)
        if newborn and self._pulse.ready:
            self._newborn |= {run.name for run in changes.met if self._may_be_newborn(run, now)}
        self._is_over = not roots and not len(self._runs)
        took = time.monotonic() - began
        self._telemetry.scanned(took, len(self._runs), changes.left_out, scan.errors, self)

    def _leave(self, name: str) -> None:
        self._newborn.discard(name)
        self._fleet.remove(name)
        if self._protector is not None:
            self._protector.leave(name)

    def _others(self) -> Mapping[str, str]:
        """The roots of other threads."""
        known = self._sharing.named_after.copy()
        return {path: named for path, named in known.items() if path not in self._pulse.roots}

    def _visit(self, path: str) -> None:
        self._pulse.beat(time.monotonic(), path)

    @staticmethod
    def _may_be_newborn(run: LiveRun[Sparkline], now: float) -> bool:
        return run.is_new and now - run.found.modified < NEWBORN_SECONDS

    def round(self, monotonic: float, now: float, looks: bool = True) -> bool:
        """Read on where there is something new; whether there is more to read at once.

        `looks`: also at the logs of which nothing tells that they grow.
        """
        began = time.monotonic()
        busy = False
        if not self._arranged:
            self._arranged = True
            self._logs.arrange(self._runs)
            self._spare_checks(monotonic)
        for run in self._logs.stirred(monotonic, looks):
            self._logs.disturb(run)
            busy |= self._guarded(run, self._read, monotonic, now)
        if monotonic >= self._tend_due:
            self._tend_due = monotonic + TEND_SECONDS
            self._tend_all(monotonic, now)
        if self._first_read.step(now):
            busy, self._arranged = True, False
        if not self._pulse.ready:
            self._pulse.logs = sum(run.caught_up for run in self._runs), len(self._runs)
        if not busy and not self._pulse.ready:  # a log that cannot be read, or not yet, keeps nobody waiting
            self._pulse.ready = True
            self._fleet.note_pulses(self._fleet.pulses)
            give_back()  # what the first read has left
        if looks:
            self._looked_at = self._pulse.went_round_at = now
        self._telemetry.went_round(time.monotonic() - began)
        return busy

    def _spare_checks(self, monotonic: float) -> None:
        """The search has just looked at all paths: where it found what is open, nobody else has to look."""
        seen, self._seen = self._seen, ()
        for found in seen:
            run = self._runs.get(found.path)
            if isinstance(run, LiveRun) and self._logs.is_told_of(run) and run.is_still(found):
                run.check_at = monotonic + LOOK_AT_ALL_SECONDS

    def _tend_all(self, monotonic: float, now: float) -> None:
        soon = monotonic + self._check_every
        due_soon = 0
        for run in list(self._runs):
            due_soon += run.check_at <= soon
            if monotonic >= run.check_at or now >= run.changes_at:
                self._guarded(run, self._tend, monotonic, now)
        self._check_every = min(max(CHECK_SECONDS, due_soon / CHECKS_PER_SECOND), LATEST_SCAN)
        self._over.flush()

    def _guarded(
        self,
        run: WatchedRun,
        work: Callable[[WatchedRun, float, float], bool],
        monotonic: float,
        now: float,
    ) -> bool:
        """One broken run must not stop the others."""
        self._visit(run.found.path)
        try:
            return work(run, monotonic, now)
        except Exception as error:
            self._give_up(run, error)
            return False

    def _tend(self, run: WatchedRun, monotonic: float, now: float) -> bool:
        """See to what happens without a new line: a replaced file, and what time alone changes."""
        if monotonic >= run.check_at:
            seldom = self._logs.is_told_of(run) and run.hangs_on_its_file
            run.check_path(monotonic, LOOK_AT_ALL_SECONDS if seldom else self._check_every)
            if run.source.place is None:
                self._logs.disturb(run)
        if isinstance(run, SleepingRun):
            self._tend_sleeping(run, now)
        elif now >= run.changes_at and run.caught_up:
            self._publish(run, now)
        return False

    def _tend_sleeping(self, run: SleepingRun, now: float) -> None:
        if run.is_roused:
            self._runs.wake(run, run.grew_at)
            self._arranged = False
        elif now >= run.changes_at:
            self._over.tend(run, now)

    def _read(self, run: WatchedRun, monotonic: float, now: float) -> bool:
        """Read on in a log; whether there is more to read at once."""
        if isinstance(run, SleepingRun):
            return self._wake(run, monotonic, now)
        known = run.caught_up
        reading = run.read_on(monotonic, now, self._looked_at)
        self._note_error(run)
        if run.caught_up and (reading is not None or not known):
            self._publish(run, now)
        if reading is not None:
            self._note(run, reading)
        self._runs.spare_descriptor(run, reading)
        if not run.hangs_on_its_file:
            run.check_within(monotonic, self._check_every)
        return reading is not None and reading.more

    def _publish(self, run: LiveRun[Sparkline], now: float) -> None:
        if not run.is_run:
            self._fleet.remove(run.name)
            return
        settles_at = run.settles_at(now)
        if now < settles_at and self._fleet.get(run.name) is None:
            run.changes_at = settles_at
            return
        shown_first = run.name in self._newborn and run.has_records
        newborn = shown_first and run.has_little
        snapshot = run.snapshot(now)
        shrunk = now >= self._over.shrinks_at(snapshot)
        over = run.is_settled(now)
        self._fleet.publish(snapshot, newborn, run.found, run.observer, self._pulse, shrunk, over)
        if isinstance(run.observer, ObservedRun):
            self._tell_others(run, snapshot, run.observer)
        if shown_first:
            self._newborn.remove(run.name)
        if run.news_of_carried():
            self._over.note_counters(run, snapshot)
        if over:
            self._over.note(run, snapshot)
            self._over.tend(self._runs.put_to_sleep(run), now)
            self._arranged = False

    def _restored(self, awaited: Awaited) -> SleepingRun | Predecessor | None:
        self._visit(awaited.found.path)
        return self._over.restored(awaited, self._scanned_at)

    def _keep(self, awaited: Awaited, packed: PackedRun, size: int) -> bool:
        """Take in a run that was read elsewhere; whether its log is still so. `size`: bytes read."""
        self._visit(awaited.found.path)
        sleeping = self._over.taken(awaited, packed, self._scanned_at)
        if sleeping is None:
            return False
        self._runs.keep_awaited(awaited.found.path, sleeping)
        self._arranged = False
        self._telemetry.read(size)
        return True

    def _tell_others(self, run: LiveRun[Sparkline], snapshot: Snapshot, observer: ObservedRun) -> None:
        """Hand what has come on to who sends histories and who protects runs."""
        if self._protector is not None and observer.protected is not None:
            self._protector.see(snapshot, observer.protected)
        if self._sharing.sink is not None and observer.history is not None:
            observer.history.hand_on(run, self._sharing.sink)

    def _observer(self, run: Run) -> Sparkline:
        history = None if self._sharing.sink is None else LiveHistory(run, self._chosen)
        protected = None if self._protector is None else self._protector.observer()
        unseen = history is None and protected is None
        return Sparkline() if unseen else ObservedRun(history, protected)

    def _wake(self, sleeping: SleepingRun, monotonic: float, now: float) -> bool:
        stirred = sleeping.stirred(monotonic)
        if stirred:
            self._runs.wake(sleeping, now)
            self._arranged = False
        return stirred

    def _note(self, run: LiveRun[Sparkline], reading: Reading) -> None:
        self._telemetry.read(reading.size)
        if not run.has_records:
            for reason, lines in reading.skipped.items():
                self._telemetry.skipped(reason, lines)

    def _note_error(self, run: LiveRun[Sparkline]) -> None:
        error = run.news_of_error()
        if error:
            log.warning("%s", error)
            self._telemetry.failed("read")

    def _note_problems(self, problems: Mapping[str, str]) -> None:
        """What could not be searched, by path; logged when it is new."""
        for path, problem in problems.items():
            if self._fleet.problems.get(path) != problem:
                log.warning("%s: %s", path, problem)
        self._fleet.note_problems(self, problems)

    def _give_up(self, run: WatchedRun, error: Exception) -> None:
        """Without its series: values that never change again would look healthy."""
        log.error("%s: cannot be analysed", run.found.path, exc_info=error)
        self._telemetry.failed("analyse")
        run.give_up(error)
        self._logs.disturb(run)
        self._fleet.remove(run.name)
