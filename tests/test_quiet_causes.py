"""Causes of runs in which hardly a signal speaks, and causes that must not be told beside others."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.ingest.dialects import trainer_state
from llmtrain_exporter.model import Health, Resume, Snapshot
from llmtrain_exporter.story.diagnosis import checkpoint_nearest_best

from benchmarks.detection.score import analyse

Row = Callable[[int], dict[str, float]]
STEPS = 60


def run_of(row: Row, steps: int = STEPS) -> Snapshot:
    """A finished run of such rows, as TRL writes it."""
    rows = [{"step": step, **row(step)} for step in range(1, steps + 1)]
    return analyse(json.dumps({"log_history": rows, "max_steps": steps}).encode(), trainer_state.DIALECT)[0]


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
    """A level one; of one that decays, or that was changed on the way, nobody knows what was set."""
    level = run_of(lambda step: supervised(11.0 if step > 30 else 1.0, 0.5, 5.0))
    decaying = run_of(lambda step: supervised(11.0 if step > 30 else 1.0, 0.5, 5.0 / step))
    changed = run_of(lambda step: supervised(11.0 if step > 30 else 1.0, 0.5, 5.0 if step < 20 else 0.5))
    resumed = replace(level, resumes=(Resume(20, 10),))
    now = [
        [
            change.now
            for remedy in diagnose(run).remedies
            if remedy.remedy == "lower_learning_rate"
            for change in remedy.changes
        ]
        for run in (level, decaying, changed, resumed)
    ]
    assert now == [[5.0], [None], [None], [None]]
