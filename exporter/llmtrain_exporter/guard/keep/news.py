"""What a protector hears of a run that others watch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.guard.keep.marks import HealthMarks, MarkKeeper, is_about_learning, troubles_of
from llmtrain_exporter.ingest.checkpoints import output_folder
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Record, RowKind, Snapshot, State


@dataclass(frozen=True, slots=True)
class RunNews:
    """What was last heard of a run.

    `folders`: where its checkpoints may lie, the likeliest first. `begins_at`: step at which its process
    began, or went on the last time. `records`: of training. `because`: what first spoke against it, empty
    where nothing has.
    """

    folders: tuple[Path, ...]
    lives: bool
    begins_at: int
    last_step: int
    records: int
    resumes: int
    because: str
    marks: HealthMarks


class MarkObserver:
    """Sees the records of a run as they are folded. Belongs to the thread that reads its log."""

    reads_state: ClassVar[bool] = False

    __slots__ = ("keeper",)

    def __init__(self) -> None:
        self.keeper = MarkKeeper()

    def note(self, record: Record, _: Analysis | None, /) -> None:
        """See a record; one of which no step is known belongs to no checkpoint."""
        if record.step is not None:
            self.keeper.note(record, record.step)


def news_of(run: Snapshot, observer: MarkObserver, other_logs: Collection[str], from_start: bool) -> RunNews:
    """What there is to hear. `other_logs`: paths of logs of the same training, which may lie elsewhere.

    `from_start`: it matters how good a run is before anything speaks against it. Where steps are numbers of
    records nobody knows which checkpoint was saved when: none of them is better than another then.
    """
    troubles = troubles_of(run.episodes, run.incidents)
    knows_steps = not run.step_is_record
    matters = knows_steps and (bool(troubles) or from_start)
    return RunNews(
        folders=tuple(dict.fromkeys(Path(output_folder(path)) for path in (run.file, *other_logs))),
        lives=run.state in (State.RUNNING, State.STALLED),
        begins_at=run.resumes[-1].first if run.resumes else run.first_step or 0,
        last_step=(run.last_step or 0) if knows_steps else 0,
        records=run.records.get(RowKind.TRAIN, 0),
        resumes=len(run.resumes),
        because=_first_trouble(run),
        marks=observer.keeper.marks(troubles) if matters else HealthMarks(),
    )


def _first_trouble(run: Snapshot) -> str:
    told = (each for each in run.episodes if each.severity is not Severity.INFO)
    first = next((each for each in told if is_about_learning(each.signal)), None)
    return "" if first is None else f"{first.signal} at step {first.first_step}"
