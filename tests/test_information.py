"""Signals that only inform: what rewards can teach, how old samples are, whether values are of use."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import BUILT_IN
from llmtrain_exporter.knowledge.signals.reward import REWARD_FLAT
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, Series
from llmtrain_exporter.story.diagnosis import findings

from tests.analysing import Row, analyse, found, grpo, records
from tests.test_quiet_causes import policy, run_of

INFORMING = (
    *("reward_dominated", "groups_unsolved", "groups_solved"),
    *("policy_stale", "samples_dropped", "value_fault"),
)


def informed(analysis: Analysis, signal: str) -> tuple[float, Series]:
    """The peak of a signal's one episode, and the series in which it was found. The run stays healthy."""
    (episode,) = found(analysis, signal)
    assert episode.severity is Severity.INFO
    assert analysis.verdict is Health.HEALTHY
    return episode.peak, episode.metric


def test_none_of_them_warns() -> None:
    """Until the corpus has runs with such keys."""
    bounds = [BUILT_IN[name].limits.get(signal, {}) for name in BUILT_IN for signal in INFORMING]
    assert {severity for each in bounds for severity in each} == {Severity.INFO}


def test_a_run_that_logs_none_of_it_has_no_more_columns_and_no_tracker() -> None:
    """Absent metrics cost nothing by the record."""
    analysis = analyse("grpo", grpo(120))
    assert not set(INFORMING) & analysis.trackers.keys()
    names = {watched.metric.name for watched in analysis.levels}
    assert not names & {"llmtrain_staleness_versions", "llmtrain_dropped_samples"}
    assert "llmtrain_reward_function_std" not in names


def test_a_series_that_comes_late_is_looked_at_from_then_on() -> None:
    """Another set of keys makes its columns in the middle of a run."""
    rows = [*grpo(50), *_grpo_with(80, {"sample/staleness_mean": 6.0})]
    (episode,) = found(analyse("grpo", rows), "policy_stale")
    assert episode.first_step > 50


def _spread(own: float, other: float, mean: float) -> dict[str, object]:
    return {"rewards/Score/mean": 4.0, "rewards/Score/std": own, **_other(other, mean)}


def _other(std: float, mean: float) -> dict[str, object]:
    return {"rewards/Tone/mean": mean, "rewards/Tone/std": std}


def _grpo_with(count: int, values: dict[str, object]) -> list[Row]:
    return [{**row, **values} for row in grpo(count)]


def test_a_reward_function_that_drowns_another_is_told() -> None:
    """The other differs between completions, and hardly counts."""
    peak, where = informed(analyse("grpo", _grpo_with(100, _spread(6.0, 0.4, 0.5))), "reward_dominated")
    assert ("function", "Score") in where.labels
    assert peak == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("own", "other", "mean"),
    [(1.0, 0.4, 0.5), (6.0, 0.1, 0.99), (6.0, 0.0, 0.0), (0.5, 0.03, 0.05)],
    ids=["alike", "learned", "never earned", "small on purpose"],
)
def test_a_spread_that_leaves_room_or_nothing_to_learn_is_no_fault(
    own: float, other: float, mean: float
) -> None:
    """Functions of one scale; what all or none earn; and one that moves within a hair's breadth."""
    assert not found(analyse("grpo", _grpo_with(100, _spread(own, other, mean))), "reward_dominated")


def test_functions_that_come_and_go_are_compared_with_those_beside_them() -> None:
    """A new set of functions begins anew; one function alone drowns nothing."""
    both, alone = _grpo_with(1, _spread(6.0, 0.4, 0.5)), _grpo_with(1, _other(0.4, 0.5))
    assert not found(analyse("grpo", [*both * 32, *alone * 32, *both * 32]), "reward_dominated")
    assert found(analyse("grpo", [*both * 32, *alone * 32, *both * 48]), "reward_dominated")


def _groups(count: int, reward: float, alike: float) -> list[Row]:
    source = random.Random(3)
    return [
        {
            **row,
            "reward": max(0.0, source.gauss(reward, 0.01)),
            "frac_reward_zero_std": alike,
            "rewards/Format/mean": reward,
            "rewards/Accuracy/mean": reward,
        }
        for row in grpo(count)
    ]


def test_groups_that_are_all_wrong_are_told_by_the_level_of_the_reward() -> None:
    """Those without a spread are wrong where next to nothing is earned, and right where all is."""
    peak, where = informed(analyse("grpo", _groups(80, 0.02, 0.86)), "groups_unsolved")
    assert peak == pytest.approx(0.86)
    assert where.metric.name == "llmtrain_reward_zero_std_ratio"
    assert not found(analyse("grpo", _groups(80, 0.95, 0.86)), "groups_unsolved")
    assert not found(analyse("grpo", _groups(80, 0.02, 0.5)), "groups_unsolved")


def test_a_reward_that_punishes_tells_nothing_of_right_and_wrong() -> None:
    """Its best is 0."""
    rows = [{**row, "reward": -0.1} for row in _groups(80, 0.0, 0.86)]
    assert not found(analyse("grpo", rows), "groups_unsolved")


