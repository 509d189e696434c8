"""One log under watch: followed as the exporter follows it, folded, its last records kept."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from llmtrain_exporter.analyse import derived
from llmtrain_exporter.analyse.run import Options, Run
from llmtrain_exporter.ingest.arguments import read_checkpoints
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import Reading, open_source, read_run_settings
from llmtrain_exporter.knowledge.pace import STALL_SECONDS_UNKNOWN
from llmtrain_exporter.model import Kind, Record, Series, Settings, Snapshot, State, series

CHECK_SECONDS = 3.0
"""Time between two looks whether the path still names the file that is open."""

OVER_SECONDS = 10.0
"""A run has ended when it says so and no more came for so long: a last evaluation, a traceback."""

RECORDS_KEPT = 32
"""Records of each kind whose values are kept to be drawn."""

KEPT = (Kind.TRAIN, Kind.EVAL)


class Log:
    """A log, and its run so far. `arrival`: a number that is higher for logs that were found later."""

    def __init__(self, found: Found, name: str, options: Options, readers: Readers, arrival: int = 0) -> None:
        self.found = found
        self.name = name
        self.arrival = arrival
        self.size = 0  # bytes read
        self.caught_up = False  # its end has been read once
        self.trained = False  # it was seen while it trained
        self.rewritten = 0  # times that the log was begun anew
        self.missing = 0  # searches in a row that did not find it
        self.failure: str | None = None  # why it cannot be analysed
        self._options = options
        self._source = open_source(found, readers)
        self._check_at = -math.inf  # monotonic
        self._begin()

    @property
    def error(self) -> str | None:
        """What hinders the reading, for people."""
        return self.failure or self._source.error

    @property
    def settled(self) -> bool:
        """Whether all that can be read has been read."""
        return self.caught_up or self.error is not None

    @property
    def is_run(self) -> bool:
        """Whether this is a training log: it has records, or is empty under a name that promises some."""
        return self._run.is_training or (self.found.dialect.promises_run and not self._run.skipped)

    @property
    def has_records(self) -> bool:
        """Whether there is anything to judge."""
        return self._run.is_training

    def look(self, monotonic: float, now: float) -> bool:
        """Read on; whether there is more to read at once. `now`: Unix time.

        What goes wrong within is told by `failure`: one broken log must not end the watch.
        """
        if self.failure is not None:
            return False
        try:
            more = self._look(monotonic, now)
            self._refresh(now)
        except Exception as error:
            self.failure = type(error).__name__
            self.close()
            return False
        return more

    def close(self) -> None:
        """Give back what is held open."""
        self._source.close()

    def state(self, now: float) -> State:
        """What the run is doing; one that cannot be analysed is as good as ended."""
        return State.FAILED if self.failure is not None else self._run.state(now)

    def is_live(self, now: float) -> bool:
        """Whether somebody may be training it: what was silent before it was watched is left alone."""
        state = self.state(now)
        if state is State.WAITING:
            return now - self.found.modified < STALL_SECONDS_UNKNOWN
        return state is State.RUNNING or (state is State.STALLED and self.trained)

    def is_over(self, now: float) -> bool:
        """Whether the run has ended, and nothing more is on its way."""
        if self.failure is not None:
            return True
        ended = self.caught_up and self.state(now) in (State.FINISHED, State.FAILED)
        return ended and now - (self._run.arrived or now) >= OVER_SECONDS

    @property
    def snapshot(self) -> Snapshot | None:
        """The run as it stood at the last look; None where it cannot be analysed."""
        return None if self.failure is not None else self._snapshot

    def courses(self) -> Mapping[Series, Sequence[float]]:
        """The last values of each series, the newest last."""
        found: dict[Series, list[float]] = {}
        for records in self._recent.values():
            for record in records:
                for one, value in _values(record, self._settings).items():
                    found.setdefault(one, []).append(value)
        return found

    def _begin(self) -> None:
        self._settings = read_run_settings(self.found)
        self._run = Run(self._options, self._settings)
        self._recent: Mapping[Kind, deque[Record]] = {kind: deque(maxlen=RECORDS_KEPT) for kind in KEPT}
        self._snapshot: Snapshot | None = None
        self._changes_at = math.inf  # Unix time

    def _refresh(self, now: float) -> None:
        if self._snapshot is not None and now < self._changes_at:
            return
        known = self._run.snapshot(self.name, self.found.path, self.found.dialect.producer, now)
        if known.incidents:
            known = replace(known, checkpoints=read_checkpoints(os.path.dirname(self.found.path)))
        self._snapshot, self._changes_at = known, self._run.changes_at(now)

    def _look(self, monotonic: float, now: float) -> bool:
        if monotonic >= self._check_at:
            self._source.check(monotonic)
            self._check_at = monotonic + CHECK_SECONDS
        reading = self._source.poll(monotonic)
        if reading is None:
            self.caught_up = self.caught_up or not self._source.grown()
            return False
        self._take(reading, now)
        self.trained = self.trained or (self.caught_up and self.state(now) is State.RUNNING)
        if self.caught_up and not self.is_live(now):
            self._source.park()  # of a folder with thousands of old runs not all can stay open
        return reading.more

    def _take(self, reading: Reading, now: float) -> None:
        if reading.restarted or reading.again:
            self._begin()
            self.rewritten += reading.restarted
            self.size = 0
        arrived = min(reading.modified, now)  # a clock ahead of ours would hide for as long that a run hangs
        for record in reading.records:
            self._run.fold(record, arrived)
        self._run.skip(reading.skipped)
        self._keep(reading.records)
        self.size += reading.size
        self.caught_up = not reading.more
        self._snapshot = None

    def _keep(self, records: Iterable[Record]) -> None:
        """The same step once more is a second writer's."""
        for record in records:
            kept = self._recent.get(record.kind)
            if kept is not None and not (kept and record.step is not None and record.step == kept[-1].step):
                kept.append(record)


def _values(record: Record, settings: Settings) -> dict[Series, float]:
    """What a record says, and what follows from it alone."""
    values = dict(zip(record.layout.series, record.values, strict=True))
    if record.kind is Kind.TRAIN:
        ratios = [*derived.against_settings(values, settings.numbers), *derived.within_record(values, 0.0)]
        values |= {series(metric): value for metric, value in ratios}
    return values
