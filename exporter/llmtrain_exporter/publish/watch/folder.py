"""What a path shows while it is watched: its logs found, followed, and one of them chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmtrain_exporter.analyse.run import Options
from llmtrain_exporter.config import Settings, unique_name
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.follow import raise_descriptor_limit
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge import watch_words, words
from llmtrain_exporter.model import Series, Snapshot, State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.check import EPISODES_KEPT, UNREADABLE
from llmtrain_exporter.publish.watch.log import Log

SCANS_MISSING = 3
"""A path can vanish for a moment; a run leaves when so many searches in a row did not find it."""

LOGS_AT_ONCE = 8
"""Logs that are read on with each look while there is a lot to read: the newest first."""

WAITING_SCAN = 1.0
"""Seconds between two searches while there is no run yet."""


@dataclass(frozen=True, slots=True)
class Look:
    """A run as one look shows it. `error`: what hinders its reading."""

    run: Snapshot
    live: bool
    over: bool
    caught_up: bool
    rewritten: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that there is to show. `chosen`: the run to show in full, with the last values of its series.

    `failed`: logs that cannot be analysed, and why. `reason`: why no run is shown. `unread`: share of the
    bytes that is still to be read.
    """

    path: str
    now: float  # Unix time
    looks: Sequence[Look]
    chosen: Look | None
    courses: Mapping[Series, Sequence[float]]
    failed: Mapping[str, str]
    reason: str
    unread: float


class Folder:
    """The logs below one path, or the one that it is."""

    def __init__(self, path: str, settings: Settings, profile: str | None, wanted: str | None = None) -> None:
        """`profile` goes before what the rules of the settings say. `wanted`: name of the run to show."""
        self.path = path
        self._settings = settings
        self._profile = profile
        self._wanted = wanted
        self._readers = Readers(settings.logging_steps)
        self._profiles = settings.known_profiles
        self._logs: dict[str, Log] = {}  # by path
        self._chosen: Log | None = None
        self._problem = watch_words.NOT_READ.en
        self._scans = 0
        self._scan_at = float("-inf")  # monotonic
        raise_descriptor_limit()

    def look(self, monotonic: float, now: float) -> bool:
        """Search where that is due and read on; whether there is more to read at once. `now`: Unix time."""
        if monotonic >= self._scan_at:
            self.scan(now)
            wait = self._settings.scan_interval if self._runs() else WAITING_SCAN
            self._scan_at = monotonic + min(wait, self._settings.scan_interval)
        logs = sorted(self._logs.values(), key=lambda log: -log.found.modified)
        unread = [log for log in logs if not log.settled][:LOGS_AT_ONCE]
        busy = [log.look(monotonic, now) for log in [*unread, *(log for log in logs if log.settled)]]
        self._chosen = self._choose(now)
        return any(busy) or any(not log.settled for log in logs)

    def scan(self, now: float) -> None:
        """Search for runs: take new ones in, let gone ones leave. `now`: Unix time."""
        options = discover.Options(
            stdout_log=tuple(self._settings.stdout_log),
            max_depth=self._settings.max_depth,
            ignore_older=None,
        )
        scan = discover.discover([self.path], options, now)
        self._problem = next(iter(scan.errors.values()), words.NO_LOG.en)
        there = {found.path: found for found in scan.found[: self._settings.max_runs]}
        for path, log in list(self._logs.items()):
            log.missing = 0 if path in there else log.missing + 1
            if log.missing >= SCANS_MISSING:
                self._forget(path)
        for found in there.values():
            self._meet(found)
        self._scans += 1

    def scene(self, now: float) -> Scene:
        """What there is to show at `now`, Unix time."""
        looks = {log: _look(log, run, now) for log in self._runs() if (run := log.snapshot)}
        chosen = looks.get(self._chosen) if self._chosen else None
        logs = self._logs.values()
        left = sum(max(log.found.size - log.size, 0) for log in logs if not log.settled)
        return Scene(
            path=printable(self.path),
            now=now,
            looks=list(looks.values()),
            chosen=chosen,
            courses=self._chosen.courses() if self._chosen and chosen else {},
            failed={log.name: log.failure for log in logs if log.failure is not None},
            reason="" if chosen else self._reason(),
            unread=left / (sum(log.found.size for log in logs) or 1),
        )

    def is_over(self, now: float) -> bool:
        """Whether all has been read, and every run that counts has ended."""
        counted = self._counted(now)
        settled = all(log.settled for log in self._logs.values())
        return bool(counted) and settled and all(log.is_over(now) for log in counted)

    def exit_code(self, now: float) -> int:
        """The worst health of the runs that count; `UNREADABLE` where one is broken, or none has a record."""
        counted = self._counted(now)
        if any(log.failure is not None for log in counted):
            return UNREADABLE
        runs = (log.snapshot for log in counted if log.has_records)
        return max((run.verdict.value for run in runs if run), default=UNREADABLE)

    def close(self) -> None:
        """Give back what is held open."""
        for log in self._logs.values():
            log.close()

    def _runs(self) -> list[Log]:
        return [log for log in self._logs.values() if log.is_run or log.failure is not None]

    def _counted(self, now: float) -> list[Log]:
        """The run that was asked for, else those that were seen training, else the one that is shown."""
        seen = [log for log in self._runs() if log.trained or log.is_live(now)]
        shown = [self._chosen] if self._chosen else []
        return shown if self._wanted is not None else seen or shown

    def _choose(self, now: float) -> Log | None:
        """The run to show: the newest that is live, and the one that is shown as long as it is."""
        runs = self._runs()
        if self._wanted is not None:
            return next((log for log in runs if log.name == self._wanted), None)

        def rank(log: Log) -> tuple[bool, bool, int, bool, float]:
            begun = log.arrival if log.state(now) is State.RUNNING else 0
            shown = log is self._chosen
            return log.is_live(now), log.has_records, begun, shown, log.found.modified

        return max(runs, key=rank, default=None)

    def _reason(self) -> str:
        if not self._logs:
            return self._problem
        if self._wanted is not None and self._runs():
            return watch_words.NO_SUCH_RUN.en
        problems = (log.error for log in self._logs.values() if log.error)
        return next(problems, words.NO_RECORD.en)

    def _meet(self, found: discover.Found) -> None:
        known = self._logs.get(found.path)
        if known is not None:
            if _same(known.found, found):
                known.found = found
                return
            self._forget(found.path)
        assigned = self._settings.assign(found.run)
        name = unique_name(assigned.name, found.run, {log.name for log in self._logs.values()})
        options = Options(
            profile=self._profile or assigned.profile, profiles=self._profiles, episodes_kept=EPISODES_KEPT
        )
        self._logs[found.path] = Log(found, name, options, self._readers, self._scans)

    def _forget(self, path: str) -> None:
        log = self._logs.pop(path)
        log.close()
        self._chosen = None if self._chosen is log else self._chosen


def _look(log: Log, run: Snapshot, now: float) -> Look:
    return Look(
        run=run,
        live=log.is_live(now),
        over=log.is_over(now),
        caught_up=log.caught_up,
        rewritten=log.rewritten,
        error=log.error,
    )


def _same(one: discover.Found, other: discover.Found) -> bool:
    """Whether a log is to be read and called as it was."""
    return (one.dialect, one.extra, one.run) == (other.dialect, other.extra, other.run)
