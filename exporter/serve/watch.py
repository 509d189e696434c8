"""The loop: discover, follow, fold, publish."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from exporter.analyse.run import Options
from exporter.config import Settings
from exporter.ingest import discover
from exporter.ingest.dialects import Dialects
from exporter.ingest.follow import raise_descriptor_limit
from exporter.ingest.source import Reading
from exporter.serve.fleet import Fleet
from exporter.serve.telemetry import Telemetry
from exporter.serve.watched import CHECK_SECONDS, Watched

log = logging.getLogger(__name__)

IDLE_SHARE = 0.03
"""Share of a core that looking at quiet files may cost; with many files the looks get rarer."""

SCAN_SHARE = 0.02
"""The same for the search for new runs."""

LATEST_SCAN = 10.0
"""A new run is found within this time, whatever the search costs."""

SCANS_MISSING = 3
"""A path can vanish for a moment; a run leaves when so many searches in a row did not find it."""

DESCRIPTORS_SPARED = 256
"""Open files left to connections and everything else."""


class Watcher:
    """Watches folders and keeps the fleet up to date. Belongs to one thread."""

    def __init__(self, settings: Settings, fleet: Fleet, telemetry: Telemetry) -> None:
        self._settings = settings
        self._fleet = fleet
        self._telemetry = telemetry
        self._dialects = Dialects(settings.logging_steps)
        self._runs: dict[str, Watched] = {}  # by path
        self._names: dict[str, str] = {}  # name -> path
        self._scan_due = -math.inf
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
            if not self.round(began, time.time()):
                took = time.monotonic() - began
                stop.wait(max(self._settings.poll_interval, took / IDLE_SHARE))
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
            log.warning("%s: %s", path, problem)
        self._leave({run.path for run in there}, {run.run for run in there})
        for run in there:
            self._meet(run)
        self._telemetry.scanned(time.monotonic() - began, len(self._runs), left_out, found.errors)

    def round(self, monotonic: float, now: float) -> bool:
        """Look at each log once; whether there is more to read at once."""
        busy = False
        for watched in self._runs.values():
            if watched.grown():
                busy |= self._look(watched, monotonic, now)
            if monotonic >= watched.check_at:
                watched.source.check(monotonic)
                watched.check_at = monotonic + CHECK_SECONDS
            if now >= watched.stalls_at:
                self._publish(watched, now)
        if not busy:
            self._fleet.ready = True
        self._telemetry.went_round(time.monotonic() - monotonic)
        return busy

    def _look(self, watched: Watched, monotonic: float, now: float) -> bool:
        try:
            reading = watched.source.poll(monotonic)
            if reading is None:
                self._note_error(watched)
                watched.read = True
            else:
                watched.take(reading)
                self._note(watched, reading)
            if watched.read:
                self._publish(watched, now)
        except Exception:  # one broken run must not stop the others
            log.exception("%s: cannot be analysed", watched.found.path)
            self._telemetry.failed("analyse")
            watched.grown = _never
            return False
        if watched.read and len(self._runs) > self._descriptors:
            watched.source.park()
        return not watched.read

    def _publish(self, watched: Watched, now: float) -> None:
        if not watched.is_run:
            self._fleet.remove(watched.name)
            return
        self._fleet.publish(watched.snapshot(now))

    def _note(self, watched: Watched, reading: Reading) -> None:
        self._telemetry.read(reading.size)
        if not watched.run.is_training:
            for reason, lines in reading.skipped.items():
                self._telemetry.skipped(reason, lines)

    def _note_error(self, watched: Watched) -> None:
        if watched.source.error:
            log.warning("%s", watched.source.error)
            self._telemetry.failed("read")

    def _meet(self, found: discover.Found) -> None:
        known = self._runs.get(found.path)
        if known is not None and (known.found.extra, known.found.run) == (found.extra, found.run):
            known.missing = 0
            return
        if known is not None:
            self._forget(found.path)
        assigned = self._settings.assign(found.run)
        name = self._unique(assigned.name, found)
        options = Options(
            assigned.profile,
            assigned.labels,
            self._settings.max_other_keys,
            self._settings.max_reward_functions,
        )
        self._runs[found.path] = Watched(found, name, options, self._dialects)
        self._names[name] = found.path

    def _unique(self, name: str, found: discover.Found) -> str:
        """A name of its own, where a renaming rule gave the same to two runs."""
        return name if name not in self._names else f"{name} ({found.run})"

    def _leave(self, paths: set[str], runs: set[str]) -> None:
        for path, watched in list(self._runs.items()):
            watched.missing = 0 if path in paths else watched.missing + 1
            if watched.missing >= SCANS_MISSING or (watched.missing and watched.found.run in runs):
                self._forget(path)
                self._fleet.remove(watched.name)

    def _forget(self, path: str) -> None:
        watched = self._runs.pop(path)
        watched.source.close()
        self._names.pop(watched.name, None)

    def _discovery(self) -> discover.Options:
        options = discover.Options(
            max_depth=self._settings.max_depth, ignore_older=self._settings.ignore_older
        )
        patterns: Mapping[str, tuple[str, ...]] = {
            **options.patterns,
            "printed": tuple(self._settings.stdout_log),
        }
        return replace(options, patterns=patterns)


def _never() -> bool:
    return False
