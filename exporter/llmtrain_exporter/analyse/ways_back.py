"""The checkpoints that a run can go back to: the trainer's own, and those kept from its rotation."""

from __future__ import annotations

from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER
from llmtrain_exporter.model import Snapshot


def last_before(run: Snapshot, step: int) -> int | None:
    """The step of the last checkpoint from before that step; None: nobody knows of any.

    Nor does anybody where steps are numbers of records.
    """
    there = () if run.step_is_record else (*run.checkpoints, *run.kept)
    return max((each for each in there if each < step), default=None)


def checkpoint_name(run: Snapshot, step: int) -> str:
    """Where the checkpoint of a step lies, from the run's output folder on."""
    name = f"checkpoint-{step}"
    return f"{KEPT_FOLDER}/{name}" if step in run.kept and step not in run.checkpoints else name
