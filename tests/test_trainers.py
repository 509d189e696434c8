"""The small trainings do what they are there for: one is well, one collapses, one meets a broken row.

Other tests guard them; here they are alone.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import trainers
from tests.trainers import LLAMAFACTORY, SWIFT, SWIFT_OLDER, TRL, TRL_OLDER, Lab

MakeFor = Callable[[Lab], Path]
RIGHT = "rewards/right/mean"


def rows(command: Sequence[str], output: Path) -> list[dict[str, float]]:
    """What a training logs that comes to its end."""
    ended = trainers.run(command, output.with_suffix(".log"))
    assert ended.code == 0, ended.output[-3000:]
    return trainers.history(output)


def right(logged: Sequence[dict[str, float]], at: slice) -> float:
    """How many answers were right in some of the rows."""
    return statistics.mean(row[RIGHT] for row in logged[at])


@pytest.mark.parametrize("lab", [TRL, TRL_OLDER], ids=lambda lab: lab.name)
def test_a_calm_grpo_learns(lab: Lab, small_training: MakeFor, tmp_path: Path) -> None:
    """Half of the answers are right at first, most at the end."""
    logged = rows(trainers.script(lab, "grpo", small_training(lab), tmp_path / "out"), tmp_path / "out")
    assert [row["step"] for row in logged] == list(range(1, 61))
    assert 0.35 < right(logged, slice(5)) < 0.75
    assert right(logged, slice(-10, None)) > 0.8


def test_a_grpo_with_far_too_high_a_rate_collapses(small_training: MakeFor, tmp_path: Path) -> None:
    """What was learned is lost."""
    command = trainers.script(TRL, "grpo", small_training(TRL), tmp_path / "out", *trainers.COLLAPSING)
    logged = rows(command, tmp_path / "out")
    best = max(right(logged, slice(at, at + 5)) for at in range(20))
    assert best > right(logged, slice(5)) + 0.05
    assert right(logged, slice(-10, None)) < best - 0.3


@pytest.mark.parametrize("lab", [TRL, TRL_OLDER], ids=lambda lab: lab.name)
def test_a_broken_row_breaks_a_supervised_training(lab: Lab, small_training: MakeFor, tmp_path: Path) -> None:
    """Its gradient is not a number, and so is all that comes after."""
    output = tmp_path / "out"
    flags = ("--broken_at", "30", "--logging_nan_inf_filter", "false")
    logged = rows(trainers.script(lab, "sft", small_training(lab), output, *flags), output)
    assert [math.isnan(row["grad_norm"]) for row in logged] == [False] * 29 + [True] * 31


@pytest.mark.parametrize("lab", [SWIFT, SWIFT_OLDER], ids=lambda lab: lab.name)
def test_ms_swift_trains_the_same(lab: Lab, small_training: MakeFor, tmp_path: Path) -> None:
    """GRPO and supervised."""
    folder = small_training(lab)
    logged = rows(trainers.swift_grpo(lab, folder, tmp_path / "grpo"), tmp_path / "grpo")
    assert statistics.mean(row["reward"] for row in logged[-10:]) > 0.9
    logged = rows(trainers.swift_sft(lab, folder, tmp_path / "sft", "--max_steps", "10"), tmp_path / "sft")
    assert logged[-1]["loss"] < logged[0]["loss"]


def test_llamafactory_trains(small_training: MakeFor, tmp_path: Path) -> None:
    """Supervised, which it does with a Trainer of its own."""
    output = tmp_path / "out"
    command = trainers.llamafactory_sft(LLAMAFACTORY, small_training(LLAMAFACTORY), output, "max_steps=10")
    logged = rows(command, output)
    assert logged[-1]["loss"] < logged[0]["loss"]


@pytest.mark.parametrize("kind", ["grpo", "sft"])
def test_two_processes_train_together(kind: str, small_training: MakeFor, tmp_path: Path) -> None:
    """With gloo, under torchrun."""
    command = trainers.script(TRL, kind, small_training(TRL), tmp_path / "out", "--max_steps", "6")
    logged = rows(trainers.with_processes(TRL, 2, command), tmp_path / "out")
    assert [row["step"] for row in logged] == [1, 2, 3, 4, 5, 6]
    assert len(list((tmp_path / "out" / "checkpoint-5").glob("rng_state_*.pth"))) == 2
