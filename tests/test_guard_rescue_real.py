"""Real trainings on the CPU that break, and are started again by `guard` from a checkpoint that was good."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.guard.guard_file import guard_path
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.model.guarded import GuardFile

from tests import trainers
from tests.test_guard_real import grpo_of
from tests.trainers import (
    COLLAPSING,
    LLAMAFACTORY,
    SWIFT,
    SWIFT_OLDER,
    TRL,
    TRL_OLDER,
    Ended,
    Lab,
    with_processes,
)

MakeFor = Callable[[Lab], Path]
STEPS = ("--max_steps", "80")
RESCUE = ("--on-incident", "rescue")


def rescued(command: Sequence[str], output: Path, *options: str) -> Ended:
    """Run a training, and again as often as the guard starts it."""
    return trainers.under_guard(command, output, *RESCUE, *options)


def folder_of(output: Path) -> Path:
    """Where the training has written: ms-swift makes a folder for each start, and a rescue stays in it."""
    (path,) = output.rglob(guard_path("").name)
    return path.parent


def file_of(folder: Path) -> GuardFile:
    """What the guard wrote down."""
    read = read_guard_file(guard_path(folder))
    assert read is not None
    return read


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The rows that were recorded, in their order."""
    rows = [json.loads(line) for line in (folder / "llmtrain.jsonl").read_text().splitlines()]
    return [row for row in rows if "loss" in row]


def is_rescued(ended: Ended, output: Path) -> None:
    """It came to its end from a good checkpoint, with a tenth of the rate, and nothing is lost."""
    assert ended.code == 0, ended.output[-4000:]
    folder = folder_of(output)
    content = file_of(folder)
    assert content.state == "rescued", content
    last = content.attempts[-1]
    rows = rows_of(folder)
    again = next(at for at in range(len(rows) - 1, 0, -1) if rows[at]["step"] <= rows[at - 1]["step"])
    assert rows[again]["step"] == last.from_step + 1
    rate = float(COLLAPSING[COLLAPSING.index("--learning_rate") + 1]) / 10 ** len(content.attempts)
    assert rows[-1]["learning_rate"] == pytest.approx(rate, rel=0.05)  # its warm-up ends there
    assert rows[-1]["step"] == 80
    assert rows[again - 1]["step"] - last.from_step == last.wasted_steps
    assert (folder / "llmtrain-kept" / f"aside-{last.attempt}").is_dir()


@pytest.mark.parametrize("lab", [TRL, TRL_OLDER, SWIFT, SWIFT_OLDER], ids=lambda lab: lab.name)
def test_a_collapse_is_rescued(lab: Lab, small_training: MakeFor, tmp_path: Path) -> None:
    """By the trainer's own command; its rewards are better in the end than when it was stopped."""
    output = tmp_path / "out"
    command = grpo_of(lab)(small_training(lab), output, *COLLAPSING, *STEPS)
    is_rescued(rescued(command, output), output)
    rows = rows_of(folder_of(output))
    stopped = file_of(folder_of(output)).reason
    assert stopped is not None
    broken = [row["reward"] for row in rows[: stopped.step][-3:]]
    assert sum(row["reward"] for row in rows[-3:]) > sum(broken)
    assert 0 < rows[-1]["kl"] < 10  # the reference is the model that it began with


@pytest.mark.parametrize("lab", [TRL], ids=lambda lab: lab.name)
def test_a_collapse_of_several_ranks_is_rescued(lab: Lab, small_training: MakeFor, tmp_path: Path) -> None:
    """Behind torchrun, whose exit code says nothing of why it ended."""
    output = tmp_path / "out"
    command = trainers.script(lab, "grpo", small_training(lab), output, *COLLAPSING, *STEPS)
    is_rescued(rescued(with_processes(lab, 2, command), output), output)
    assert len(file_of(output).attempts) in (1, 2)


@pytest.mark.parametrize("lab", [LLAMAFACTORY], ids=lambda lab: lab.name)
def test_a_file_of_settings_is_changed_in_a_copy(lab: Lab, small_training: MakeFor, tmp_path: Path) -> None:
    """LLaMA-Factory goes on from the checkpoint with the copy."""
    output = tmp_path / "out"
    command = trainers.llamafactory_sft(lab, small_training(lab), output)
    file = output.with_suffix(".yaml")
    given = json.dumps({**json.loads(file.read_text()), "learning_rate": 5e-3})
    file.write_text(given)
    ended = rescued(command, output, "--signal", "lr_out_of_range", "--severity", "info", "--for", "15")
    content = file_of(folder_of(output))
    assert content.attempts, ended.output[-4000:]
    copy = json.loads((folder_of(output) / "llmtrain-kept" / "rescue-1.yaml").read_text())
    assert copy["learning_rate"] == pytest.approx(5e-4)
    assert copy["resume_from_checkpoint"] == content.attempts[0].checkpoint
    assert file.read_text() == given
