"""Which checkpoints are good, and which stay."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.guard.keep.ladder import chosen, healthy, judged_until, ladder, still_good
from llmtrain_exporter.guard.keep.marks import HealthMarks, MarkKeeper, Trouble, troubles_of
from llmtrain_exporter.knowledge.guarding import MARKS, NEWEST
from llmtrain_exporter.knowledge.signals import BUILT_IN
from llmtrain_exporter.model import Incident, Point

from tests.analysing import analyse, records
from tests.saved_checkpoints import checkpoints

STEPS = st.sets(st.integers(0, 10_000), max_size=40)
CORPUS = Path(os.environ.get("LLMTRAIN_CORPUS", Path(__file__).parent.parent.parent / "shared/corpus"))


def rewarded(values: Iterable[float], **more: object) -> HealthMarks:
    """Of a run that logs each step."""
    return HealthMarks([Point(step, value) for step, value in enumerate(values, 1)], **more)  # type: ignore[arg-type]


def good_steps(marks: HealthMarks, *steps: int) -> list[int]:
    return [each.step for each in still_good(checkpoints(*steps), marks)]


@given(STEPS, st.integers(0, 12))
def test_what_stays_is_some_of_what_is_there_with_the_newest_two(steps: set[int], most: int) -> None:
    """And no more than is allowed, whatever the steps."""
    stay = ladder(steps, most)
    assert stay == sorted(set(stay))
    assert set(stay) <= steps
    assert len(stay) <= most
    assert set(sorted(steps)[-min(NEWEST, most) :] if most else []) <= set(stay)


@given(STEPS, st.integers(0, 12))
def test_the_oldest_goes_first_where_room_is_short(steps: set[int], most: int) -> None:
    """What stays of fewer is the newest part of what stays of more."""
    more = ladder(steps, most + 1)
    assert ladder(steps, most) == more[len(more) - min(most, len(more)) :]


@given(STEPS, st.integers(1, 9), st.integers(-10_000, 10_000))
def test_only_how_far_steps_are_apart_decides(steps: set[int], times: int, later: int) -> None:
    """Not where they begin, nor in which unit they are."""
    moved = {step * times + later for step in steps}
    assert ladder(moved, 100) == [step * times + later for step in ladder(steps, 100)]


@given(st.integers(1, 500), st.integers(3, 400))
def test_a_ladder_that_is_thinned_with_each_save_has_one_of_each_age(interval: int, saves: int) -> None:
    """From one to the next that stays the age at most trebles; so few are they."""
    stay: list[int] = []
    for save in range(1, saves + 1):
        stay = ladder([*stay, save * interval], 100)
    ages = [stay[-1] - step for step in reversed(stay)]
    assert all(older <= 3 * newer for newer, older in pairwise(ages[1:]))
    assert len(stay) <= NEWEST + math.log2(saves) + 1
    assert stay[0] <= interval * max(saves // 2, 1)


def test_a_calm_run_is_good_throughout() -> None:
    """Chance moves a reward up and down."""
    marks = rewarded([0.8 + 0.05 * math.sin(7 * step) for step in range(200)])
    assert good_steps(marks, *range(5, 201, 5)) == list(range(5, 201, 5))


def test_a_reward_that_still_rises_is_as_good_as_it_can_be() -> None:
    """What is below the later best was the best then."""
    assert good_steps(rewarded(step / 100 for step in range(100)), 10, 50, 100) == [10, 50, 100]


def test_where_the_reward_has_slid_for_long_before_anything_was_told_the_last_good_one_is_before_that() -> (
    None
):
    """Not merely before the onset that was told, and so in each later look."""
    values = [0.9] * 40 + [0.9 - 0.02 * step for step in range(40)]
    for seen in range(60, 81):
        told = Trouble(58, None, critical=True)
        assert good_steps(rewarded(values[:seen], troubles=[told]), 20, 40, 45, 50, 55, 60) in (
            [20, 40],
            [20, 40, 45],
        )


def test_nothing_that_is_critical_is_gone_back_to_however_good_the_reward() -> None:
    """The weights may be lost before the reward falls; once the run has recovered it is good again."""
    marks = rewarded([0.9] * 60, troubles=[Trouble(20, 29, critical=True), Trouble(50, None, critical=True)])
    assert good_steps(marks, 10, 19, 20, 29, 30, 40, 49, 50, 60) == [10, 19, 30, 40, 49]


def test_a_warning_leaves_a_checkpoint_good_but_not_healthy() -> None:
    """The last healthy one stays, beside those that are still good."""
    some = checkpoints(10, 20, 30, 40)
    marks = rewarded([0.9] * 40, troubles=[Trouble(20, 30, critical=False)])
    assert [each.step for each in healthy(some, marks)] == [10, 40]
    assert [each.step for each in still_good(some, marks)] == [10, 20, 30, 40]
    assert [each.step for each in chosen(some, marks, 4)] == [10, 30, 40]
    lasting = rewarded([0.9] * 40, troubles=[Trouble(15, None, critical=False)])
    assert [each.step for each in chosen(some, lasting, 3)] == [10, 30, 40]
    assert [each.step for each in chosen(some, lasting, 1)] == [10]
    always = rewarded([0.9] * 40, troubles=[Trouble(1, None, critical=False)])
    assert [each.step for each in chosen(some, always, 2)] == [30, 40]


def test_what_is_said_of_a_step_is_certain_once_all_records_around_it_are_there() -> None:
    """Rewards are smoothed over both sides of it; those that come later do not touch it."""
    values = [0.9, 0.2, 0.6, 0.7] * 15
    for count in (1, 6, 7, 30, 59):
        seen = rewarded(values[:count])
        until = judged_until(seen)
        assert until == max(count - 6, 0)
        noisy = rewarded([*values[:count], *[0.0, 1.0] * 10])
        assert judged_until(noisy) >= until
    assert judged_until(HealthMarks(losses=[Point(10, 1.0), Point(20, 2.0)])) == 20
    assert judged_until(HealthMarks()) == math.inf


def test_where_no_checkpoint_is_good_any_more_one_from_before_the_collapse_is_kept() -> None:
    """It is not gone back to by itself, but better than none."""
    marks = rewarded([*[0.9] * 30, *[0.5] * 10], troubles=[Trouble(40, None, critical=True)])
    some = checkpoints(35, 40)
    assert still_good(some, marks) == []
    assert [each.step for each in chosen(some, marks, 2)] == [35]


def test_rewards_that_punish_are_held_against_their_own_range() -> None:
    """A tenth of a best that is about 0 would be nothing."""
    risen = [-10.0 + step / 10 for step in range(100)]
    assert good_steps(rewarded([*risen, *[-0.5] * 30]), 130) == [130]
    assert good_steps(rewarded([*risen, *[-3.0] * 30]), 90, 130) == [90]


def test_without_rewards_the_nearest_evaluation_decides() -> None:
    """Within a tenth of the best loss until then; of two as near the later one."""
    losses = [
        Point(step, loss) for step, loss in ((100, 2.0), (200, 1.0), (300, 1.1), (400, 1.3), (500, 0.9))
    ]
    assert good_steps(HealthMarks(losses=losses), 100, 200, 300, 340, 350, 400, 440, 450, 500) == [
        *(100, 200, 300, 340),
        *(450, 500),
    ]


def test_where_nothing_tells_how_good_a_run_is_only_trouble_speaks_against_it() -> None:
    """A supervised run without evaluations that ends in NaN."""
    assert good_steps(HealthMarks(troubles=[Trouble(31, None, critical=True)]), 10, 30, 40) == [10, 30]


@given(
    st.lists(st.floats(-100, 100), max_size=80),
    st.lists(
        st.tuples(st.integers(0, 90), st.one_of(st.none(), st.integers(0, 90)), st.booleans()), max_size=4
    ),
    st.sets(st.integers(0, 90), max_size=12),
    st.integers(0, 6),
)
def test_what_is_chosen_is_good_whatever_a_run_has_gone_through(
    values: list[float], troubles: list[tuple[int, int | None, bool]], steps: set[int], most: int
) -> None:
    """Some of what is there, good, no more than allowed, with the last healthy one; trouble adds none."""
    marks = rewarded(values, troubles=[Trouble(*each) for each in troubles])
    some = checkpoints(*steps)
    good, well, kept = still_good(some, marks), healthy(some, marks), chosen(some, marks, most)
    assert set(kept) <= set(good or some)
    assert set(good) <= set(some)
    assert set(well) <= set(good)
    assert len(kept) <= most
    assert not (well and most) or well[-1] in kept
    assert set(good) <= set(still_good(some, rewarded(values)))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60), st.floats(0.01, 100))
def test_what_is_good_does_not_hang_on_the_unit_of_the_reward(values: list[float], times: float) -> None:
    """Twice the reward is twice the tenth of the best; a hair's breadth beside the limit is left out."""
    steps = range(1, len(values) + 1)
    at_all = set(good_steps(rewarded(values), *steps))
    scaled = set(good_steps(rewarded([value * times for value in values]), *steps))
    off = {step for step in at_all ^ scaled if min(abs(value) for value in values) > 1e-9}
    assert len(off) <= len(values) // 10


