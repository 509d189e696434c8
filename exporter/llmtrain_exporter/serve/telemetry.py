"""The exporter's own metrics: what it did, how long that took, and what went wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from prometheus_client import Gauge

from llmtrain_exporter.knowledge.analysis_metrics import LIMIT
from llmtrain_exporter.knowledge.metric import PREFIX
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.push.remote_write import RemoteWriter
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.history_metrics import HistoryMetrics
from llmtrain_exporter.serve.protection import Protection, ProtectionMetrics
from llmtrain_exporter.serve.root_metrics import RootMetrics
from llmtrain_exporter.web.own_metrics import OwnMetrics, ServerMetrics

BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Upper bounds of the histograms, in seconds."""


class _Counts:
    """A gauge by one label that is set as a whole. What is not there any more falls to 0 and stays."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._known: dict[str, int] = {}

    def set(self, counts: Mapping[str, int]) -> None:
        self._known = {**dict.fromkeys(self._known, 0), **counts}
        for key, count in self._known.items():
            self._gauge.labels(key).set(count)


def _sum(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


class Telemetry:
    """What the exporter tells of itself. Told by the loop and the HTTP server, from any thread."""

    def __init__(self, version: str, fleet: Fleet, exposition: Exposition) -> None:
        own = self._own = OwnMetrics(f"{PREFIX}exporter_", version, BUCKETS)
        self.server = ServerMetrics(own)
        self._state(fleet, exposition)
        labels = ("profile", "signal", "severity")
        self._limit = Gauge(LIMIT.name, LIMIT.help, labels, registry=own.registry)
        own.registry.register(RootMetrics(fleet))
        self._scanning = threading.Lock()  # held while what was found is added up
        self._found: dict[object, tuple[int, Mapping[str, int]]] = {}  # by who walked
        self._files = own.gauge("files", "Log files that are watched.")
        self._left_out = _Counts(
            own.gauge("left_out_files", "Files that are not watched, by reason.", "reason")
        )
        self._read = own.counter("read_bytes_total", "Bytes read from log files.")
        self._skipped = own.counter(
            "skipped_lines_total", "Lines of files that turned out to be no run, by reason.", "reason"
        )
        self._scans = own.counter("scans_total", "Walks through the watched folders.")
        self._scan = own.histogram("scan_duration_seconds", "Duration of a walk through the watched folders.")
        self._round = own.histogram("round_duration_seconds", "Duration of a look at all watched files.")
        self._scrape = own.histogram("scrape_duration_seconds", "Time to put a scrape's answer together.")
        self._errors = own.counter("errors_total", "What went wrong, by kind.", "kind")

    def _state(self, fleet: Fleet, exposition: Exposition) -> None:
        """What is asked for with each scrape."""
        gauge = self._own.gauge
        gauge("ready", "1 once every log that was there at the start is read.").set_function(
            lambda: float(fleet.ready)
        )
        gauge("runs", "Runs that are exposed.").set_function(lambda: float(len(fleet)))
        gauge("series", "Series of all runs.").set_function(lambda: float(exposition.series))

    def watch_history(self, writers: Callable[[], Sequence[RemoteWriter]]) -> None:
        """Those who send history now are asked with each scrape. Once."""
        self._own.registry.register(HistoryMetrics(writers))

    def show_protection(self, protection: Protection) -> None:
        """What is kept of runs is shown from now on."""
        self._own.registry.register(ProtectionMetrics(protection))

    def limits(self, profiles: Iterable[Profile]) -> None:
        """Those of the profiles that runs can have are shown once, not with each run."""
        self._limit.clear()
        for profile in profiles:
            for signal, bounds in profile.limits.items():
                for severity, bound in bounds.items():
                    self._limit.labels(profile.name, signal, severity.value).set(bound.limit)

    def scanned(
        self,
        seconds: float,
        files: int,
        left_out: Mapping[str, int],
        errors: Mapping[str, str],
        finder: object = None,
    ) -> None:
        """A walk through some roots has ended, and how long it took.

        `files`: those now watched; `left_out`: others, by reason; `errors`: what was wrong, by path.
        `finder`: who walks; what it found before is void.
        """
        self._scans.inc()
        self._scan.observe(seconds)
        self._errors.labels("scan").inc(len(errors))
        with self._scanning:
            self._found[finder] = files, left_out
            self._files.set(sum(files for files, _ in self._found.values()))
            self._left_out.set(_sum(left_out for _, left_out in self._found.values()))

    def went_round(self, seconds: float) -> None:
        """All watched files were looked at once, and what was new in them was folded and published."""
        self._round.observe(seconds)

    def read(self, count: int) -> None:
        """So many bytes were read from a log file."""
        self._read.inc(count)

    def skipped(self, reason: str, lines: int = 1) -> None:
        """So many lines were no record, in a file that is no run."""
        self._skipped.labels(reason).inc(lines)

    def failed(self, kind: str) -> None:
        """Something went wrong that should not; `kind` says in a word where."""
        self._errors.labels(kind).inc()

    def scraping(self) -> AbstractContextManager[object]:
        """The time that the block takes is a scrape's."""
        return self._scrape.time()

    def render(self, openmetrics: bool) -> bytes:
        """The families as the end of a scrape; in OpenMetrics with the closing `# EOF`."""
        return self._own.render(openmetrics)
