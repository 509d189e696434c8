"""One run under watch: its log, its fold, and what has been published of it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from llmtrain_exporter.analyse.run import Options, Run
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import Reading, Source, open_source, read_run_settings
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.model import Series, Snapshot, State
from llmtrain_exporter.serve.sparkline import Sparkline

CHECK_SECONDS = 3.0
"""Time between two looks whether a path still names the file that is open."""

OVER_SECONDS = 10.0
"""What has ended is put to sleep when nothing came for so long."""


class Entry:
    """What the loop needs of every run: when to look at it, and where."""

    __slots__ = ("carried", "changes_at", "check_at", "found", "grown", "missing", "name", "read", "source")

    def __init__(
        self, found: Found, name: str, source: Source, carried: Mapping[Series, float] | None
    ) -> None:
        """`carried`: the counters of the run before its log was rewritten, where it was."""
        self.found = found
        self.name = name
        self.source = source
        self.carried = carried
        self.grown = source.grown  # asked of every run, several times a second
        self.check_at = 0.0  # monotonic
        self.changes_at = math.inf  # Unix time
        self.missing = 0  # scans in a row that did not find it
        self.read = False  # its replay has reached the end of the file

    def give_up(self) -> None:
        """Look at it no more."""
        self.source.close()
        self.grown = _never
        self.check_at = self.changes_at = math.inf
        self.read = True


class Watched(Entry):
    """A run under watch. Owned by the loop's thread."""

    __slots__ = ("_options", "newborn", "run", "sparkline", "told")

    def __init__(
        self,
        found: Found,
        name: str,
        options: Options,
        readers: Readers,
        carried: Mapping[Series, float] | None = None,
    ) -> None:
        """`options`: what the operator says of the run. `carried`: see `Entry`."""
        super().__init__(found, name, open_source(found, readers), carried)
        self.told: str | None = None  # the source's error that people know of
        self.newborn = False  # it begins before our eyes, and none of its records has been published
        self._options = options
        self.run = self._new_run()
        self.sparkline = Sparkline()

    def take(self, reading: Reading | None, now: float) -> bool:
        """Fold what was read at `now`, Unix time; whether the run may be published as it stands."""
        if reading is None:
            return self._reached_end_at_once()
        if reading.restarted:
            self.carried = self.run.counters()
        if reading.restarted or reading.again:
            known = self.run.counters()
            self.run = self._new_run()
            self.sparkline = Sparkline()
            self.run.least = known  # the same rows, better known, can be judged milder
        arrived = min(reading.modified, now)  # a clock ahead of ours would hide for as long that a run hangs
        for record in reading.records:
            self.run.fold(record, arrived)
        self.sparkline.extend(reading.records)
        self.run.skip(reading.skipped)
        self.read = not reading.more
        return self.read

    def snapshot(self, now: float) -> Snapshot:
        """The run as it stands. `now`: Unix time."""
        self.changes_at = self.run.changes_at(now)
        if self.is_over(now) is False:
            self.changes_at = (self.run.arrived or now) + OVER_SECONDS
        return self.run.snapshot(self.name, self.found.path, self.found.dialect.producer, now)

    def is_over(self, now: float) -> bool | None:
        """Whether nothing is expected to change any more; None while time alone will."""
        if self.run.changes_at(now) < math.inf or self.run.state(now) is State.RUNNING:
            return None
        return self.read and self.run.arrived is not None and now - self.run.arrived >= OVER_SECONDS

    @property
    def is_run(self) -> bool:
        """Whether this is a training log: it has records, or is empty under a name that promises some."""
        if self.run.is_training:
            return True
        return self.found.dialect.promises_run and not self.run.skipped

    def _reached_end_at_once(self) -> bool:
        """An empty log is read with the first look; one that cannot be read, or not yet, is not."""
        if self.read or self.grown():
            return False
        self.read = True
        return True

    def _new_run(self) -> Run:
        return Run(self._options, read_run_settings(self.found), self.carried)


class Asleep(Entry):
    """A run that is over: no more is kept of it than the place in its log and its counters.

    If the log grows all the same, the run is folded again from the first byte.
    """

    __slots__ = ("_counters",)

    def __init__(self, watched: Watched) -> None:
        super().__init__(watched.found, watched.name, watched.source, watched.carried)
        self.source.park()
        self.check_at = math.inf
        self.read = True
        self._counters = {one: count for one, count in watched.run.counters().items() if count}

    def stirred(self, monotonic: float) -> bool:
        """Whether there is more in the log; then `carried` is what the run's counters go on from."""
        reading = self.source.poll(monotonic)
        if reading is None:
            self.source.park()
            return False
        if reading.restarted:
            self.carried = self._counters
        return True


def options_for(settings: Settings, profiles: Mapping[str, Profile], run: str) -> Options:
    """What the operator's settings say of a run, by the name under which it was found.

    `profiles`: all that there are; shared by all runs.
    """
    assigned = settings.assign(run)
    return Options(
        profile=assigned.profile,
        profiles=profiles,
        labels=assigned.labels,
        max_other_keys=settings.max_other_keys,
        max_label_values=settings.max_reward_functions,
    )


def _never() -> bool:
    return False
