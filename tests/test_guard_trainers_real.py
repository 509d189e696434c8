"""The guard in each trainer, in trainings that really break: it records, protects, saves aside and stops.

What it rescues is in test_guard_rescue_real.py. The table in docs/guard.md says what was run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from llmtrain_exporter.guard.keep.checkpoints import is_complete
from llmtrain_exporter.guard.keep.keeping import CheckpointKeeper
from llmtrain_exporter.ingest.checkpoints import step_of
from llmtrain_exporter.knowledge.guard_limits import STOPPED_EXIT_CODE

from tests import trainers
from tests.test_guard_real import BROKEN, grpo_of
from tests.test_guard_rescue_real import MakeFor, file_of, folder_of, rescued, rows_of
from tests.trainers import COLLAPSING, LLAMAFACTORY, SWIFT, SWIFT_OLDER, TRL, TRL_OLDER, Lab, with_processes

LAUNCHER_FAILED = 1
"""What torchrun makes of any other exit code."""


class Breaking(NamedTuple):
    """A training that breaks, in whose Python; its command, of the model's folder and the output folder."""

    name: str
    lab: Lab
    command: Callable[[Path, Path], list[str]]
    code: int = STOPPED_EXIT_CODE
    options: tuple[str, ...] = ()  # of the guard


def collapse(lab: Lab) -> Breaking:
    """A GRPO whose rate rises until it falls apart."""
    return Breaking(lab.name, lab, lambda folder, output: grpo_of(lab)(folder, output, *COLLAPSING))


def broken_row(folder: Path, output: Path) -> list[str]:
    """Supervised, by the Trainer of Transformers itself; one row has a loss that is no number."""
    return trainers.script(TRL, "sft", folder, output, *BROKEN, "--broken_at", "16")


def spikes(folder: Path, output: Path) -> list[str]:
    """Supervised, of a file of settings; its rate becomes far too high, and gradients jump."""
    return trainers.llamafactory_sft(LLAMAFACTORY, folder, output, "learning_rate=1.0", "warmup_steps=60")


BREAKING = (
    *map(collapse, (TRL, TRL_OLDER, SWIFT, SWIFT_OLDER)),
    Breaking("llamafactory", LLAMAFACTORY, spikes, options=("--severity", "warning")),
    Breaking("trainer", TRL, broken_row),
    Breaking(
        "processes", TRL, lambda *folders: with_processes(TRL, 2, broken_row(*folders)), LAUNCHER_FAILED
    ),
)


@pytest.mark.parametrize("breaking", BREAKING, ids=lambda breaking: breaking.name)
def test_what_breaks_is_recorded_protected_saved_and_stopped(
    breaking: Breaking, small_training: MakeFor, tmp_path: Path
) -> None:
    """Its good checkpoints are kept, what it is then lies aside, and its rotation stays as it was."""
    output = tmp_path / "out"
    command = breaking.command(small_training(breaking.lab), output)
    options = ("--on-incident", "save", "--keep-free", "0", *breaking.options)
    ended = trainers.under_guard(command, output, *options)
    assert ended.code == breaking.code, ended.output[-4000:]
    folder = folder_of(output)
    content = file_of(folder)
    assert content.state == "stopped"
    assert content.reason is not None
    stopped = content.reason.step
    assert [row["step"] for row in rows_of(folder)] == list(range(1, stopped + 1))
    kept = CheckpointKeeper(folder).kept()
    assert kept
    assert all(each.step < stopped and is_complete(each.path) for each in kept)
    assert is_complete(folder / "llmtrain-kept" / "at-incident" / f"checkpoint-{stopped}")
    in_rotation = [step for path in folder.glob("checkpoint-*") if (step := step_of(path.name)) is not None]
    assert in_rotation
    assert max(in_rotation) < stopped


def test_a_plain_trainer_is_rescued_from_a_broken_row(small_training: MakeFor, tmp_path: Path) -> None:
    """It meets the row again, and skips its update."""
    output = tmp_path / "out"
    ended = rescued(broken_row(small_training(TRL), output), output)
    assert ended.code == 0, ended.output[-4000:]
    content = file_of(output)
    assert content.state == "rescued"
    assert [(event.action, event.step) for event in content.events if event.action == "skip"] == [
        ("skip", 16)
    ]
    assert [attempt.from_step for attempt in content.attempts] == [15]
    assert rows_of(output)[-1]["step"] == 60