def kept_marks(rows: Iterable[dict[str, object]]) -> HealthMarks:
    keeper = MarkKeeper()
    for record in records(rows):
        keeper.note(record, record.step or 0)
    return keeper.marks()


def test_marks_are_means_of_more_and_more_records_in_a_long_run() -> None:
    """So much is kept and no more; a mean is of the step of its last record."""
    marks = kept_marks({"loss": 0.1, "reward": float(step % 2)} for step in range(2 * MARKS))
    assert MARKS // 2 <= len(marks.rewards) < MARKS
    assert marks.records == 4
    assert marks.rewards[:2] == (Point(4, 0.5), Point(8, 0.5))


def test_what_was_trained_after_the_checkpoint_that_is_gone_on_from_is_forgotten() -> None:
    """Its rewards and evaluations are of weights that nobody has."""
    rows: list[dict[str, object]] = [{"loss": 0.1, "reward": 1.0}] * 5
    rows += [{"eval_loss": 3.0, "global_step/max_steps": "5/2000"}]
    rows += [{"loss": 0.1, "reward": 0.5, "global_step/max_steps": f"{step}/2000"} for step in (3, 4)]
    marks = kept_marks(rows)
    assert marks.rewards == (Point(1, 1.0), Point(2, 1.0), Point(3, 0.5), Point(4, 0.5))
    assert marks.losses == ()


