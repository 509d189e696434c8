"""What the first rank alone does with each row: record it, judge it, steer, and write down what was done."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmtrain_exporter.guard.advice import in_words, next_step
from llmtrain_exporter.guard.guard_file import guard_path, write_guard_file
from llmtrain_exporter.guard.inside.judging import Judge
from llmtrain_exporter.guard.inside.live_control import LiveController
from llmtrain_exporter.guard.inside.skipped_rows import SkippedRows
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.guard.recording import RowRecorder
from llmtrain_exporter.guard.told import tell_folder
from llmtrain_exporter.ingest.checkpoints import folder_of_checkpoint
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.knowledge import guard_words as words
from llmtrain_exporter.knowledge.guard_story_words import SAID_BY_GUARD
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.rescuing import GRACE_RECORDS
from llmtrain_exporter.knowledge.said_again import said_again
from llmtrain_exporter.knowledge.text import fill
from llmtrain_exporter.model import HyperParameters
from llmtrain_exporter.model.guarded import Action, Began, GuardEvent, GuardFile, StopReason

if TYPE_CHECKING:
    from llmtrain_exporter.guard.inside.protection import RotationProtection

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchedTraining:
    """Of a training: its output folder, its settings, whose trainer it is; the clock gives Unix time."""

    folder: Path
    settings: HyperParameters
    producer: Producer
    clock: Callable[[], float]


class Watch:
    """Follows one training from its begin to its end. `controller`: None where nothing is steered."""

    def __init__(self, options: GuardOptions, around: WatchedTraining) -> None:
        self._options, self._around = options, around
        self._recorder = RowRecorder(around.folder)
        self._protection = _protection(options, around.folder)
        seen = (self._protection.note,) if self._protection is not None else ()
        self._judge = Judge(options, around.settings, around.producer, *seen)
        self._path = guard_path(around.folder)
        self._file = GuardFile()
        self._disk_failed = False  # which was told
        self._grace_records = 0  # before it may be stopped: it began with the incident of a checkpoint
        self._incident = False  # which was told, and lasts
        self._skipped = SkippedRows()
        self._reason: StopReason | None = None  # why the training is stopped
        self._step = 0
        self.controller: LiveController | None = None

    def begin(self, state: Any) -> None:
        """The training begins, or goes on from a checkpoint with a history."""
        now, self._step = self._around.clock(), state.global_step
        self._keep(lambda: tell_folder(os.environ, self._around.folder))
        known = self._known() if self._options.attempt else None
        new = GuardFile(began=Began(now, self._step))
        self._file = new if known is None else replace(known, state="watching", next="")
        history = [row for row in state.log_history if isinstance(row, Mapping)]
        self._judge.warm(history, now)
        self._grace_records = GRACE_RECORDS if self._judge.reason is not None else 0
        if self._protection is not None:
            self._protection.begin(self._step, self._file.began)
        self._keep(lambda: self._record_begin(history, now))
        self._keep(self._write_begin)

    def _record_begin(self, history: list[Mapping[str, object]], now: float) -> None:
        is_new = self._recorder.is_new
        self._recorder.begin(now, self._around.settings, self._around.producer.name)
        if is_new and history:
            self._recorder.remember(history)

    def _known(self) -> GuardFile | None:
        """What the attempts before have left: where this one trains, or where its checkpoint lies."""
        own, resumed_from = read_guard_file(self._path), self._options.resume_from
        if own is not None or not (resumed_from and self._step):
            return own
        return read_guard_file(guard_path(folder_of_checkpoint(resumed_from)))

    def _write_begin(self) -> None:
        """What another training has left is not taken for this one's, even where nothing can be written."""
        try:
            write_guard_file(self._path, self._file)
        except OSError:
            if not self._options.attempt:
                self._path.unlink(missing_ok=True)
            raise

    def row(self, logs: Mapping[str, object], state: Any) -> StopReason | None:
        """Take in what was logged; why the training should end here, if it should."""
        now, self._step = self._around.clock(), state.global_step
        row = {"step": state.global_step, "max_steps": state.max_steps, **logs, "epoch": state.epoch}
        self._keep(lambda: self._recorder.row({**row, "time": now}))
        reason = self._judge.take(self._skipped.as_it_happened(row) if "loss" in logs else row, now)
        if self._protection is not None:
            self._protection.look(self._judge.run.analysis)
        if "loss" in logs:
            self._steer(logs)
            self._note_incident(reason)
        in_grace = self._grace_records > 0 or state.global_step < self._options.grace_until_step
        self._grace_records -= "loss" in logs and self._grace_records > 0
        return reason if self._options.stops and not in_grace else None

    def event(self, action: Action, because: str, at: int | None = None, **details: float | str) -> None:
        """Write down what was done. `at`: the step, None: that of the last row."""
        if action == "skip":
            self._skipped.note()
        finite = {name: str(told) if _is_odd(told) else told for name, told in details.items()}
        step = self._step if at is None else at
        event = GuardEvent(self._around.clock(), step, action, because, finite)
        self._file = self._file.with_event(event)
        self._keep(lambda: self._recorder.event(event))
        self._keep(lambda: write_guard_file(self._path, self._file))

    def changed(self, setting: str, before: float, after: float, because: str) -> None:
        """Write down that a setting has another value now."""
        details: dict[str, float | str] = {"setting": setting, "from": before, "to": after}
        self.event("set", because, None, **details)

    def stopped(self, reason: StopReason) -> None:
        """The training ends here because of this."""
        self._reason = reason
        advice = next_step(self._judge.run, self._around.producer, self._around.clock())
        self._file = replace(self._file, state="stopped", reason=reason, next=advice)
        self.event("stop", in_words(reason), signal=reason.signal, metric=reason.metric)

    def end(self) -> None:
        """The training is over; why, in its last lines, if it was stopped."""
        if self._protection is not None:
            self._protection.finish()
        if self._reason is None:
            self._file = replace(self._file, state="rescued" if self._options.attempt else "ended")
            self._keep(lambda: write_guard_file(self._path, self._file))
            return
        lang = self._options.lang
        then = said_again(self._file.next, SAID_BY_GUARD, lang)
        told = {"step": str(self._step), "next": then, "file": str(self._path)}
        lines = (in_words(self._reason, lang), fill(words.STOPPED, lang, told))
        sys.stderr.write("".join(f"llmtrain-exporter guard: {line}\n" for line in lines))
        sys.stderr.flush()

    def _steer(self, logs: Mapping[str, object]) -> None:
        for change in self.controller.take(logs) if self.controller is not None else ():
            self.changed(change.setting, change.before, change.after, change.because)

    def _note_incident(self, reason: StopReason | None) -> None:
        """Tell of one that is not stopped, once."""
        if reason is not None and not self._incident and not self._options.stops:
            _logger.warning("llmtrain-exporter guard: %s", in_words(reason, self._options.lang))
            advice = next_step(self._judge.run, self._around.producer, self._around.clock())
            self._file = replace(self._file, reason=reason, next=advice)
            self._keep(lambda: write_guard_file(self._path, self._file))
        self._incident = reason is not None

    def _keep(self, write: Callable[[], object]) -> None:
        """Write; a disk that is full or read-only hinders neither the training nor the judging."""
        try:
            write()
        except OSError as error:
            if not self._disk_failed:
                self._disk_failed = True
                _logger.warning("llmtrain-exporter: the guard cannot write, and goes on without: %s", error)


def _protection(options: GuardOptions, folder: Path) -> RotationProtection | None:
    """What keeps checkpoints, where that is asked for."""
    if options.on_incident == "notify":
        return None
    try:
        # It reads checkpoints' files with orjson, which the guard needs for nothing else.
        from llmtrain_exporter.guard.inside.protection import RotationProtection
        from llmtrain_exporter.guard.keep.keeping import Bounds
    except ImportError as error:
        _logger.warning("llmtrain-exporter guard: no checkpoints are kept from here: %s", error)
        return None
    always = options.on_incident == "rescue"
    return RotationProtection(folder, Bounds(options.keep, options.free_bytes), always)


def _is_odd(told: float | str) -> bool:
    return not isinstance(told, str) and not math.isfinite(told)
