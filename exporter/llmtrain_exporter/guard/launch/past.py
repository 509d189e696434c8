"""What a training's log tells: what became of it, how good it was when, and where it would be stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.guard.inside.judging import Judge
from llmtrain_exporter.guard.keep.marks import HealthMarks, MarkKeeper, troubles_of
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.model import NoRun, Record, RowKind, Snapshot
from llmtrain_exporter.model.guarded import StopReason
from llmtrain_exporter.watching.on_demand import open_log, read_each, read_once
from llmtrain_exporter.watching.rules import RunRules


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run and all of its records, in the order in which they were logged."""

    snapshot: Snapshot
    records: Sequence[Record]

    @property
    def marks(self) -> HealthMarks:
        """How good it was at which step."""
        keeper, step = MarkKeeper(), 0
        for record in self.records:
            step = step if record.step is None else record.step
            keeper.note(record, step)
        return keeper.marks(troubles_of(self.snapshot.episodes, self.snapshot.incidents))

    @property
    def steps_per_record(self) -> float:
        """Training steps from one record to the next; 1 where nothing tells."""
        steps = sorted(
            {record.step for record in self.records if record.kind is RowKind.TRAIN and record.step}
        )
        return (steps[-1] - steps[0]) / (len(steps) - 1) if len(steps) > 1 else 1.0


class _RecordsKept:
    """Keeps what it is shown."""

    reads_state: ClassVar[bool] = False

    def __init__(self, _: Run) -> None:
        self.records: list[Record] = []

    def note(self, record: Record, _: Analysis | None) -> None:
        """See a record."""
        self.records.append(record)


def read_past(path: str, rules: RunRules, now: float) -> Iterator[PastRun | NoRun]:
    """The runs whose logs lie below a path, or that a file is; or why there is none. `now`: Unix time."""
    return read_each(_read, [path], rules, now)


def _read(found: Found, options: RunOptions, readers: Readers, now: float) -> PastRun | NoRun:
    log = open_log(found, options, readers, _RecordsKept)
    log.guard = None  # what rescues have changed is reckoned from what the training was given
    outcome = read_once(log, now)
    return outcome if isinstance(outcome, NoRun) else PastRun(outcome, log.observer.records)


def up_to_the_stop(past: PastRun, options: GuardOptions, now: float) -> tuple[PastRun, StopReason] | None:
    """A run as it was when it would have been stopped, and why; None where it would not."""
    whole = past.snapshot
    judge = Judge(options, whole.hyper_parameters, whole.producer)
    for at, record in enumerate(past.records):
        reason = judge.see(record, now)
        if reason is not None:
            snapshot = judge.run.snapshot(whole.run, whole.file, whole.producer, now)
            made = [step for step in whole.checkpoints if step <= reason.step]
            return PastRun(replace(snapshot, checkpoints=tuple(made)), past.records[: at + 1]), reason
    return None