@pytest.mark.parametrize(
    ("key", "signal"),
    [
        ("train/baseline_reward/pct_0", "groups_unsolved"),
        ("train/baseline_reward/pct_1", "groups_solved"),
    ],
)
def test_what_the_log_says_of_groups_goes_before(key: str, signal: str) -> None:
    """NeMo-RL states both, in percent, whatever the reward."""
    peak, where = informed(analyse("grpo", _grpo_with(80, {key: 85.0})), signal)
    assert peak == pytest.approx(0.85)
    assert where.metric.name == "llmtrain_group_outcome_ratio"
    assert not found(analyse("grpo", _grpo_with(80, {key: 40.0})), signal)


def test_a_missing_spread_is_told_apart_in_the_finding() -> None:
    """All right, all wrong, and what nobody can tell."""

    def told(reward: float, spread: float, norm: float) -> list[str]:
        alike = {"reward": reward, "reward_std": spread, "frac_reward_zero_std": 1.0, "grad_norm": norm}
        run = run_of(lambda step: {**policy(step), **(alike if step > 30 else {})})
        return [each.text for each in findings(run, Lang.EN) if each.title == REWARD_FLAT.advice.title.en]

    assert told(1.45, 0.0, 0.3)[0].startswith("Nearly all is right")
    assert told(0.0, 0.0, 0.0)[0].startswith("All wrong")
    assert told(0.4, 0.1, 0.3)[0].startswith("Rewards have no spread")


def test_samples_as_old_as_trainers_allow_are_told() -> None:
    """A mean of half of that is what sampling ahead is for."""
    rows = _grpo_with(80, {"sample/staleness_mean": 4.2, "sample/staleness_max": 9.0})
    peak, _ = informed(analyse("grpo", rows), "policy_stale")
    assert peak == pytest.approx(4.2)
    assert not found(analyse("grpo", _grpo_with(80, {"sample/staleness_mean": 2.0})), "policy_stale")


def _dropping(counts: Iterable[float]) -> list[Row]:
    """Rows of which those that drop nothing say nothing."""
    dropped: list[dict[str, object]] = [
        {"sample/dropped_stale_total": count} if count else {} for count in counts
    ]
    return [{**row, **each} for row, each in zip(grpo(len(dropped)), dropped, strict=True)]


def test_samples_that_are_thrown_away_all_the_time_are_told() -> None:
    """And no single burst, nor one now and then."""
    _, where = informed(analyse("grpo", _dropping([3.0] * 80)), "samples_dropped")
    assert ("reason", "stale") in where.labels
    assert not found(analyse("grpo", _dropping(60.0 * (at % 16 == 0) for at in range(80))), "samples_dropped")
    assert not found(analyse("grpo", _dropping(1.0 * (at % 2) for at in range(80))), "samples_dropped")


def _values(count: int, **fixed: float) -> list[Row]:
    source = random.Random(4)
    return [
        {
            "objective/kl": 8 * source.lognormvariate(0, 0.2),
            "objective/scores": source.gauss(2, 0.2),
            "loss/policy_avg": source.gauss(-0.005, 0.003),
            "loss/value_avg": 0.1 * source.lognormvariate(0, 0.15),
            "val/clipfrac_avg": abs(source.gauss(0.05, 0.01)),
            "ppo/val/var_explained": source.gauss(0.5, 0.05),
            **{key.replace("__", "/"): value for key, value in fixed.items()},
        }
        for _ in range(count)
    ]


def test_a_value_function_that_explains_nothing_is_told() -> None:
    """Not in its first steps, in which it cannot."""
    useless = _values(64, ppo__val__var_explained=-0.4)
    peak, where = informed(analyse("ppo", [*_values(32), *useless]), "value_fault")
    assert where.metric.name == "llmtrain_value_explained_variance"
    assert peak == pytest.approx(-0.4, abs=0.01)
    assert not found(analyse("ppo", [*useless[:32], *_values(64)]), "value_fault")


def test_values_that_are_mostly_clipped_are_told() -> None:
    """The bound of an update is for exceptions."""
    peak, _ = informed(analyse("ppo", _values(80, val__clipfrac_avg=0.7)), "value_fault")
    assert peak == pytest.approx(0.7)


def test_a_loss_of_the_values_that_has_grown_is_told() -> None:
    """Slowly, so that no record of it is a spike."""
    rows = [{**row, "loss/value_avg": 0.1 * 1.02**at} for at, row in enumerate(_values(160))]
    assert found(analyse("ppo", rows), "value_fault")
    assert not found(analyse("ppo", _values(160)), "value_fault")


def test_a_process_that_goes_on_elsewhere_is_looked_at_anew() -> None:
    """What was seen before a resume is of other weights."""
    rows = _grpo_with(47, _spread(6.0, 0.4, 0.5))
    analysis = Analysis(BUILT_IN["grpo"], {})
    for record in records(rows):
        analysis.fold(record, record.step or 0)
    analysis.resume(10)
    for record in records(rows[:32]):
        analysis.fold(record, record.step or 0)
    assert not found(analysis, "reward_dominated")