def test_values_that_are_no_numbers_are_no_marks() -> None:
    """Their own signal speaks of them."""
    marks = kept_marks(
        [{"loss": 0.1, "reward": "NaN"}, {"loss": 0.1, "reward": 1.0}, {"eval_loss": "Infinity"}]
    )
    assert (marks.rewards, marks.losses) == ((Point(2, 1.0),), ())


def test_a_log_of_evaluations_keeps_each_second_once_they_are_many() -> None:
    """They are not averaged: each is of many batches."""
    keeper = MarkKeeper()
    rows = ({"eval_loss": 1.0, "global_step/max_steps": f"{step}/2000"} for step in range(MARKS))
    for record in records(rows):
        keeper.note(record, record.step or 0)
    losses = keeper.marks().losses
    assert (len(losses), losses[0].step, losses[-1].step) == (MARKS // 2, 1, MARKS - 1)


def test_troubles_are_what_tells_of_the_weights() -> None:
    """Information, speed and memory say nothing; an incident is critical from its onset on."""
    rows = [{"loss": 0.5, "reward": 0.5, "kl": 0.01}] * 60 + [{"loss": 0.5, "reward": 0.5, "kl": 50.0}] * 5
    analysis = analyse("grpo", rows)
    troubles = troubles_of(analysis.episodes, analysis.incidents)
    assert all(trouble.first_step >= 61 for trouble in troubles)
    assert any(trouble.critical and trouble.covers(61) for trouble in troubles)
    over = Incident(10, 12, 20, (), (), False, True)
    assert [step for step in range(8, 22) if troubles_of((), [over])[0].covers(step)] == list(range(10, 20))


def test_an_analysis_without_a_record_has_no_trouble() -> None:
    """Nothing is there yet."""
    empty = Analysis(BUILT_IN["grpo"], {}, 10)
    assert troubles_of(empty.episodes, empty.incidents) == ()


REAL = {
    "trl-grpo-lr3e-3/trainer_state.json": 25,
    "trl-grpo-calm/trainer_state.json": 120,
    "trl-grpo-calm-5e-4/trainer_state.json": 120,
    "trl-grpo-adaptive-lr/trainer_state.json": 120,
}
"""Logs of real trainings, each with the newest of its checkpoints, one for five steps, that may be good."""


@pytest.mark.parametrize("log", REAL)
def test_the_checkpoint_that_saved_a_real_run_is_chosen(log: str) -> None:
    """Going back to step 25 of the collapsed one brought it back; a calm one was good to its end."""
    path = CORPUS / "produced" / log
    if not path.exists():
        pytest.skip("no corpus")
    history = json.loads(path.read_bytes())["log_history"]
    marks = HealthMarks([Point(row["step"], row["reward"]) for row in history if "reward" in row])
    last = good_steps(marks, *range(5, 121, 5))[-1]
    assert REAL[log] - 5 <= last <= REAL[log]
