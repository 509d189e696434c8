"""The experiment with the guard: what is planned, what is told of it, that it goes on where it was ended."""

from __future__ import annotations

import math
from pathlib import Path

from benchmarks.guard import table
from benchmarks.guard.experiment import BROKEN, CALM, COLLAPSE, RESCUED, STEPS, UNTOUCHED, Planned, planned
from benchmarks.guard.inside import rows
from benchmarks.guard.running import Outcome, outcome_of, write


def outcome(training: str, treatment: str, seed: int = 1, **more: object) -> Outcome:
    """One of a training that ended by itself."""
    found = {"code": 0, "seconds": 60.0, "accuracy": 0.8, "loss": 0.2, **more}
    return Outcome(training, treatment, seed, **found)  # type: ignore[arg-type]


def test_each_training_of_the_plan_has_a_name_of_its_own() -> None:
    """By which its results are found again; ten seeds of everything."""
    names = [one.name for one in planned(10)]
    assert len(names) == len(set(names))
    assert {f"collapse-rescued-{seed}" for seed in range(1, 11)} <= set(names)


def test_a_treatment_changes_nothing_of_the_training() -> None:
    """The untouched run and the guarded one of a seed are the same command; seeds differ."""
    untouched, rescued = (Planned(COLLAPSE, how, 3).training.words(3) for how in (UNTOUCHED, RESCUED))
    assert untouched == rescued
    assert untouched != COLLAPSE.words(4)


def test_a_broken_row_comes_in_the_middle() -> None:
    """Where there are checkpoints before it and steps after it, with each seed."""
    for seed in range(1, 11):
        words = BROKEN.words(seed)
        assert 15 < int(words[words.index("--broken_at") + 1]) < STEPS - 15


def test_an_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    """So that the experiment goes on."""
    one = outcome("collapse", "rescued", rescues=1, wasted=12, attempts=[{"attempt": 1}], loss=math.nan)
    write(one, tmp_path / "one.json")
    assert str(outcome_of(tmp_path / "one.json")) == str(one)
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


def test_the_table_has_a_line_for_each_treatment() -> None:
    """Means over the seeds; a model that is no more has an accuracy of 0 and no loss."""
    found = table.markdown(
        [
            outcome("collapse", "rescued", 1, wasted=20, rescues=1),
            outcome("collapse", "rescued", 2, wasted=10, rescues=1, accuracy=0.6),
            outcome("broken", "untouched", 1, accuracy=None, loss=math.nan),
        ]
    )
    assert found.splitlines()[2:] == [
        "| collapse | rescued | 2 | 0.70 | 0.60 to 0.80 | 0.20 | 15 | 2 | 2 | 1.0 |",
        "| broken | untouched | 1 | 0.00 | 0.00 to 0.00 | not finite | 0 | 0 | 0 | 1.0 |",
    ]


def test_a_healthy_training_that_was_stopped_fails_the_benchmark() -> None:
    """It must not happen once; a collapse that is stopped is what is wanted."""
    well = [outcome(CALM.name, RESCUED.name, seed, state="ended") for seed in range(3)]
    ill = outcome(COLLAPSE.name, RESCUED.name, state="stopped")
    assert not table.false_rescues([*well, ill]).failed(require_real=True)
    assert table.false_rescues([*well, outcome(CALM.name, RESCUED.name, 9, rescues=1)]).failed(False)


def test_rows_that_the_cost_is_measured_with_are_those_of_a_healthy_training() -> None:
    """Rewards rise and settle."""
    found = [row["reward"] for row in rows(600)]
    assert found[0] < 0.2 < 0.9 < found[-1]
