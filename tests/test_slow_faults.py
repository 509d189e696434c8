"""Faults that come slowly, told before they have done their harm; and what looks like them and is healthy."""

from __future__ import annotations

import random

import pytest
from llmtrain_exporter.model import Health

from benchmarks.detection.slow_faults import KINDS, OWN, healthy, measure
from tests.analysing import Row, analyse, found, grpo, signals


@pytest.mark.parametrize("name", KINDS)
def test_random_runs_with_a_slow_fault_are_told_in_time(name: str) -> None:
    """All of so few but two at the most; the benchmark has more runs and the figures."""
    assert measure(KINDS[name], (3,), runs=20).told >= 0.9


def test_healthy_random_runs_are_not_warned_of_slow_faults() -> None:
    """None of the signals that are for them warns."""
    told = [e.signal for _, episodes in healthy(4, runs=10) for e in episodes if e.severity.value != "info"]
    assert not OWN & set(told)


def _fading(count: int, start: int, rate: float) -> list[Row]:
    source = random.Random(0)
    return [
        {**row, "entropy/mean": source.gauss(0.6, 0.02) * rate ** max(0, at - start)}
        for at, row in enumerate(grpo(count))
    ]


def test_an_entropy_that_fades_is_told_within_15_records() -> None:
    """Long before it is at the floor."""
    (episode, *_) = found(analyse("grpo", _fading(140, 100, 0.93)), "entropy_fall")
    assert episode.severity.value == "warning"
    assert 100 < episode.first_step <= 115


@pytest.mark.parametrize("left", [0.0, -1e-9])
def test_an_entropy_that_stays_at_nothing_is_told_as_long_as_it_does(left: float) -> None:
    """Nothing is no level that was held: what follows is no share of it."""
    rows = [{**row, "entropy/mean": left if at >= 100 else 0.6} for at, row in enumerate(grpo(300))]
    analysis = analyse("grpo", rows)
    assert found(analysis, "entropy_fall")
    assert "entropy_collapse" in signals(analysis)
    assert analysis.health is not Health.HEALTHY


@pytest.mark.parametrize("nothing", [0.0, -1e-9])
def test_an_entropy_that_comes_back_from_nothing_is_no_multiple_of_it(nothing: float) -> None:
    """It is as high as it was before."""
    gone = range(100, 150)
    rows = [{**row, "entropy/mean": nothing if at in gone else 0.6} for at, row in enumerate(grpo(300))]
    assert found(analyse("grpo", rows), "entropy_explosion") == []


def test_an_entropy_that_is_paid_for_is_no_fault() -> None:
    """The reward rises at the same records."""
    rows = [
        {**row, "reward": float(str(row["reward"])) + 0.05 * max(0, at - 100)}
        for at, row in enumerate(_fading(112, 100, 0.93))
    ]
    assert found(analyse("grpo", rows), "entropy_fall") == []


def test_half_of_the_entropy_lost_early_for_nothing_is_information() -> None:
    """Such a run is not broken, and not yet watched."""
    analysis = analyse("grpo", _fading(100, 5, 0.985))
    assert {episode.severity.value for episode in found(analysis, "entropy_fall")} == {"info"}
    assert analysis.verdict is Health.HEALTHY


def test_an_entropy_that_explodes_is_told() -> None:
    """As well as one that dies."""
    assert "entropy_explosion" in signals(analyse("grpo", _fading(140, 100, 1.06)))


def _growing(count: int, start: int, by: float) -> list[Row]:
    """Completions of 200 tokens that grow by so many with each record from `start` on."""
    source = random.Random(1)
    return [
        {**row, "completions/mean_length": source.gauss(200, 8) + by * max(0, at - start)}
        for at, row in enumerate(grpo(count))
    ]


def test_completions_that_creep_to_their_limit_are_told_before_they_reach_it() -> None:
    """At 460 of 512 the limit shapes what is written."""
    (episode, *_) = found(analyse("grpo", _growing(200, 60, 2.5), max_completion_length=512), "length_creep")
    assert 60 < episode.first_step < 60 + (460 - 200) / 2.5


def test_the_limit_is_the_longest_completion_where_some_are_cut_off() -> None:
    """No settings beside the log."""
    rows = [
        {**row, "completions/max_length": 512, "completions/clipped_ratio": 0.02 * (at % 2)}
        for at, row in enumerate(_growing(160, 60, 2.5))
    ]
    assert found(analyse("grpo", rows), "length_creep")
    uncut = [{**row, "completions/clipped_ratio": 0.0} for row in rows]
    assert not found(analyse("grpo", uncut), "length_creep")


def test_completions_that_grow_far_from_their_limit_are_no_fault() -> None:
    """Reasoning may become longer."""
    analysis = analyse("grpo", _growing(160, 60, 1.0), max_completion_length=1024)
    assert not found(analysis, "length_creep")


