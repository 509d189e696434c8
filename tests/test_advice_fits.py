"""Advice fits where a run stands: recovered, taken back, silent, far beyond a healthy learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.prescribing import proposals
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Diagnosis, Health, HyperParameters, Snapshot, State
from llmtrain_exporter.model import series as of
from llmtrain_exporter.story import diagnosis as told

from tests.analysing import grpo, records, trained

ARGUMENTS = {"rlhf_type": "grpo", "beta": 0.04, "max_completion_length": 512, "save_steps": 20}


def collapse(count: int, bad: Iterable[int], seed: int = 0, **fixed: object) -> list[dict[str, object]]:
    """GRPO rows, in some of which KL, lengths and rewards are lost."""
    rows = [{**row, "step": step} for step, row in enumerate(grpo(count, seed, **fixed), 1)]
    for step in bad:
        rows[step - 1] |= {
            "kl": 16.0,
            "completions/mean_length": 500.0,
            "completions/clipped_ratio": 0.7,
            "reward": 0.2,
            "rewards/Accuracy/mean": 0.0,
            "rewards/Format/mean": 0.2,
        }
    return rows


def run_of(rows: list[dict[str, object]], **arguments: object) -> Snapshot:
    """A finished run of GRPO with these rows."""
    return trained(rows, **{**ARGUMENTS, **arguments})


def remedies(found: Diagnosis) -> list[str]:
    """Their ids."""
    return [remedy.remedy for remedy in found.remedies]


def flags(found: Diagnosis, name: str) -> dict[str, object]:
    """What a remedy changes."""
    told = [change for remedy in found.remedies if remedy.remedy == name for change in remedy.changes]
    return {change.setting: change.value for change in told}


def test_good_work_after_a_recovery_is_not_thrown_away() -> None:
    """One goes back only behind trouble that lasts."""
    recovered = replace(run_of(collapse(120, range(40, 48))), checkpoints=(20, 60, 120))
    broken = replace(run_of(collapse(120, range(40, 121))), checkpoints=(20, 60, 120))
    assert diagnose(recovered).causes
    assert "roll_back" not in remedies(diagnose(recovered))
    assert "roll_back" in remedies(diagnose(broken))


def test_a_run_that_took_a_spike_well_is_not_restarted() -> None:
    """Its data are looked at, no more."""
    rows = collapse(120, ())
    rows[59] |= {"grad_norm": 300.0, "loss": 50.0}
    found = diagnose(replace(run_of(rows), checkpoints=(20, 120)))
    assert "check_data" in remedies(found)
    assert {"skip_batches", "roll_back"}.isdisjoint(remedies(found))


def test_what_led_to_trouble_is_told_of_a_run_that_was_taken_back() -> None:
    """Its causes; of remedies those that prevent the next one."""
    before, after = collapse(69, range(51, 70)), collapse(100, (), seed=1)[41:]
    run = run_of([*before, *after])
    assert run.resumes
    assert run.incidents
    found = diagnose(replace(run, checkpoints=(20, 40, 100)))
    assert "policy_drift" in [cause.cause for cause in found.causes]
    assert {"roll_back", "raise_beta", "lower_learning_rate"}.isdisjoint(remedies(found))
    assert "guard" in remedies(found)
    steps = [proof.to_step for cause in found.causes for proof in cause.evidence if proof.before is not None]
    assert all(51 <= step <= 69 for step in steps if step is not None)


@pytest.mark.parametrize(("rate", "leads"), [(5e-4, True), (1e-4, True), (5e-5, False), (1e-6, False)])
def test_a_learning_rate_far_beyond_the_healthy_range_leads(rate: float, leads: bool) -> None:
    """Where the policy drifted as well."""
    found = diagnose(run_of(collapse(100, range(60, 101), learning_rate=rate)))
    assert (found.causes[0].cause == "high_learning_rate") == leads


def test_a_healthy_run_with_a_high_rate_is_not_blamed() -> None:
    """As adapters take it."""
    assert diagnose(run_of(collapse(100, (), learning_rate=5e-5))).causes == ()


@pytest.mark.parametrize("lang", Lang)
def test_silence_does_not_lead_where_a_record_speaks_against_the_run(lang: Lang) -> None:
    """It says since when, and no process is resumed from weights that are lost."""
    broken = run_of(collapse(60, range(40, 61)))
    silent = replace(broken, state=State.STALLED, last_record=1.8e9)
    found = diagnose(silent)
    names = [cause.cause for cause in found.causes]
    assert "hung_process" in names[1:]
    assert "resume" not in remedies(found)
    hung = found.causes[names.index("hung_process")]
    assert [(proof.metric, proof.at) for proof in hung.evidence] == [(of(c.LAST_RECORD), 1.8e9)]
    assert (
        "2027-01-15 08:00:00 UTC" in told.causes(silent, found, lang)[names.index("hung_process")].proofs[0]
    )
    healthy = replace(run_of(collapse(60, ())), state=State.STALLED, last_record=1.8e9)
    assert diagnose(healthy).causes[0].cause == "hung_process"


def test_a_run_that_is_silent_for_days_was_cut_off_and_does_not_hang() -> None:
    """Of an old log it is asked how the run ended, not in what it waits; a weekend may pass first."""
    folded = Run(RunOptions(), HyperParameters())
    folded.fold_all(list(records(collapse(60, ()))), 1.8e9)
    for days, cause, remedy in (
        (2.9, "hung_process", "inspect_process"),
        (3.1, "cut_off", "see_how_it_ended"),
    ):
        run = folded.snapshot("run", "run", SWIFT, 1.8e9 + days * 86400)
        found = diagnose(run)
        assert (run.state, run.health) == (State.STALLED, Health.BROKEN)
        assert [each.cause for each in found.causes] == [cause]
        assert [(proof.metric, proof.at) for proof in found.causes[0].evidence] == [
            (of(c.LAST_RECORD), 1.8e9)
        ]
        assert found.remedies[0].remedy == remedy


def test_a_run_whose_pace_allows_for_days_is_not_cut_off_by_them() -> None:
    """And one that its trainer has closed was not, however long ago."""
    folded = Run(RunOptions(), HyperParameters())
    for record, arrived in zip(records(collapse(3, ())), (0, 1e6, 2e6), strict=True):
        folded.fold(record, arrived)
    assert not folded.snapshot("run", "run", SWIFT, 8e6).cut_off
    assert folded.snapshot("run", "run", SWIFT, 13e6).cut_off
    folded.ending.closed = True
    assert not folded.snapshot("run", "run", SWIFT, 13e6).cut_off


def test_checkpoints_are_proposed_in_time_for_such_trouble() -> None:
    """And no evaluations of a run that has none; nothing where steps are not known."""
    run = run_of(collapse(60, range(12, 61)))
    assert flags(diagnose(run), "save_often") == {"save_steps": 5.0}
    assert flags(diagnose(replace(run, step_is_record=True)), "save_often") == {}


def test_clipping_that_does_not_act_is_not_tightened() -> None:
    """The share of clipped ratios says so where it is logged."""
    rows = collapse(60, range(40, 61))
    assert "tighten_clip" in remedies(diagnose(run_of(rows)))
    calm = [{**row, "clip_ratio/region_mean": 0.001} for row in rows]
    assert "tighten_clip" not in remedies(diagnose(run_of(calm)))


def test_truncated_completions_stay_in_the_loss_where_most_are_cut() -> None:
    """Else hardly any would be left."""
    rows = collapse(60, range(40, 61))
    assert "mask_truncated" not in remedies(diagnose(run_of(rows)))


def test_more_samples_per_step_need_no_more_memory() -> None:
    """Accumulation alone is proposed."""
    run = run_of(collapse(60, ()), per_device_train_batch_size=1, gradient_accumulation_steps=1)
    proposed = list(proposals(REMEDIES["larger_batch"].changes, Case(run)))
    assert [(one.setting, one.value) for one in proposed] == [("gradient_accumulation_steps", 8.0)]
