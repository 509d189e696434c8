"""What a path shows while it is watched: its runs are found and followed, and one of them is chosen."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.discover import Scan
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.model import LeftOut, NoRun, Snapshot, State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.check import UNREADABLE
from llmtrain_exporter.publish.watch.status import FolderStatus, RunStatus, trouble, worst_first
from llmtrain_exporter.publish.watch.whole_run import WholeRun
from llmtrain_exporter.watching.beside import with_checkpoints
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.rules import problems_of, rules_for_reading
from llmtrain_exporter.watching.run_set import RunSet

log = logging.getLogger(__name__)

LOGS_AT_ONCE = 8
"""Logs that are read on with each look while there is a lot to read: the newest first."""

WAITING_SCAN = 1.0
"""Seconds between two searches while there is no run yet."""

SCANS_PER_SURVEY = 10
"""To look into what lies there and is no log takes longer."""

WatchedRun = LiveRun[WholeRun]


class WatchedFolder:
    """The runs below one path, or the one that it is."""

    def __init__(self, path: str, settings: Settings, profile: str | None, wanted: str | None = None) -> None:
        """`profile` goes before what the rules of the settings say. `wanted`: name of the run to show."""
        self.path = path
        self._settings = settings
        self._wanted = wanted
        self._rules = rules_for_reading(settings, profile)
        self._runs = RunSet(self._rules, WholeRun, settings.max_runs)
        self._snapshots: dict[WatchedRun, Snapshot] = {}  # as they stood at the last look
        self._chosen: WatchedRun | None = None
        self._pressed_for: str | None = None  # name of the run that somebody went to with keys
        self._nothing = NoRun(path, NoRunReason.NOT_READ)  # why there is no log, where there is none
        self._seen: Sequence[LeftOut] = ()  # what lies there instead
        self._scans_in_vain = 0
        self._scan_at = float("-inf")  # monotonic
        self._busy = True  # whether there is more to read at once; a log can wait, and not be read to its end

    def look(self, monotonic: float, now: float) -> bool:
        """Search where that is due and read on; whether there is more to read at once. `now`: Unix time."""
        if monotonic >= self._scan_at:
            self.scan(now)
            wait = self._settings.scan_interval if self._shown() else WAITING_SCAN
            self._scan_at = monotonic + min(wait, self._settings.scan_interval)
        runs = sorted(self._runs.awake, key=lambda run: -run.found.modified)
        unread = [run for run in runs if not _is_read(run)]
        looked_at = [*unread[:LOGS_AT_ONCE], *filter(_is_read, runs)]
        more = [self._read(run, monotonic, now) for run in looked_at]
        self._chosen = self._choose(now)
        self._busy = any(more) or len(unread) > LOGS_AT_ONCE
        return self._busy

    def scan(self, now: float) -> None:
        """Search for runs: take new ones in, let gone ones leave. `now`: Unix time."""
        scan = self._rules.search([self.path], now, max_depth=self._settings.max_depth)
        self._nothing = next(problems_of(scan), None) or self._without_log(scan)
        self._runs.update(scan, now)
        watched = set(self._runs)
        self._snapshots = {run: snapshot for run, snapshot in self._snapshots.items() if run in watched}

    def _without_log(self, scan: Scan) -> NoRun:
        """What to say of a folder without a log; what else lies there is looked at now and then."""
        if not scan.found:
            if self._scans_in_vain % SCANS_PER_SURVEY == 0:
                self._seen = self._rules.survey(self.path, scan)
            self._scans_in_vain += 1
        return self._rules.no_log(self.path, self._seen)

    def status(self, now: float) -> FolderStatus:
        """What there is to show at `now`, Unix time."""
        snapshots = ((run, self._snapshots.get(run)) for run in self._shown())
        shown = {run: _status(run, snapshot, now) for run, snapshot in snapshots if snapshot}
        chosen = shown.get(self._chosen) if self._chosen else None
        courses = (
            self._chosen.observer.courses(chosen.run.hyper_parameters) if self._chosen and chosen else {}
        )
        runs = self._runs.awake
        unread = (max(run.found.size - run.bytes_read, 0) for run in runs if not _is_read(run))
        left = sum(unread) if self._busy else 0
        return FolderStatus(
            path=printable(self.path),
            now=now,
            runs=list(shown.values()),
            chosen=chosen,
            courses=courses,
            failed={run.name: run.failure for run in runs if run.failure is not None},
            no_run=None if chosen else self._no_run(),
            unread=left / (sum(run.found.size for run in runs) or 1),
        )

    def go(self, by: int, now: float) -> None:
        """Show the run that stands so many lines further down the overview; `now`: Unix time."""
        names = [watched.run.run for watched in worst_first(self.status(now).runs)]
        if not names:
            return
        at = names.index(self._chosen.name) if self._chosen and self._chosen.name in names else 0
        self._pressed_for = names[min(max(at + by, 0), len(names) - 1)]
        self._chosen = self._choose(now)

    def go_to_worst(self, now: float) -> None:
        """Show again what is shown where nobody has chosen."""
        self._pressed_for = None
        self._chosen = self._choose(now)

    def is_over(self, now: float) -> bool:
        """Whether all has been read, and every run that counts has ended."""
        counted = self._counted(now)
        read = all(map(_is_read, self._runs.awake))
        return bool(counted) and read and all(run.is_over(now) for run in counted)

    def exit_code(self, now: float) -> int:
        """The worst health of the runs that count; `UNREADABLE` where one is broken, or none has a record."""
        counted = self._counted(now)
        if any(run.failure is not None for run in counted):
            return UNREADABLE
        snapshots = (self._snapshots.get(run) for run in counted if run.has_records)
        return max((run.verdict.value for run in snapshots if run), default=UNREADABLE)

    def close(self) -> None:
        """Give back what is held open."""
        self._runs.close()

    def _shown(self) -> list[WatchedRun]:
        return [run for run in self._runs.awake if run.is_run or run.failure is not None]

    def _counted(self, now: float) -> list[WatchedRun]:
        """The run that was asked for, else those that were seen training, else the one that is shown."""
        seen = [run for run in self._shown() if run.seen_training or run.is_live(now)]
        chosen = [self._chosen] if self._chosen else []
        return chosen if self._wanted is not None else seen or chosen

    def _choose(self, now: float) -> WatchedRun | None:
        """The run to show: of those that are live the worst, then the newest, then the one that is shown."""
        runs = self._shown()
        pressed_for = next((run for run in runs if run.name == self._pressed_for), None)
        if pressed_for is not None:
            return pressed_for
        if self._wanted is not None:
            return next((run for run in runs if run.name == self._wanted), None)
        return max(runs, key=lambda run: self._rank(run, now), default=None)

    def _rank(self, run: WatchedRun, now: float) -> tuple[bool, int, bool, float, bool, float]:
        live, snapshot = run.is_live(now), self._snapshots.get(run)
        worst = trouble(snapshot, live) if live and snapshot else 0
        begun = run.met_at if run.state(now) is State.RUNNING else 0.0
        return live, worst, run.has_records, begun, run is self._chosen, run.found.modified

    def _no_run(self) -> NoRun:
        """Why no run is shown."""
        if not self._runs:
            return self._nothing
        if self._wanted is not None and self._shown():
            return NoRun(self.path, NoRunReason.NO_SUCH_NAME)
        outcomes = (run.why_none() for run in self._runs.awake if run.hindrance)
        return next(outcomes, NoRun(self.path, NoRunReason.NO_RECORD, self._skipped()))

    def _skipped(self) -> Counter[str]:
        """The lines of all logs that are no record, by reason."""
        return sum((run.folded.skipped for run in self._runs.awake), Counter[str]())

    def _read(self, run: WatchedRun, monotonic: float, now: float) -> bool:
        """Read on in a log; whether there is more to read at once. One broken run must not end the watch."""
        if run.failure is not None:
            return False
        try:
            more = self._read_on(run, monotonic, now)
            self._refresh(run, now)
        except Exception as error:
            log.debug("%s: cannot be analysed", run.found.path, exc_info=True)
            run.give_up(error)
            self._snapshots.pop(run, None)
            return False
        return more

    def _read_on(self, run: WatchedRun, monotonic: float, now: float) -> bool:
        run.check_path(monotonic)
        reading = run.read_on(monotonic, now)
        if reading is None:
            return False
        self._snapshots.pop(run, None)
        if run.caught_up and not run.is_live(now):
            run.source.park()  # of a folder with thousands of old runs not all can stay open
        self._runs.spare_descriptor(run, reading)
        return reading.more

    def _refresh(self, run: WatchedRun, now: float) -> None:
        if run in self._snapshots and now < run.changes_at:
            return
        snapshot = run.snapshot(now)
        self._snapshots[run] = with_checkpoints(snapshot) if snapshot.incidents else snapshot


def _is_read(run: WatchedRun) -> bool:
    """Whether all that can be read has been read."""
    return run.caught_up or run.hindrance is not None


def _status(run: WatchedRun, snapshot: Snapshot, now: float) -> RunStatus:
    return RunStatus(
        run=snapshot,
        live=run.is_live(now),
        over=run.is_over(now),
        caught_up=run.caught_up,
        rewritten=run.rewritten,
        error=run.hindrance,
    )
