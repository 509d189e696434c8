"""Causes of runs in which hardly a signal speaks, and causes that must not be told beside others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import LIMITS, SIGNALS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, Resume, Snapshot
from llmtrain_exporter.story.diagnosis import checkpoint_nearest_best, first_looks

from tests.analysing import trained

Row = Callable[[int], dict[str, float]]
STEPS = 60
INFORM = {Severity.INFO}


def run_of(row: Row, steps: int = STEPS, **arguments: object) -> Snapshot:
    """A finished run of such rows."""
    return trained([{"step": step, **row(step)} for step in range(1, steps + 1)], **arguments)


def causes(run: Snapshot) -> list[str]:
    """The causes that the run shows, the best proved first."""
    return [cause.cause for cause in diagnose(run).causes]


def policy(step: int) -> dict[str, float]:
    """A healthy record of GRPO."""
    wave = math.sin(step)
    return {
        "loss": 0.01,
        "grad_norm": 0.3,
        "learning_rate": 1e-6,
        "kl": 0.02,
        "entropy": 0.8 + 0.01 * wave,
        "reward": 1.4 + 0.05 * wave,
        "reward_std": 0.3,
        "frac_reward_zero_std": 0.1,
        "rewards/accuracy/mean": 0.5 + 0.05 * wave,
        "rewards/format/mean": 0.9,
        "completions/mean_length": 200.0,
        "completions/max_length": 400.0,
        "completions/clipped_ratio": 0.02,
    }


def pairs(margin: float, accuracy: float, chosen: float) -> dict[str, float]:
    """A record of DPO."""
    return {
        "loss": max(1e-5, math.log1p(math.exp(-margin))),
        "grad_norm": 1.0,
        "learning_rate": 5e-6,
        "rewards/chosen": chosen,
        "rewards/rejected": chosen - margin,
        "rewards/margins": margin,
        "rewards/accuracies": accuracy,
        "logps/chosen": -200.0,
        "logps/rejected": -220.0,
    }


def supervised(loss: float, accuracy: float, rate: float = 1e-4) -> dict[str, float]:
    """A record of supervised training."""
    return {"loss": loss, "grad_norm": 1.0, "learning_rate": rate, "mean_token_accuracy": accuracy}


def test_a_run_that_trains_nothing_is_not_healthy_however_good_its_reward() -> None:
    """Nobody has learned what the policy could do before; the rate is out of range to the end."""
    run = run_of(
        lambda step: {**policy(step), "loss": 0.0, "grad_norm": 0.0, "learning_rate": 0.0, "kl": 0.0}
    )
    assert run.verdict is Health.WATCH
    assert causes(run) == ["not_trained"]
    assert all(episode.active for episode in run.episodes if episode.signal == "lr_out_of_range")


def test_a_tiny_learning_rate_is_why_the_loss_stays() -> None:
    """And the advice is not to raise it a little."""
    run = run_of(lambda step: supervised(2 + 0.02 * math.sin(step), 0.5, 1e-9), 300)
    assert causes(run)[0] == "low_learning_rate"
    remedies = [remedy.remedy for remedy in diagnose(run).remedies]
    assert remedies[0] == "usable_learning_rate"
    assert "raise_learning_rate" not in remedies
    assert causes(run_of(lambda step: supervised(0.4 + 1.6 * math.exp(-step / 60), 0.8), 300)) == []


def test_a_constant_reward_is_a_matter_of_its_function() -> None:
    """No sampling makes completions differ that all earn the same."""
    flat = {"reward": 0.7, "reward_std": 0.0, "frac_reward_zero_std": 1.0, "grad_norm": 1e-4, "loss": 0.0}
    run = run_of(lambda step: {**policy(step), **flat, "rewards/accuracy/mean": 0.7})
    remedies = [remedy.remedy for remedy in diagnose(run).remedies]
    assert causes(run)[0] == "constant_reward"
    assert remedies[0] == "fix_reward"
    assert "more_contrast" not in remedies


def test_labels_are_not_blamed_where_the_loss_is_low_or_was() -> None:
    """Neither of a run that knows its data by heart, nor of one that diverged."""
    learned = run_of(
        lambda step: supervised(max(0.01, 2 * math.exp(-step / 20)), min(0.999, 0.6 + step / 200))
    )
    diverged = run_of(lambda step: supervised(1.2, 0.7, 5e-3) if step < 20 else supervised(7.5, 0.1, 5e-3))
    assert "poor_labels" not in causes(learned)
    assert "poor_labels" not in causes(diverged)


def test_rewards_that_only_fall_are_not_hacked() -> None:
    """Completions run into the limit while the reward slides: nothing rises."""

    def row(step: int) -> dict[str, float]:
        cut = 0.0 if step < 30 else min(1.0, (step - 29) / 10)
        slid = {"reward": 0.875 - 0.1 * cut, "rewards/accuracy/mean": 0.875 - 0.1 * cut}
        kept = {name: value for name, value in policy(step).items() if name != "rewards/format/mean"}
        return {**kept, **slid, "completions/clipped_ratio": cut, "completions/mean_length": 200 + 300 * cut}

    assert "reward_hacking" not in causes(run_of(row))


def test_a_solved_task_is_known_by_its_reward_alone() -> None:
    """Where the share of groups without a spread is not logged."""

    def row(step: int) -> dict[str, float]:
        right = min(1.0, 0.4 + step / 40)
        kept = {name: value for name, value in policy(step).items() if name != "frac_reward_zero_std"}
        spread = {"reward_std": 0.3 if right < 1 else 0.0, "grad_norm": 0.3 if right < 1 else 0.0}
        return {
            **kept,
            **spread,
            "rewards/accuracy/mean": right,
            "rewards/format/mean": 1.0,
            "reward": right + 1,
        }

    assert causes(run_of(row, 100)) == ["solved"]


def test_what_becomes_of_pairs_is_told_without_a_signal() -> None:
    """Learned to the end, the wrong way round, or both answers forgotten; nothing of a healthy run."""
    saturated = run_of(lambda step: pairs(min(20, step / 2), min(1, 0.5 + step / 40), step / 5))
    swapped = run_of(lambda step: pairs(-min(2, step / 25), max(0.1, 0.5 - step / 100), -step / 50))
    falling = run_of(lambda step: pairs(min(6, step / 10), min(1, 0.5 + step / 80), -step / 3))
    healthy = run_of(lambda step: pairs(min(2, step / 30), min(0.8, 0.5 + step / 150), step / 100))
    assert causes(saturated)[0] == "saturated_preference"
    assert causes(swapped)[0] == "swapped_pairs"
    assert causes(falling)[0] == "chosen_unlearned"
    assert "saturated_preference" not in causes(falling)
    assert causes(healthy) == []


def test_a_margin_that_explodes_is_told_by_where_the_chosen_answers_go() -> None:
    """Saturation while they hold their own; with them forgotten that is what matters more."""
    held = run_of(lambda step: pairs(min(40, step), min(1, 0.5 + step / 40), step / 5), 100)
    lost = run_of(lambda step: pairs(min(40, step), min(1, 0.5 + step / 40), -step / 3), 100)
    for run in (held, lost):
        assert "margin_explosion" in {e.signal for e in run.episodes if e.severity is Severity.WARNING}
    assert causes(held)[0] == "saturated_preference"
    assert "chosen_unlearned" not in causes(held)
    assert causes(lost)[:2] == ["chosen_unlearned", "saturated_preference"]


def test_pairs_that_are_learned_by_heart_are_told_as_memorised() -> None:
    """Training ranks all of its pairs right, and the evaluation fewer than before."""

    def row(step: int) -> dict[str, float]:
        if step % 20:
            return pairs(min(12, step / 4), min(1, 0.5 + step / 40), -step / 100)
        return {"eval_loss": 0.4, "eval_rewards/accuracies": 0.75 - step / 500, "eval_rewards/margins": 1.0}

    run = run_of(row, 120)
    assert "preference_overfit" in {episode.signal for episode in run.episodes}
    assert causes(run)[0] == "memorising"


def test_the_best_checkpoint_is_named_by_what_is_on_disk() -> None:
    """The nearest to the best evaluation, before it or behind; none where steps are not known."""
    run = replace(run_of(policy), best=(0.9, 100), checkpoints=(200, 400))
    assert checkpoint_nearest_best(run) == 200
    assert checkpoint_nearest_best(replace(run, checkpoints=(90, 200))) == 90
    assert checkpoint_nearest_best(replace(run, step_is_record=True)) is None
    assert checkpoint_nearest_best(replace(run, checkpoints=())) is None


def test_a_limit_that_cut_records_show_is_doubled() -> None:
    """Most of the longest completions have the same length: that is the limit."""
    cut = {"completions/clipped_ratio": 0.9, "completions/mean_length": 120.0, "reward": 0.1}
    run = run_of(lambda step: {**policy(step), **cut, "completions/max_length": 128.0})
    changes = [change for remedy in diagnose(run).remedies for change in remedy.changes]
    assert [change.value for change in changes if change.setting == "max_completion_length"] == [256.0]


def test_a_learning_rate_that_the_log_shows_is_the_present_one() -> None:
    """A level one, or a peak; of one that decays from the start, or that was changed, nobody knows it."""
    level = run_of(lambda step: supervised(11.0 if step > 30 else 1.0, 0.5, 5.0))
    decaying = run_of(lambda step: supervised(11.0 if step > 30 else 1.0, 0.5, 5.0 / step))
    warmed = run_of(lambda step: supervised(11.0 if step > 30 else 1.0, 0.5, 5.0 - abs(step - 5) / 12))
    changed = run_of(lambda step: supervised(11.0 if step > 30 else 1.0, 0.5, 5.0 if step < 20 else 0.5))
    resumed = replace(level, resumes=(Resume(20, 10),))
    now = [
        [
            change.now
            for remedy in diagnose(run).remedies
            if remedy.remedy == "lower_learning_rate"
            for change in remedy.changes
        ]
        for run in (level, decaying, warmed, changed, resumed)
    ]
    assert now == [[5.0], [None], [5.0], [None], [None]]


def test_a_loss_scaler_skips_single_steps() -> None:
    """fp16: the weights stay as they were. With bf16, or where the last gradient is none, that is not so."""
    skipped = (3, 30)

    def row(step: int) -> dict[str, float]:
        return {**supervised(1.5 - step / 100, 0.6), "grad_norm": math.nan if step in skipped else 1.0}

    assert causes(run_of(row)) == ["steps_skipped"]
    assert causes(run_of(row, fp16=True)) == ["steps_skipped"]
    assert [remedy.remedy for remedy in diagnose(run_of(row, fp16=True)).remedies] == ["use_bf16"]
    assert "steps_skipped" not in causes(run_of(row, bf16=True))
    assert "steps_skipped" not in causes(run_of(row, skipped[-1]))


def test_a_mean_of_nothing_harms_no_weight() -> None:
    """A kl that is no number beside a loss and a gradient that are: no advice on number formats or rates."""
    run = run_of(lambda step: {**policy(step), "kl": math.nan if step == 30 else 0.02})
    assert causes(run) == ["mean_of_nothing"]
    assert diagnose(run).remedies == ()


def test_a_slide_that_began_the_incident_broke_first() -> None:
    """Its stage begins where the reward began to slide, long before it was noticed."""

    def sliding(step: int) -> dict[str, float]:
        lost = min(max(step - 60, 0) / 80, 1.0)
        accuracy = (0.6 + 0.04 * math.sin(step)) * (1 - lost)
        return policy(step) | {"reward": accuracy + 0.9, "rewards/accuracy/mean": accuracy}

    run = run_of(sliding, steps=180)
    assert run.incidents[-1].onset_step < min(
        episode.first_step for episode in run.episodes if episode.severity is Severity.CRITICAL
    )
    assert "reward_instability" in causes(run)


def test_what_shows_no_cause_is_told_with_where_to_look() -> None:
    """A signal that speaks against the run has questions of its own, and remedies that tune nothing."""

    def exploding(step: int) -> dict[str, float]:
        return policy(step) | {"entropy": 0.4 * 1.08 ** max(step - 100, 0) * (1 + 0.02 * math.sin(step))}

    run = run_of(exploding, steps=160)
    found = diagnose(run)
    assert (found.causes, found.look_at) == ((), "entropy_explosion")
    assert [remedy.remedy for remedy in found.remedies] == ["read_completions"]
    assert first_looks(run, found, Lang.EN)
    assert not any(remedy.because or remedy.changes for remedy in found.remedies)


def test_every_signal_that_speaks_against_a_run_says_where_to_look() -> None:
    """So that none is told without something to do."""
    against = {name for limits in LIMITS.values() for name, bounds in limits.items() if set(bounds) != INFORM}
    assert not [name for name in against if not SIGNALS[name].advice.diagnosis]


def test_a_loss_that_steps_to_a_calm_level_says_that_the_data_changed() -> None:
    """And nobody is told to lower the learning rate; where gradients break as well it is the model."""

    def row(step: int) -> dict[str, float]:
        first = 1.0 - 0.7 * min(step / 80, 1.0)
        return supervised((first if step < 100 else 0.9) + 0.01 * math.sin(step), 0.8)

    def breaking(step: int) -> dict[str, float]:
        return row(step) | {"grad_norm": 1.0 if step < 100 else 60.0}

    changed = run_of(row, steps=200)
    assert causes(changed)[0] == "data_changed"
    assert "lower_learning_rate" not in {remedy.remedy for remedy in diagnose(changed).remedies}
    assert "data_changed" not in causes(run_of(breaking, steps=200))


def test_a_reward_that_steps_down_and_learns_on_says_that_the_data_changed() -> None:
    """One that slides, or falls to nothing, does not."""

    def of(accuracy: Callable[[int], float]) -> list[str]:
        def row(step: int) -> dict[str, float]:
            right = accuracy(step) + 0.02 * math.sin(step)
            return policy(step) | {"reward": right + 0.9, "rewards/accuracy/mean": right}

        return causes(run_of(row, steps=200))

    assert of(lambda step: 0.9 if step < 100 else 0.35 + (step - 100) / 500)[0] == "data_changed"
    assert "data_changed" not in of(lambda step: 0.9 if step < 100 else max(0.05, 0.9 - (step - 100) / 60))
    assert "data_changed" not in of(lambda step: 0.9 if step < 100 else 0.03)


def test_signals_that_only_inform_have_causes() -> None:
    """They stand in a healthy run without anything that speaks against it."""
    spread = {"rewards/format/std": 300.0, "rewards/accuracy/std": 0.4}
    run = run_of(lambda step: policy(step) | spread, steps=120)
    assert (run.verdict, causes(run)) == (Health.HEALTHY, ["unbalanced_rewards"])


def test_right_answers_at_the_cost_of_style_are_no_hacking() -> None:
    """A function for brevity falls while accuracy rises: said, and nothing held against the run."""

    def row(step: int, up: str, down: str) -> dict[str, float]:
        moved, wave = min(step / 200, 1.0), 0.01 * math.sin(step)
        named = {
            f"rewards/{up}/mean": 0.4 + 0.4 * moved + wave,
            f"rewards/{down}/mean": 0.6 - 0.25 * moved,
        }
        plain = {key: value for key, value in policy(step).items() if not key.startswith("rewards/")}
        return plain | named

    trade = run_of(lambda step: row(step, "accuracy", "brevity"), steps=240)
    bought = run_of(lambda step: row(step, "brevity", "accuracy"), steps=240)
    assert [e.severity for e in trade.episodes if e.signal == "rewards_part"] == [Severity.INFO]
    assert "reward_hacking" not in causes(trade)
    assert Severity.WARNING in [e.severity for e in bought.episodes if e.signal == "rewards_part"]
    assert "reward_hacking" in causes(bought)


def test_engines_that_differ_are_not_told_to_change_the_number_format() -> None:
    """The coarser rounding of bf16 is a source of it."""
    run = run_of(lambda step: policy(step) | {"sampling/importance_sampling_ratio/mean": 0.4}, steps=60)
    assert causes(run) == ["engines_differ"]
    assert "use_bf16" not in {remedy.remedy for remedy in diagnose(run).remedies}