def test_a_reward_function_that_is_bought_with_another_is_told() -> None:
    """One falls by a fifth, too little for a drop, while the other rises."""
    rows = [
        {
            **row,
            "rewards/Accuracy/mean": float(str(row["rewards/Accuracy/mean"]))
            - min(0.004 * max(0, at - 100), 0.12),
            "rewards/Format/mean": float(str(row["rewards/Format/mean"]))
            + min(0.003 * max(0, at - 100), 0.09),
        }
        for at, row in enumerate(grpo(200))
    ]
    (episode, *_) = found(analyse("grpo", rows), "rewards_part")
    assert 100 < episode.first_step <= 140
    assert dict(episode.metric.labels)["function"] == "Accuracy"
    together = [{**row, "rewards/Accuracy/mean": row["rewards/Format/mean"]} for row in rows]
    assert not found(analyse("grpo", together), "rewards_part")


def _traded(fall: float, rise: float, start: int = 100) -> list[Row]:
    """From `start` on Accuracy loses and Format gains so much with each record, up to thirty times that."""
    return [
        {
            **row,
            "rewards/Accuracy/mean": float(str(row["rewards/Accuracy/mean"]))
            - fall * min(max(0, at - start), 30),
            "rewards/Format/mean": float(str(row["rewards/Format/mean"]))
            + rise * min(max(0, at - start), 30),
        }
        for at, row in enumerate(grpo(200))
    ]


def test_a_reward_function_that_falls_while_another_is_at_its_most_is_told() -> None:
    """What holds cannot rise. A function that rises alone, or all that fall together, are no trade."""
    (episode, *_) = found(analyse("grpo", _traded(0.004, 0.0)), "rewards_part")
    assert 100 < episode.first_step <= 140
    assert not found(analyse("grpo", _traded(0.0, 0.003)), "rewards_part")
    assert not found(analyse("grpo", _traded(0.004, -0.006)), "rewards_part")


def test_a_trade_hides_no_reward_function_that_dies() -> None:
    """The signal of the drop goes by the same records."""
    assert {"rewards_part", "reward_function_drop"} <= set(signals(analyse("grpo", _traded(0.016, 0.003))))


def test_an_entropy_that_fades_after_an_early_fall_is_told() -> None:
    """The early fall, which is healthy, has widened the run's own range."""
    rows = [
        {**row, "entropy/mean": float(str(row["entropy/mean"])) * (0.3 + 0.7 * 0.983**at)}
        for at, row in enumerate(_fading(140, 90, 0.92))
    ]
    warned = [e for e in found(analyse("grpo", rows), "entropy_fall") if e.severity.value == "warning"]
    assert 90 < warned[0].first_step <= 106
    early = [
        {**row, "entropy/mean": float(str(row["entropy/mean"])) * (0.3 + 0.7 * 0.983**at)}
        for at, row in enumerate(_fading(140, 140, 1.0))
    ]
    assert not [e for e in found(analyse("grpo", early), "entropy_fall") if e.severity.value == "warning"]


def test_a_length_that_carries_the_reward_is_information() -> None:
    """Reasoning and padding look the same in a log."""
    rows = [
        {**row, "reward": float(str(row["completions/mean_length"])) / 150} for row in _growing(200, 60, 1.5)
    ]
    analysis = analyse("grpo", rows)
    (episode, *_) = found(analysis, "length_pays")
    assert episode.severity.value == "info"
    assert not found(analyse("grpo", _growing(200, 60, 1.5)), "length_pays")


def _validated(scores: list[float], rise: float) -> list[Row]:
    rows: list[Row] = []
    for number, score in enumerate(scores):
        for at, row in enumerate(grpo(30, number)):
            step = 30 * number + at + 1
            rows.append({**row, "reward": 1.5 + rise * step, "global_step/max_steps": f"{step}/2000"})
        rows.append({"eval_reward": score, "global_step/max_steps": f"{30 * (number + 1)}/2000"})
    return rows


def test_a_validation_score_that_falls_while_training_rises_is_told() -> None:
    """Three evaluations in a row; one that falls along with training is another thing."""
    assert "validation_parts" in signals(analyse("grpo", _validated([1.5, 1.4, 1.2], 0.01)))
    assert "validation_parts" not in signals(analyse("grpo", _validated([1.5, 1.4, 1.2], 0.0)))
    assert "validation_parts" not in signals(analyse("grpo", _validated([1.5, 1.6, 1.7], 0.01)))


def test_a_validation_score_that_fell_is_told_until_it_is_back() -> None:
    """One evaluation that is no lower than the one before does not end it."""
    lost = analyse("grpo", _validated([1.5, 1.4, 1.2, 1.25, 1.1, 1.15, 1.0], 0.01))
    assert [episode.active for episode in found(lost, "validation_parts")] == [True]
    back = analyse("grpo", _validated([1.5, 1.4, 1.2, 1.25, 1.5, 1.55, 1.6], 0.01))
    assert [episode.active for episode in found(back, "validation_parts")] == [False]


