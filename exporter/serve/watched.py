"""One run under watch: its log, its fold, and what has been published of it."""

from __future__ import annotations

import os

from exporter.analyse.run import Options, Run
from exporter.ingest.arguments import read_settings
from exporter.ingest.dialects import LIVE, Dialects, producer
from exporter.ingest.discover import Found
from exporter.ingest.source import Reading, open_source
from exporter.model import Snapshot

CHECK_SECONDS = 2.0
"""Time between two looks whether a path still names the file that is open."""


class Watched:
    """A run under watch. Owned by the loop's thread."""

    __slots__ = (
        "_carried",
        "_options",
        "check_at",
        "found",
        "grown",
        "missing",
        "name",
        "read",
        "run",
        "source",
        "stalls_at",
    )

    def __init__(self, found: Found, name: str, options: Options, dialects: Dialects) -> None:
        self.found = found
        self.name = name
        self.source = open_source(found, dialects)
        self.grown = self.source.grown  # asked of every run, several times a second
        self.check_at = 0.0  # monotonic
        self.stalls_at = float("inf")  # Unix time
        self.missing = 0  # scans in a row that did not find it
        self.read = False  # its replay has reached the end of the file
        self._options = options
        self._carried: Run | None = None
        self.run = self._new_run()

    def take(self, reading: Reading) -> None:
        """Fold what was read."""
        if reading.restarted:
            self._carried = self.run
        if reading.restarted or reading.again:
            self.run = self._new_run()
        for record in reading.records:
            self.run.fold(record, reading.modified)
        self.run.skip(reading.skipped)
        self.read = not reading.more

    def snapshot(self, now: float) -> Snapshot:
        """The run as it stands. `now`: Unix time."""
        self.stalls_at = self.run.stalls_at(now)
        return self.run.snapshot(self.name, self.found.path, producer(self.found.dialect), now)

    @property
    def is_run(self) -> bool:
        """Whether this is a training log: it has records, or is empty under a name that promises some."""
        if self.run.is_training:
            return True
        return self.found.dialect in LIVE and not self.run.skipped

    def _new_run(self) -> Run:
        return Run(self._options, read_settings(os.path.dirname(self.found.path)), self._carried)
