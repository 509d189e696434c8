"""Runs that are over: how much of them is exposed, and what of them is kept for the next start."""

from __future__ import annotations

import logging
import math

from llmtrain_exporter.analyse.state import cut_off_at
from llmtrain_exporter.config import Settings
from llmtrain_exporter.model import Snapshot, State
from llmtrain_exporter.serve.finished_runs import FinishedRuns
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.kept_run import (
    KeptRun,
    PackedRun,
    WrongDataError,
    counted_run,
    kept_run,
    named,
    packed_run,
    unpacked_run,
    with_counters,
)
from llmtrain_exporter.serve.pulse import Pulse
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.predecessor import Predecessor, counted_on
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.watching.run_set import Awaited
from llmtrain_exporter.watching.sleeping import SleepingRun, kept_asleep

log = logging.getLogger(__name__)


class RunsOver:
    """Those of one thread."""

    def __init__(
        self, fleet: Fleet, pulse: Pulse, finished: FinishedRuns | None, reads_all: bool = False
    ) -> None:
        """`pulse`: of the thread. `finished`: what is kept on disk, where anything is.

        `reads_all`: each log is to be read; of what is kept the counters alone are taken.
        """
        self._reads_all = reads_all
        self._fleet = fleet
        self._pulse = pulse
        self._finished = finished
        self._settings = Settings()
        self._rules: RunRules | None = None

    def go_by(self, settings: Settings, rules: RunRules) -> None:
        """From now on; before anything else."""
        self._settings, self._rules = settings, rules

    def note_counters(self, run: LiveRun[Sparkline], snapshot: Snapshot) -> None:
        """Keep the counters of a run that go on from those of another log: its own does not tell them."""
        if self._finished is None:
            return
        packed = packed_run(counted_run(run, snapshot))
        if packed is not None:
            self._finished.note_counters(run.found, packed)

    def note(self, run: LiveRun[Sparkline], snapshot: Snapshot) -> None:
        """Keep a run, which was read here to its end, for the next start."""
        kept = None if self._finished is None else kept_run(run, snapshot)
        packed = None if kept is None else packed_run(kept)
        if packed is not None:
            self._note(Awaited(run.found, run.name, run.met_at), packed)

    def restored(self, awaited: Awaited, now: float) -> SleepingRun | Predecessor | None:
        """A run that was over when the exporter was ended, and is as it was; it is published.

        Where it is not, what was counted of it.
        """
        if self._finished is None or self._rules is None:
            return None
        options = self._rules.options(awaited.found)
        kept = self._finished.find(awaited.found, self._settings, options)
        if kept is None or isinstance(kept, Predecessor):
            return kept
        sleeping = None if self._reads_all else self._published(awaited, kept, now)
        return sleeping or kept.before

    def taken(self, awaited: Awaited, packed: PackedRun, now: float) -> SleepingRun | None:
        """A run that was read elsewhere, published and kept; None where its log is not so any more.

        None, too, where another text was counted in its place: who knows what has to read it.
        """
        try:
            kept = unpacked_run(packed)
        except WrongDataError:
            log.debug("%s: what was read of it is wrong", awaited.found.path, exc_info=True)
            return None
        counted = self._counted_on(kept, packed, awaited.before)
        if counted is None:
            return None
        kept, packed = counted
        sleeping = self._published(awaited, kept, now)
        if sleeping is not None:
            self._note(awaited, packed)
        return sleeping

    @staticmethod
    def _counted_on(
        kept: KeptRun, packed: PackedRun, before: Predecessor | None
    ) -> tuple[KeptRun, PackedRun] | None:
        """The run, and the same as bytes, with what was counted in its place; None where that cannot be."""
        counted = kept.before if before is None else counted_on(kept.before, before)
        if counted == kept.before:
            return kept, packed
        if counted is None:
            return None
        kept = with_counters(kept, counted)
        again = packed_run(kept)
        return None if again is None else (kept, again)

    def shrinks_at(self, run: Snapshot) -> float:
        """Unix time from which on only those of its series are exposed that last; for most runs never."""
        is_over = run.state in (State.FINISHED, State.FAILED)
        if self._settings.settle is None or run.last_record is None or not is_over:
            return math.inf
        return run.last_record + self._settings.settle

    def tend(self, run: SleepingRun, now: float) -> None:
        """Expose of it what the time since its end wants, and note when that changes.

        One that is silent for so long that it was most likely ended is roused: its story is told anew.
        """
        run.changes_at = math.inf
        shown = self._fleet.get(run.name)
        if shown is not None:
            self._fleet.shrink(run.name, now >= self.shrinks_at(shown))
            run.is_roused = now >= cut_off_at(shown)
            run.changes_at = now if run.is_roused else self._changes_at(shown, now)

    def _changes_at(self, run: Snapshot, now: float) -> float:
        shrinks_at = self.shrinks_at(run)
        return cut_off_at(run) if now >= shrinks_at else min(shrinks_at, cut_off_at(run))

    def flush(self) -> None:
        """Write what waits to be kept."""
        if self._finished is not None:
            self._finished.flush()

    def _published(self, awaited: Awaited, kept: KeptRun, now: float) -> SleepingRun | None:
        found, name, met_at, _ = awaited
        sleeping = kept_asleep(found, name, kept.before, met_at)
        if sleeping is not None:
            shrinks_at = self.shrinks_at(kept.snapshot)
            self._fleet.keep(named(kept, found, name), found, self._pulse, now >= shrinks_at)
            sleeping.changes_at = self._changes_at(kept.snapshot, now)
        return sleeping

    def _note(self, awaited: Awaited, packed: PackedRun) -> None:
        if self._finished is not None and self._rules is not None:
            options = self._rules.options(awaited.found)
            self._finished.note(awaited.found, self._settings, options, packed, awaited.met_at)