@pytest.mark.parametrize(
    ("key", "usual", "worse"),
    [
        ("rollout_correction/kl", 0.002, 0.2),
        ("rollout_correction/k3_kl", 0.002, 0.2),
        ("rollout_correction/ess", 0.95, 0.2),
        ("sampling/importance_sampling_ratio/mean", 1.0, 0.4),
        ("sampling/importance_sampling_ratio/mean", 1.0, 2.5),
        ("sampling/importance_sampling_ratio/mean", 1.0, 0.0),
        ("sampling/sampling_logp_difference/mean", 0.01, 0.03),
        ("rollout_correction/log_ppl_abs_diff", 0.01, 0.03),
    ],
)
def test_sampler_and_trainer_that_disagree_are_told(key: str, usual: float, worse: float) -> None:
    """By each of the keys, once three records in a row are out of range or above the run's own level."""
    source = random.Random(2)
    rows = [{**row, key: usual * source.gauss(1, 0.02)} for row in grpo(120)]
    assert not found(analyse("grpo", rows), "engine_mismatch")
    broken = [{**row, key: worse} if at >= 100 else row for at, row in enumerate(rows)]
    (episode,) = found(analyse("grpo", broken), "engine_mismatch")
    assert (episode.severity.value, episode.active) == ("warning", True)
    assert 101 <= episode.first_step <= 104


def test_one_record_in_which_they_disagree_is_noise() -> None:
    """A single token can be far off."""
    key = "sampling/sampling_logp_difference/mean"
    source = random.Random(3)
    rows = [
        {**row, key: 0.01 * source.gauss(1, 0.1) * (8 if at == 90 else 1)} for at, row in enumerate(grpo(120))
    ]
    assert not found(analyse("grpo", rows), "engine_mismatch")


def _pairs(count: int, chosen: float, rejected: float, start: int = 0, **fixed: object) -> list[Row]:
    """Preference rows whose rewards go to these in the course of the run."""
    source = random.Random(4)
    rows: list[Row] = []
    for at in range(count):
        done = at / count
        sides = source.gauss(chosen * done, 0.05), source.gauss(rejected * done, 0.05)
        rows.append(
            {
                "loss": 0.69 * (1 - 0.8 * done),
                "grad_norm": source.lognormvariate(0, 0.2),
                "rewards/chosen": sides[0],
                "rewards/rejected": sides[1],
                "rewards/margins": sides[0] - sides[1],
                "rewards/accuracies": 0.8,
                "global_step/max_steps": f"{start + at + 1}/2000",
                **fixed,
            }
        )
    return rows


def test_chosen_answers_that_fall_with_the_rejected_ones_are_information() -> None:
    """Most runs push both down a little; few push the chosen ones far."""
    analysis = analyse("dpo", _pairs(200, -3.0, -6.0))
    (episode,) = found(analysis, "likelihood_displacement")
    assert (episode.severity.value, analysis.verdict) == ("info", Health.HEALTHY)
    assert not found(analyse("dpo", _pairs(200, 0.5, -2.0)), "likelihood_displacement")
    assert not found(analyse("dpo", _pairs(200, -0.5, -2.0)), "likelihood_displacement")


def test_displacement_shows_in_log_probabilities_where_there_are_no_rewards() -> None:
    """Trainers without a reference model have no rewards."""

    def rows(chosen: float, rejected: float) -> list[Row]:
        return [
            {"loss": 1.0, "logps/chosen": -100 - chosen * at, "logps/rejected": -120 - rejected * at}
            for at in range(200)
        ]

    assert found(analyse("dpo", rows(0.5, 1.0)), "likelihood_displacement")
    assert not found(analyse("dpo", rows(0.0, 1.0)), "likelihood_displacement")
    assert not found(analyse("dpo", rows(0.5, 0.2)), "likelihood_displacement")


@pytest.mark.parametrize(("margin", "severity"), [(5.0, None), (20.0, "info"), (60.0, "warning")])
def test_a_margin_explodes_far_beyond_what_the_loss_asks_for(margin: float, severity: str | None) -> None:
    """At 10 a preference is learned to the end."""
    episodes = found(analyse("dpo", _pairs(200, margin / 2, -margin / 2)), "margin_explosion")
    assert max((e.severity for e in episodes), key=lambda s: s.rank, default=None) == severity


@pytest.mark.parametrize("profile", ["dpo", "reward_model"])
def test_an_evaluation_that_falls_while_training_is_perfect_is_told(profile: str) -> None:
    """Training pairs are learned by heart; where training is not perfect, the fall is something else."""

    def rows(trained: float) -> list[Row]:
        made: list[Row] = []
        for number, accuracy in enumerate((0.7, 0.78, 0.72, 0.66)):
            made += _pairs(30, 1.0, -1.0, 30 * number, **{"rewards/accuracies": trained})
            made.append(
                {"eval_rewards/accuracies": accuracy, "global_step/max_steps": f"{30 * (number + 1)}/2000"}
            )
        return made

    (episode, *_) = found(analyse(profile, rows(1.0)), "preference_overfit")
    assert (episode.severity.value, episode.first_step) == ("warning", 90)
    assert not found(analyse(profile, rows(0.85)), "preference_overfit")
