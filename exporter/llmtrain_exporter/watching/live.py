"""One run under watch: its log is followed, its records are folded, and observers see them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, repeat
from typing import Generic

from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.analyse.state import cut_off_at
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.reading import Reading, Source
from llmtrain_exporter.ingest.source import read_run_hyper_parameters
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.pace import STALL_SECONDS_UNKNOWN
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import producer_by_settings
from llmtrain_exporter.model import NoRun, Record, RowKind, Series, Snapshot, State
from llmtrain_exporter.watching.arrivals import LOOK_LASTS_SECONDS, arrivals, arrivals_of_rest
from llmtrain_exporter.watching.beside import in_force, with_checkpoints, with_guard
from llmtrain_exporter.watching.observer import ObserverT, show
from llmtrain_exporter.watching.predecessor import Predecessor, begins_anew, predecessor_of, says_the_same
from llmtrain_exporter.watching.tracked_log import TrackedLog

OVER_SECONDS = 10.0
"""A run is over when it says so, or its silence has, and no more came for so long: a last evaluation."""

LITTLE_RECORDS, LITTLE_BYTES = 50, 64 << 10
"""Training records, or bytes, that a run can write from one search to the next."""
CLOCK_GRAIN_SECONDS = 2.0
"""File systems keep times to so much at the worst; a time that is no further off is believed."""

CLOCK_BEHIND_SECONDS = 3600.0
"""The clock of a file server may be behind by so much."""

GAPS_AWAITED, WAIT_SECONDS = 2.0, (10.0, 60.0)
"""A log that is met silent is looked at for so many gaps between its records before it is called stalled; at
least and at most for so long."""


class LiveRun(TrackedLog, Generic[ObserverT]):
    """A run whose log is followed and folded. For one thread at a time."""

    __slots__ = (
        "_before",
        "_carried",
        "_followed",
        "_known_error",
        "_looked_at",
        "_observe",
        "_options",
        "_producer",
        "_unsettled",
        "bytes_read",
        "caught_up_at",
        "folded",
        "met_at",
        "observer",
        "rewritten",
        "seen_training",
        "states_times",
        "written_at",
    )

    def __init__(
        self,
        found: Found,
        name: str,
        options: RunOptions,
        source: Source,
        observe: Callable[[Run], ObserverT],
        before: Predecessor | None = None,
        met_at: float = 0.0,
    ) -> None:
        """`options`: what the operator says of the run. `observe`: makes the observer of a run that begins.

        `before`: what was counted of this log, or of another in its place. `met_at`: Unix time at which the
        log was found.
        """
        super().__init__(found, name, source)
        self.met_at = met_at
        self._before = before  # what the counters go on from
        self._unsettled = before is not None  # whether it is the log that was counted shows at its end
        self.bytes_read = 0  # since the log was begun
        self.caught_up_at = 0.0  # Unix time at which its log was first read to its end
        self.written_at = 0.0  # Unix time of the last write to its log, as that was read last
        self.rewritten = 0  # times that another log stood in its place
        self.seen_training = False  # it was watched while it trained
        self.states_times = False  # its log says when its records were written
        self._options = options
        self._observe = observe
        self._known_error: str | None = None
        self._carried: Mapping[Series, float] = {}  # as it was asked for last
        self._followed = False  # its log was read to its end: what is new is seen to come
        self._looked_at = 0.0  # Unix time of the last call of `read_on`
        self._producer: Producer = found.dialect.producer  # or who its log or arguments say that wrote it
        self._begin()

    def read_on(self, monotonic: float, now: float, looked_at: float | None = None) -> Reading | None:
        """Read and fold what is new; None where nothing is. `now`: Unix time.

        Counters go on from where they were, whatever is read again, and what another log had before it was
        met does not make them grow: `docs/following.md`.

        `looked_at`: Unix time at which there was nothing new yet; None: that of the call before.
        """
        reading = self.source.poll(monotonic)
        looked_at, self._looked_at = self._looked_at if looked_at is None else looked_at, now
        if reading is None:
            # An empty log is read with the first look; one that cannot be read, or not yet, is not.
            self.caught_up = self.caught_up or not self.grown()
            self._follow(now)
            return None
        if reading.restarted or reading.again:
            self._begin_anew(reading.restarted)
        self._take_in(reading, self._arrival(reading, looked_at, now), now)
        self.bytes_read += reading.size
        self.written_at = reading.modified
        if not reading.more and self._holds_old(now):
            reading = replace(reading, more=True)
        self.caught_up = not reading.more
        if self.caught_up and self._unsettled:
            self._settle()
        if self.caught_up:
            self.folded.rest()
        self._follow(now)
        self.seen_training = self.seen_training or (
            self.caught_up and self.folded.state(now) is State.RUNNING
        )
        return reading

    def is_still(self, found: Found) -> bool:
        """Whether a search has found the very file that is open, as it was when all of it was read.

        Only of a log that hangs on its file.
        """
        source, place = self.source, self.source.place
        if place is None or (place[1], self.written_at) != (found.size, found.modified):
            return False
        state = os.fstat(place[0])
        same = (state.st_dev, state.st_ino) == found.identity
        return same and self.hangs_on_its_file and source.error is None

    def _holds_old(self, now: float) -> bool:
        """Whether a row is held that was whole before the log was met: it belongs to what was there."""
        wait, silent = self.source.wait, now - self.written_at
        if self._followed or wait is None or silent < wait:
            return False
        self.source.note_silence(silent)
        return True

    def _follow(self, now: float) -> None:
        if self.caught_up and not self._followed:
            self._followed, self.caught_up_at = True, now

    def _arrival(self, reading: Reading, looked_at: float, now: float) -> float:
        """Unix time at which what was read now was written, as well as one can know.

        What is seen to be added was written since the last look, whatever the clock of a file server says.
        That clock tells alone of what was there before, and never of the future.
        """
        told = reading.modified if reading.modified - now <= LOOK_LASTS_SECONDS else now
        written = max(told, self.grew_at)
        seen = min(looked_at, now)
        came = reading.size > 0 or reading.modified > self.written_at  # no row that silence alone made whole
        is_news = came and self._followed and reading.records and not reading.past
        if is_news and seen - written > CLOCK_GRAIN_SECONDS:
            written = self.grew_at = seen
        return written

    def take_rest(self, now: float) -> None:
        """Fold the half line at the end too: nobody writes any more, or nobody waits. Not after `park`."""
        records, times = self.source.rest()
        written = min(self.found.modified, now)
        self._fold(records, written, arrivals_of_rest(times, written, now))

    def predecessor(self) -> Predecessor:
        """What is kept of the run when its log is let go."""
        fingerprint = self.source.fingerprint
        return predecessor_of(self.folded, fingerprint and fingerprint.copy())

    def snapshot(self, now: float) -> Snapshot:
        """The run as it stands at `now`, Unix time; `changes_at` says until when."""
        run = self.folded.snapshot(self.name, self.source.path, self._producer, now)
        next_change = self._next_change(now)
        self.changes_at = cut_off_at(run) if next_change == math.inf else next_change
        return with_guard(run, self.guard)

    @property
    def info(self) -> Series:
        """The series whose labels are the static facts of the run, as its snapshot has it."""
        return in_force(self.folded.info(self._producer.dialect), self.guard)

    def outcome(self, now: float) -> Snapshot | NoRun:
        """The run as it stands, with its checkpoints; or why the log is none."""
        return with_checkpoints(self.snapshot(now)) if self.has_records else self.why_none()

    def why_none(self) -> NoRun:
        """Why the log is no run."""
        path, skipped = self.found.told, dict(self.folded.skipped)
        if self.failure is not None:
            return NoRun(path, NoRunReason.BROKEN, skipped, self.failure)
        if self.source.error is not None:
            return NoRun(path, NoRunReason.UNREADABLE, skipped, self.source.error)
        if self.folded.is_not_understood:
            return NoRun(path, NoRunReason.NOT_UNDERSTOOD, skipped)
        is_empty = not self.found.size and not skipped
        return NoRun(path, NoRunReason.EMPTY if is_empty else NoRunReason.NO_RECORD, skipped)

    def news_of_error(self) -> str | None:
        """What hinders the reading, for people, the first time that it is asked for."""
        known, self._known_error = self._known_error, self.source.error
        return None if self._known_error == known else self._known_error

    def news_of_carried(self) -> bool:
        """Whether its counters go on from others, of another log or its past, since this was asked."""
        known, self._carried = self._carried, self.folded.carried
        return known is not self._carried and any(self._carried.values())

    @property
    def hindrance(self) -> str | None:
        """What hinders the reading or the analysis, for people."""
        return self.failure or self.source.error

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever counted of it, nor of another log in its place."""
        return self._before is None

    @property
    def has_little(self) -> bool:
        """Whether all of it can have been written since the last search: else it is a copy, and history."""
        return self.folded.records[RowKind.TRAIN] <= LITTLE_RECORDS or self.bytes_read < LITTLE_BYTES

    @property
    def has_records(self) -> bool:
        """Whether there is anything to judge."""
        return self.folded.is_training and not self.folded.is_not_understood

    @property
    def is_run(self) -> bool:
        """Whether this is a training log: it has records, or is empty under a name that promises some."""
        return self.has_records or (self.found.dialect.promises_run and not self.folded.skipped)

    def state(self, now: float) -> State:
        """What the run is doing; one that cannot be analysed is as good as ended."""
        return State.FAILED if self.failure is not None else self.folded.state(now)

    def is_live(self, now: float) -> bool:
        """Whether somebody may be training it: what was silent before it was watched is left alone."""
        state = self.state(now)
        if state is State.WAITING:
            return now - self.found.modified < STALL_SECONDS_UNKNOWN
        return state is State.RUNNING or (state is State.STALLED and self.seen_training)

    def settles_at(self, now: float) -> float:
        """Unix time until which it cannot be told whether the run has stalled, or a clock is behind.

        A log that was met looks as silent as the clock of its file server is behind, until it is seen to
        grow: some of the run's own gaps are waited for. 0 where there is no doubt.
        """
        arrived = self.folded.arrived
        looks_silent = arrived is not None and now - arrived < CLOCK_BEHIND_SECONDS and not self.grew_at
        if not looks_silent or self.folded.state(now) is not State.STALLED:
            return 0.0
        least, most = WAIT_SECONDS
        return self.caught_up_at + min(self.folded.pace.silence(GAPS_AWAITED, least), most)

    def is_over(self, now: float) -> bool:
        """Whether the run has ended, and nothing more is on its way."""
        if self.failure is not None:
            return True
        ended = self._is_read and self.folded.state(now) in (State.FINISHED, State.FAILED)
        return ended and now - (self.folded.arrived or now) >= OVER_SECONDS

    def is_settled(self, now: float) -> bool:
        """Whether nothing is expected to change any more: it is over, or as silent as can be told."""
        return not self._time_changes(now) and self._silent(now)

    def _time_changes(self, now: float) -> bool:
        return self.folded.changes_at(now) < math.inf or self.folded.state(now) is State.RUNNING

    def _silent(self, now: float) -> bool:
        arrived = self.folded.arrived
        return self._is_read and arrived is not None and now - arrived >= OVER_SECONDS

    @property
    def _is_read(self) -> bool:
        """Whether all that stands in its log was folded: no row of it waits for silence."""
        return self.caught_up and self.source.wait is None

    def _next_change(self, now: float) -> float:
        """Unix time at which time alone changes what is said of the run, or lets it sleep."""
        if self._time_changes(now) or self._silent(now) or self.source.wait is not None:
            return self.folded.changes_at(now)  # what is held is told by the reading that brings it
        return (self.folded.arrived or now) + OVER_SECONDS

    def _fold(self, records: Sequence[Record], arrived: float, times: Sequence[float] = ()) -> None:
        """`times`: when each was written, where the log states that; else all came at once."""
        folded, observer = self.folded, self.observer
        self.states_times = self.states_times or bool(times)
        if times or (observer is not None and observer.reads_state):
            for record, time in zip(records, chain(times, repeat(arrived)), strict=False):
                if folded.fold(record, time) and observer is not None:
                    observer.note(record, folded.analysis)
            return
        counted = folded.fold_all(records, arrived)
        if observer is not None:
            show(counted, observer, folded.analysis)

    def _take_in(self, reading: Reading, arrived: float, now: float) -> None:
        """Fold what came. What is past leaves the counters where they were."""
        seen = self._followed and not reading.past
        folded = self.folded
        shown = folded.counters() if reading.past else None
        folded.skip(reading.skipped)
        self._producer = folded.producer = reading.producer or self._producer
        self._fold(reading.records, arrived, arrivals(reading, arrived, now, seen))
        if shown is not None and not (self._before and begins_anew(folded, self._before)):
            folded.count_from(shown)

    def _begin_anew(self, rewritten: bool) -> None:
        if self._before is None or not self._unsettled:  # else the counters shown are still those of before
            self._before = self.predecessor()
        self._unsettled = self._unsettled and not rewritten
        self.rewritten += rewritten
        if rewritten:
            self.grew_at = 0.0  # what another log looked like says nothing of this one
        self._begin(rewritten)
        self.bytes_read = 0

    def _begin(self, rewritten: bool = False) -> None:
        """Begin to fold: the log that was counted, or another one in its place."""
        self._followed = self.states_times = False
        before = self._before
        hyper_parameters = read_run_hyper_parameters(self.found)
        known = producer_by_settings(hyper_parameters.info)
        self._producer = known or self.found.dialect.producer
        if before is None:
            self.folded = Run(self._options, hyper_parameters)
        else:
            carried = before.counters if rewritten else before.carried
            self.folded = Run(self._options, hyper_parameters, carried)
            # The same rows, better known, can be judged milder.
            self.folded.least = before.counters
        self.observer = self._observe(self.folded)

    def _settle(self) -> None:
        """At the end of a log that was counted before: was it this one?"""
        self._unsettled = False
        before = self._before
        if before is None or self._is_known(before):
            return
        if begins_anew(self.folded, before):
            self.folded.add_to(before.counters)
        else:
            self.folded.count_from(before.counters)

    def _is_known(self, before: Predecessor) -> bool:
        if before.fingerprint is None:
            return says_the_same(self.folded, before)
        try:
            return self.source.begins_with(before.fingerprint)
        except OSError:
            return False
