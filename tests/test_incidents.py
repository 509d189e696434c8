"""Signals that belong together become one incident."""

from __future__ import annotations

import pytest
from llmtrain_exporter.model import Health

from tests.analysing import analyse, changed, found, grpo, sft

BAD = {"kl": 3.0, "completions__mean_length": 420.0, "rewards__Format__mean": 0.1, "reward": 0.4}


def chain(count: int, start: int, end: int) -> list[dict[str, object]]:
    """A collapse: kl at `start`, lengths five records later, rewards ten records later, all over at `end`."""
    rows = changed(grpo(count), start, end, kl=3.0)
    rows = changed(rows, start + 5, end, completions__mean_length=420.0)
    return changed(rows, start + 10, end, rewards__Format__mean=0.1, reward=0.4)


def test_a_collapse_is_one_incident_that_tells_its_chain() -> None:
    """Onset, the families in the order in which they broke, and the recovery."""
    analysis = analyse("grpo", chain(200, 100, 120))
    (incident,) = analysis.incidents
    assert incident.collapse
    assert incident.onset_step == 101
    assert incident.stages == (("kl", 101), ("length", 106), ("reward", 111))
    assert incident.recovery_step == 121
    assert analysis.verdict is Health.BROKEN
    assert analysis.health is Health.HEALTHY


def test_a_run_that_stays_dead_has_an_incident_that_lasts() -> None:
    """Baselines are frozen: a dead run's numbers do not become its normal."""
    analysis = analyse("grpo", chain(600, 100, 600))
    (incident,) = analysis.incidents
    assert incident.active
    assert incident.recovery_step is None
    assert analysis.health is Health.BROKEN


def test_a_dead_run_whose_kl_comes_back_is_still_dead() -> None:
    """kl decays again while everything is cut off and nothing earns a reward."""
    rows = changed(chain(300, 100, 300), 130, 300, kl=0.02, completions__clipped_ratio=1.0)
    assert analyse("grpo", rows).health is Health.BROKEN


def test_two_collapses_are_two_incidents() -> None:
    """Once the run has recovered, the next one counts for itself."""
    rows = chain(200, 100, 120) + chain(200, 100, 120)
    assert len(analyse("grpo", rows).incidents) == 2


@pytest.mark.parametrize(
    "values",
    [{"kl": 1.5}, {"completions__mean_length": 350.0}, {"rewards__Format__mean": 0.3}],
)
def test_one_record_of_one_family_is_no_incident(values: dict[str, object]) -> None:
    """One-record spikes pass by themselves: worth a warning, not a page."""
    analysis = analyse("grpo", changed(grpo(200), 100, 101, **values))
    assert analysis.incidents == []
    assert analysis.verdict is Health.WATCH


def test_one_gradient_spike_is_worth_no_warning() -> None:
    """It passes, and nothing else shows it."""
    analysis = analyse("grpo", changed(grpo(200), 100, 101, grad_norm=60.0))
    assert analysis.incidents == []
    assert analysis.verdict is Health.HEALTHY


def test_one_bad_batch_is_no_collapse() -> None:
    """Two limits hardly passed in the same record are the noise of one batch."""
    analysis = analyse("grpo", changed(grpo(200), 100, 101, kl=0.5, rewards__Format__mean=0.3))
    assert found(analysis, "collapse") == []


def test_one_gradient_beside_a_reward_that_sagged_before_is_no_collapse() -> None:
    """In a chain the gradient comes first; one that stays high is a part of it none the less."""
    sagging = changed(grpo(200), 96, 105, rewards__Format__mean=0.45, reward=1.05)
    assert not analyse("grpo", changed(sagging, 104, 105, grad_norm=80.0)).incidents
    assert analyse("grpo", changed(sagging, 102, 106, grad_norm=80.0)).incidents


def test_one_record_that_breaks_the_whole_chain_is_a_collapse() -> None:
    """kl, length and reward at once are no noise, even if the next record is fine."""
    analysis = analyse("grpo", changed(grpo(200), 100, 101, **BAD))
    assert found(analysis, "collapse")[0].first_step == 101


def test_families_that_break_far_apart_do_not_belong_together() -> None:
    """More than 20 records between two signs, and they are two things."""
    rows = changed(grpo(200), 100, 102, kl=0.5)
    rows = changed(rows, 140, 142, rewards__Format__mean=0.3)
    assert analyse("grpo", rows).incidents == []


def test_what_is_critical_by_itself_is_an_incident_too() -> None:
    """NaN weights in supervised training: one incident until the end, not one per metric and record."""
    rows = changed(sft(100), 60, 100, loss=0.0, grad_norm="NaN", token_acc=0.0)
    (incident,) = analyse("sft", rows).incidents
    assert incident.onset_step == 61
    assert not incident.collapse
    assert incident.active


def test_an_incident_is_over_ten_records_after_its_last_sign() -> None:
    """However long what was critical takes to be told to be over."""
    rows = changed(grpo(200), 100, 101, loss="nan", grad_norm="nan")
    over = analyse("grpo", rows[:113]).incidents
    assert [(incident.onset_step, incident.recovery_step) for incident in over] == [(101, 102)]
    assert analyse("grpo", rows[:106]).incidents[0].active
