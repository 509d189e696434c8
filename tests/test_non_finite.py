"""Numbers that are none, and the zeros that stand in their place."""

from __future__ import annotations

import math

import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Health

from tests.analysing import Row, analyse, changed, found, grpo, sft, signals, trained

LOG_RATE = 1e-5


def evaluated(rows: list[dict[str, object]], every: int, **values: object) -> list[Row]:
    """The rows with an evaluation after each `every` of them."""
    placed: list[Row] = []
    for step, row in enumerate(rows, 1):
        at = {"global_step/max_steps": f"{step}/2000"}
        placed.append({**row, **at})
        if not step % every:
            placed.append({**values, **at})
    return placed


def pairs(step: int) -> dict[str, object]:
    """A record of DPO."""
    margin = step / 20
    loss, parted = math.log1p(math.exp(-margin)), {"rewards/chosen": 0.1, "rewards/rejected": 0.1 - margin}
    return {"loss": loss, "grad_norm": 2.0 + step % 3, "rewards/margins": margin, **parted}


@pytest.mark.parametrize("gradient", [{"grad_norm": 1.0}, {"grad_norm": 0.0}, {}])
def test_a_loss_of_0_from_the_first_record_on_is_a_hidden_nan(gradient: dict[str, object]) -> None:
    """Nothing was learned before it; the gradient is constant, or nobody logs it."""
    rows: list[Row] = [{"loss": 0.0, "learning_rate": LOG_RATE, **gradient} for _ in range(30)]
    analysis = analyse("sft", rows)
    assert analysis.verdict is Health.BROKEN
    assert found(analysis, "non_finite")[0].first_step == 5
    assert analysis.incidents[0].onset_step == 1


def test_a_loss_of_0_beside_a_gradient_that_moves_may_be_real() -> None:
    """A student that is its own teacher; samples that were known before."""
    moving = [{**row, "loss": 0.0, "token_acc": 0.5} for row in sft(30)]
    known = changed(sft(30), 0, 30, loss=0.0, grad_norm=0.0, token_acc=1.0)
    assert not found(analyse("sft", moving), "non_finite")
    assert not found(analyse("sft", known), "non_finite")


def test_zeros_after_a_record_that_is_partly_one_are_a_hidden_nan() -> None:
    """The NaN came within the steps of which the record is a mean."""
    rows = changed(changed(sft(60), 30, 31, loss=0.05), 31, 60, loss=0.0)
    analysis = analyse("sft", rows)
    assert analysis.verdict is Health.BROKEN
    assert found(analysis, "non_finite")[0].first_step == 33


def test_a_loss_that_is_learned_to_0_hides_nothing() -> None:
    """It passes small values on its way."""
    losses = [max(0.0, round(0.6 * 0.8**step, 4)) for step in range(60)]
    rows = [{"loss": loss, "learning_rate": LOG_RATE} for loss in losses]
    assert not found(analyse("sft", rows), "non_finite")


def test_a_loss_of_0_after_a_low_one_is_told_when_it_lasts() -> None:
    """0.07 is not learned to nothing from one record to the next."""
    rows: list[Row] = [{"loss": 0.07 if step < 40 else 0.0, "learning_rate": LOG_RATE} for step in range(60)]
    assert analyse("sft", rows).verdict is Health.BROKEN


def test_a_preference_of_which_all_is_0_is_a_hidden_nan() -> None:
    """A loss of 0 needs a margin. One that is saturated has it."""
    nothing = {"loss": 0.0, "rewards__margins": 0.0, "rewards__chosen": 0.0, "rewards__rejected": 0.0}
    rows = [pairs(step) for step in range(60)]
    assert analyse("dpo", changed(rows, 30, 60, **nothing)).verdict is Health.BROKEN
    assert not found(analyse("dpo", changed(rows, 30, 60, loss=0.0, rewards__margins=40.0)), "non_finite")


@pytest.mark.parametrize("key", ["eval_loss", "eval_reward"])
def test_evaluations_that_are_no_numbers_are_one_episode(key: str) -> None:
    """It lasts until one is well; records of training between them change nothing, and it is no incident."""
    rows = evaluated(grpo(100), 25, **{key: "NaN"})
    (episode,) = found(analyse("grpo", rows), "non_finite")
    assert (episode.severity, episode.first_step) == (Severity.CRITICAL, 25)
    assert analyse("grpo", rows).incidents == []
    well = [*rows, *evaluated(grpo(140), 125, **{key: 0.5})[100:]]
    assert analyse("grpo", well).verdict is Health.WATCH


def test_a_reward_function_without_a_number_is_told_when_it_lasts() -> None:
    """In single records it may only not apply to the samples."""
    gone = analyse("grpo", changed(grpo(100), 50, 100, rewards__Accuracy__mean="NaN"))
    assert [episode.severity for episode in found(gone, "non_finite")] == [Severity.WARNING]
    now_and_then = grpo(100)
    for at in range(0, 100, 3):
        now_and_then[at]["rewards/Accuracy/mean"] = "NaN"
    assert not found(analyse("grpo", now_and_then), "non_finite")


@pytest.mark.parametrize("end", [51, 60])
def test_a_mean_over_no_token_beside_cut_completions_is_no_collapse(end: int) -> None:
    """All completions of a batch are cut and masked: kl has nothing to be a mean of."""
    rows = changed(grpo(100), 50, end, kl="NaN", completions__clipped_ratio=1.0)
    analysis = analyse("grpo", rows)
    assert not found(analysis, "collapse")
    assert analysis.verdict is Health.WATCH


def test_a_gradient_that_is_infinite_is_told_once() -> None:
    """It is no spike as well."""
    assert signals(analyse("sft", changed(sft(100), 60, 61, grad_norm="Infinity"))) == {"non_finite"}


def test_batches_without_a_label_are_no_overflow() -> None:
    """Losses of 0 that come and go: weights that are no numbers do not come back."""
    rows = [{"step": step, **row} for step, row in enumerate(sft(100), 1)]
    run = trained(changed(changed(rows, 20, 22, loss=0.0, grad_norm=0.0), 50, 52, loss=0.0, grad_norm=0.0))
    assert run.verdict is Health.WATCH
    assert [cause.cause for cause in diagnose(run).causes] == ["empty_labels"]


def test_a_reward_function_without_a_number_has_a_cause_of_its_own() -> None:
    """It is no mean over tokens, and no number format."""
    rows = [{"step": step, **row} for step, row in enumerate(grpo(100), 1)]
    run = trained(changed(rows, 50, 100, rewards__Accuracy__mean=math.nan))
    assert [cause.cause for cause in diagnose(run).causes] == ["function_undefined"]
