"""What each signal reads in a run's records, and what it passes over."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmtrain_exporter.analyse import run_series
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.columns import Columns
from llmtrain_exporter.analyse.signals.rule import REWARD_STD, Context, Rule
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import BUILT_IN, LIMITS, SIGNALS
from llmtrain_exporter.knowledge.signals.policy import KL_HIGH
from llmtrain_exporter.model import Health, Series

from tests.analysing import Row, analyse, changed, found, grpo, records, sft, signals, state

GRPO_SIGNALS = [
    ("kl_high", 60, 61, {"kl": 6.0}, "warning"),
    ("kl_high", 60, 61, {"kl": 10.5}, "critical"),
    ("kl_high", 60, 63, {"kl": 9.5}, "critical"),
    ("kl_spike", 60, 61, {"kl": 0.6}, "warning"),
    ("kl_spike", 60, 61, {"kl": 2.0}, "warning"),
    ("kl_spike", 60, 62, {"kl": 2.0}, "critical"),
    ("loss_spike", 60, 61, {"loss": 0.5}, "warning"),
    ("grad_spike", 60, 61, {"grad_norm": 30.0}, "info"),
    ("grad_spike", 60, 61, {"grad_norm": 100.0}, "info"),
    ("grad_spike", 60, 62, {"grad_norm": 30.0}, "warning"),
    ("grad_spike", 60, 62, {"grad_norm": 100.0}, "critical"),
    ("grad_vanishing", 60, 70, {"grad_norm": 0.001, "reward": 0.4}, "warning"),
    ("clip_ratio_high", 60, 65, {"clip_ratio__region_mean": 0.4}, "warning"),
    ("length_surge", 60, 61, {"completions__mean_length": 340.0}, "warning"),
    ("length_collapse", 60, 61, {"completions__mean_length": 80.0}, "warning"),
    ("clipped_high", 60, 64, {"completions__clipped_ratio": 0.2}, "warning"),
    ("clipped_high", 60, 64, {"completions__clipped_ratio": 0.5}, "critical"),
    ("reward_drop", 60, 62, {"reward": 0.9}, "warning"),
    ("reward_function_drop", 60, 61, {"rewards__Format__mean": 0.2}, "warning"),
    ("reward_flat", 60, 65, {"reward_std": 0.0, "reward": 0.4}, "warning"),
    ("reward_flat", 60, 65, {"frac_reward_zero_std": 0.95, "reward": 0.4}, "warning"),
    ("entropy_collapse", 60, 65, {"entropy__mean": 0.05}, "warning"),
    ("non_finite", 60, 61, {"grad_norm": "NaN"}, "warning"),
    ("non_finite", 60, 62, {"loss": 0.0, "grad_norm": "NaN"}, "critical"),
    ("non_finite", 60, 65, {"grad_norm": "NaN"}, "critical"),
    ("non_finite", 60, 61, {"kl": "NaN"}, "warning"),
    ("non_finite", 60, 61, {"reward": "NaN"}, "critical"),
    ("non_finite", 60, 61, {"loss": "Infinity"}, "critical"),
    ("lr_out_of_range", 60, 65, {"learning_rate": 2e-3}, "info"),
]
SFT_SIGNALS = [
    ("non_finite", 60, 61, {"loss": 0.0, "grad_norm": "NaN"}, "critical"),
    ("non_finite", 60, 62, {"loss": 0.0}, "critical"),
    ("non_finite", 60, 61, {"grad_norm": "NaN"}, "warning"),
    ("loss_diverged", 60, 63, {"loss": 10.3}, "critical"),
    ("loss_spike", 60, 61, {"loss": 2.5}, "warning"),
    ("loss_spike", 60, 70, {"loss": 2.5}, "critical"),
    ("grad_norm_high", 60, 62, {"grad_norm": 12.0}, "warning"),
    ("grad_norm_high", 60, 62, {"grad_norm": 25.0}, "critical"),
    ("grad_spike", 60, 61, {"grad_norm": 15.0}, "warning"),
    ("grad_vanishing", 60, 70, {"grad_norm": 0.001}, "warning"),
    ("accuracy_drop", 60, 65, {"token_acc": 0.7}, "warning"),
    ("entropy_collapse", 60, 80, {"entropy": 0.2}, "info"),
    ("loss_unstable", 60, 80, {"loss": 1.4}, "warning"),
]


@pytest.mark.parametrize(("signal", "start", "end", "values", "severity"), GRPO_SIGNALS)
def test_a_grpo_run_shows_each_signal(
    signal: str, start: int, end: int, values: dict[str, object], severity: str
) -> None:
    """Each signal holds for the values it is about, at its severity, and clears when they are over."""
    analysis = analyse("grpo", changed(grpo(120), start, end, **values))
    episode = found(analysis, signal)[0]
    assert episode.severity.value == severity
    assert start < episode.first_step <= end
    assert not episode.active


@pytest.mark.parametrize(("signal", "start", "end", "values", "severity"), SFT_SIGNALS)
def test_a_supervised_run_shows_each_signal(
    signal: str, start: int, end: int, values: dict[str, object], severity: str
) -> None:
    """The same for supervised fine-tuning, with the FAQ's numbers."""
    analysis = analyse("sft", changed(sft(120), start, end, **values))
    episode = found(analysis, signal)[0]
    assert episode.severity.value == severity
    assert start < episode.first_step <= end


class Slow(Rule):
    """A rule that reads no record for itself."""

    signal = KL_HIGH
    compared = (REWARD_STD,)


NOISES = (0.1, -0.1, 0.05, -0.2, 0.2, -0.35, 0.1, -0.3)
"""Of the mean of eight completions, half of which are right."""


def test_a_rule_that_looks_back_alone_has_the_levels_that_it_asks_for() -> None:
    """What a rule compares is remembered where nobody else watches it."""
    (record,) = records(grpo(1))
    asked, others = Columns((Slow(Context(LIMITS["grpo"], {})),)), Columns(())
    assert REWARD_STD in asked.plan(record.layout).series
    assert REWARD_STD in asked.at
    assert REWARD_STD not in others.plan(record.layout).series


HARMLESS = [
    ("the first record", 0, 1, {"loss": 20.0, "grad_norm": 1600.0}),
    ("kl of a new run", 0, 5, {"kl": 0.0}),
    ("a clip ratio of 0", 0, 300, {"clip_ratio__region_mean": 0.0}),
    ("a loss of about 0", 0, 300, {"loss": 0.0}),
    ("one record with nothing to tell apart", 60, 61, {"reward_std": 0.0, "frac_reward_zero_std": 1.0}),
    ("one record with some cut off", 60, 61, {"completions__clipped_ratio": 0.2}),
    ("a kl below its floor", 0, 300, {"kl": 0.0001}),
    ("a long reward", 60, 61, {"reward": 3.0}),
]


@pytest.mark.parametrize(("what", "start", "end", "values"), HARMLESS)
def test_what_is_ordinary_is_passed_over(what: str, start: int, end: int, values: dict[str, object]) -> None:
    """Nothing is said of what healthy runs do."""
    analysis = analyse("grpo", changed(grpo(300), start, end, **values))
    assert signals(analysis) == set(), what
    assert analysis.verdict is Health.HEALTHY


def test_an_entropy_that_falls_early_is_healthy() -> None:
    """Three quarters of it are gone after 200 steps of a run that goes well."""
    rows = [{**row, "entropy/mean": 0.2 + 0.6 * math.exp(-at / 60)} for at, row in enumerate(grpo(400))]
    assert signals(analyse("grpo", rows)) == set()


def test_a_memorised_run_cannot_spike() -> None:
    """Ten times a loss and a gradient of almost nothing is still nothing."""
    rows = changed(sft(300, loss=1e-4, grad_norm=1e-3), 200, 201, loss=5e-3, grad_norm=0.5)
    assert signals(analyse("sft", rows)) == set()


def test_the_first_high_gradients_of_a_run_are_an_ordinary_start() -> None:
    """grad_norm_high holds from the sixth record on."""
    assert signals(analyse("sft", changed(sft(100), 0, 5, grad_norm=60.0))) == set()


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0, 40_000.0])
def test_gradients_are_held_against_the_run_itself(scale: float) -> None:
    """20,000 to 50,000 is a run's normal as well as 0.1; ten times of it is not."""
    rows = [{**row, "grad_norm": scale * float(str(row["grad_norm"]))} for row in grpo(200)]
    assert signals(analyse("grpo", rows)) == set()
    worse = changed(rows, 150, 152, grad_norm=scale * 20)
    assert signals(analyse("grpo", worse)) == {"grad_spike"}


def test_two_gradients_that_come_apart_are_no_critical_ones() -> None:
    """Two bad batches with a good one between them; two in a row are no accident."""
    apart = changed(changed(grpo(120), 60, 61, grad_norm=90.0), 62, 63, grad_norm=90.0)
    assert {e.severity.value for e in found(analyse("grpo", apart), "grad_spike")} == {"warning"}
    row = changed(grpo(120), 60, 62, grad_norm=90.0)
    assert {e.severity.value for e in found(analyse("grpo", row), "grad_spike")} == {"critical"}


def test_a_wide_kl_about_one_is_critical_only_where_it_lasts() -> None:
    """The baseline is taken to be lower than that; what stays at twice as much is a dead run."""
    source = random.Random(5)
    wide = [
        {**row, "kl": min(4.0, source.lognormvariate(0, 0.5) * min(1.0, at / 200))}
        for at, row in enumerate(grpo(400))
    ]
    high = [float(str(row["kl"])) >= 2 for row in wide]
    assert any(before and after for before, after in pairwise(high))
    assert "critical" not in {e.severity.value for e in found(analyse("grpo", wide), "kl_spike")}
    dead = [{**row, "kl": 2.5} if at >= 300 else row for at, row in enumerate(wide)]
    episode = found(analyse("grpo", dead), "kl_spike")[-1]
    assert (episode.severity.value, episode.active) == ("critical", True)
    assert 300 < episode.first_step <= 310


def test_a_noisy_reward_function_that_dies_is_found_by_its_mean() -> None:
    """Where single records say nothing, sixteen of them do."""
    rows = [{**row, "rewards/Accuracy/mean": (at % 5) / 5 + 0.05} for at, row in enumerate(grpo(300))]
    dead = [
        {**row, "rewards/Accuracy/mean": (at % 5) / 40} if at >= 200 else row for at, row in enumerate(rows)
    ]
    assert signals(analyse("grpo", rows)) == set()
    assert "reward_function_drop" in signals(analyse("grpo", dead))


def test_overfit_is_an_evaluation_that_says_another_thing() -> None:
    """Twice the training loss, or rising from one to the next while the training loss falls."""
    assert found(analyse("sft", _evaluated([0.7, 0.7, 0.7])), "overfit") == []
    assert found(analyse("sft", _evaluated([0.7, 1.4, 1.5])), "overfit")[0].severity is Severity.WARNING
    rising = _evaluated([0.70, 0.72, 0.75], falling=0.002)
    assert found(analyse("sft", rising), "overfit")[0].first_step == 150
    assert (
        found(analyse("sft", _evaluated([0.7, 1.0, 1.9], loss=0.01)), "overfit")[-1].severity
        is Severity.CRITICAL
    )


@pytest.mark.parametrize(
    ("losses", "severity"),
    [
        ([1.8, 1.7, 1.6, 1.5], Severity.WARNING),
        ([1.8, 1.5, 1.6, 1.7], Severity.CRITICAL),
        ([1.8, 1.5, 1.5, 1.5, 1.5, 1.5], Severity.CRITICAL),
    ],
)
def test_a_gap_is_not_critical_while_evaluation_itself_improves(
    losses: list[float], severity: Severity
) -> None:
    """The model still learns the task, however well it knows its samples."""
    rows = _evaluated(losses)
    rows = rows[:60] + [{**row, "loss": 0.015} if "loss" in row else row for row in rows[60:]]
    episodes = found(analyse("sft", rows), "overfit")
    assert max(episodes, key=lambda episode: episode.severity.rank).severity is severity


def _evaluated(losses: list[float], loss: float | None = None, falling: float = 0.0) -> list[Row]:
    rows: list[Row] = []
    for number, evaluated in enumerate(losses):
        for row in sft(50, number):
            trained = float(str(row["loss"])) - falling * len(rows) if loss is None else loss
            rows.append({**row, "loss": trained, "global_step/max_steps": f"{len(rows) + 1 - number}/2000"})
        rows.append({"eval_loss": evaluated, "global_step/max_steps": f"{50 * (number + 1)}/2000"})
    return rows


def test_a_nan_evaluation_is_not_finite() -> None:
    """A model of NaN weights shows in its evaluation, too."""
    rows: list[Row] = [*sft(30), {"eval_loss": "NaN", "global_step/max_steps": "30/2000"}]
    assert signals(analyse("sft", rows)) == {"non_finite"}


def test_half_the_speed_for_long_is_told() -> None:
    """Three blocks of records at half of the run's own speed, and minutes lost."""

    def timed(slow_from: int) -> list[Row]:
        seconds = 0.0
        rows: list[Row] = []
        for at, row in enumerate(grpo(300)):
            seconds += 30 if at >= slow_from else 12
            rows.append({**row, "elapsed_time": f"{int(seconds)}s"})
        return rows

    assert "throughput_drop" not in signals(analyse("grpo", timed(1000)))
    assert "throughput_drop" in signals(analyse("grpo", timed(150)))


def test_memory_that_goes_on_growing_is_told() -> None:
    """The peak of memory is known after the first tenth of a run; a leak goes on."""
    flat = [{**row, "memory(GiB)": 40.0} for row in sft(900)]
    leaking = [{**row, "memory(GiB)": 40.0 + at / 30} for at, row in enumerate(sft(900))]
    assert "memory_growth" not in signals(analyse("sft", flat))
    assert "memory_growth" in signals(analyse("sft", leaking))


def test_a_resumed_run_has_new_baselines() -> None:
    """What was normal before the resume says nothing about the process that goes on."""
    analysis = Analysis(BUILT_IN["grpo"], {})
    for record in records(grpo(100)):
        analysis.fold(record, record.step or 0)
    analysis.resume(50)
    for record in records(grpo(100, kl=0.15, grad_norm=90.0)):
        analysis.fold(record, 50 + (record.step or 0))
    assert signals(analysis) == set()


def test_a_run_that_was_rolled_back_is_watched_and_not_broken() -> None:
    """A collapse before the last resume has been dealt with."""
    analysis = Analysis(BUILT_IN["grpo"], {})
    for record in records(changed(grpo(100), 80, 100, kl=12.0, rewards__Format__mean=0.1)):
        analysis.fold(record, record.step or 0)
    assert analysis.verdict is Health.BROKEN
    analysis.resume(60)
    for record in records(grpo(100)):
        analysis.fold(record, 60 + (record.step or 0))
    assert (analysis.health, analysis.verdict) == (Health.HEALTHY, Health.WATCH)


def test_every_profile_knows_its_signals() -> None:
    """Each limit belongs to a signal, and severities go from the least to the worst."""
    for limits in LIMITS.values():
        assert set(limits) <= set(SIGNALS)
        for bounds in limits.values():
            assert list(bounds) == sorted(bounds, key=lambda severity: severity.rank)


@pytest.mark.parametrize("profile", list(LIMITS))
def test_a_signal_that_never_came_up_has_no_series(profile: str) -> None:
    """Forty of them would be half of a run's series; the rules know that a counter that begins is new."""
    row: Row = {"loss": 1.0, "reward": 1.0, "kl": 0.1}
    calm = analyse(profile, [row])
    assert [one for one, _ in _of_signals(calm)] == []
    assert {value for _, value in run_series.counters(calm)} == {0.0}
    broken = analyse(profile, [row, {**row, "loss": "NaN"}])
    told = {dict(one.labels).get("signal") for one, _ in _of_signals(broken)}
    assert "non_finite" in told
    severities = len(LIMITS[profile]["non_finite"])
    named = [one for one, _ in _of_signals(broken) if ("signal", "non_finite") in one.labels]
    assert len(named) == 2 * severities


def _of_signals(analysis: Analysis) -> list[tuple[Series, float]]:
    found = [*run_series.counters(analysis), *run_series.gauges(analysis)]
    return [(one, value) for one, value in found if one.metric in (m.SIGNAL_RECORDS, m.SIGNAL_ACTIVE)]


NUMBERS = st.one_of(
    st.floats(0, 1e6),
    st.sampled_from([0.0, 0.02, 0.5, 12.0, 1e5, "NaN", "Infinity", -1.0]),
)
KEYS = (
    "loss",
    "grad_norm",
    "kl",
    "reward",
    "reward_std",
    "rewards/A/mean",
    "completions/mean_length",
    "elapsed_time",
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 119), st.sampled_from(KEYS), NUMBERS), max_size=12),
    st.integers(1, 119),
    st.booleans(),
)
def test_looking_at_a_run_changes_nothing(
    changes: list[tuple[int, str, object]], looked: int, sparse: bool
) -> None:
    """A log in one go, or again from its start with a look after any row: the same state."""
    rows = grpo(120)
    for at, key, value in changes:
        rows[at] = {**rows[at], key: value}
    if sparse:
        rows = [{k: v for k, v in row.items() if at % 2 or "reward" not in k} for at, row in enumerate(rows)]
    whole, watched = (
        analyse("grpo", rows),
        Analysis(BUILT_IN["grpo"], {}, episodes_kept=1000, kl_clamp=SWIFT.kl_clamp),
    )
    for at, record in enumerate(records(rows)):
        watched.fold(record, record.step or 0)
        if at >= looked:
            state(watched)
    assert state(whole) == state(watched)


def _sliding(start: float, end: float, records: int, noise: float = 0.05) -> list[Row]:
    """A run whose accuracy slides from one value to another, from record 40 on."""
    source = random.Random(1)
    rows: list[Row] = []
    for at, row in enumerate(grpo(160 + records)):
        done = min(max(at - 40, 0) / records, 1.0)
        mean = start + (end - start) * done
        rows.append({**row, "rewards/Accuracy/mean": max(mean + source.gauss(0, noise), 0.0)})
    return rows


@pytest.mark.parametrize("records", [30, 60, 90])
def test_a_reward_function_that_slides_is_told_in_time(records: int) -> None:
    """A warning within 15 records of a lost quarter, critical once half is lost for long."""
    analysis = analyse("grpo", _sliding(0.62, 0.12, records))
    (episode,) = found(analysis, "reward_function_drop")
    quarter = 40 + records * 0.155 / 0.5
    assert quarter - 5 <= episode.first_step <= quarter + 15
    assert episode.severity is Severity.CRITICAL
    assert analysis.incidents[0].onset_step <= episode.first_step


@pytest.mark.parametrize("end", [0.55, 0.62, 0.8])
def test_a_reward_function_that_holds_its_best_is_not_told_to_slide(end: float) -> None:
    """A tenth less is noise, and more is welcome."""
    assert found(analyse("grpo", _sliding(0.62, end, 60)), "reward_function_drop") == []


def test_a_solved_task_is_no_warning() -> None:
    """Where all completions are right no group has a spread, and there is no gradient."""
    rows = changed(grpo(200), 100, 200, reward=1.4, reward_std=0.0, frac_reward_zero_std=1.0, grad_norm=0.0)
    analysis = analyse("grpo", rows)
    assert signals(analysis) == set()
    assert [episode.severity for episode in found(analysis, "reward_flat")] == [Severity.INFO]


def test_nothing_earned_is_as_bad_as_can_be() -> None:
    """No reward, no spread, no gradient from the first record on."""
    nothing = {"reward": 0.0, "reward_std": 0.0, "frac_reward_zero_std": 1.0, "grad_norm": 0.0}
    analysis = analyse("grpo", changed(grpo(60), 0, 60, **nothing))
    assert found(analysis, "reward_flat")[0].severity is Severity.CRITICAL


def test_small_batches_without_a_spread_are_usual() -> None:
    """Of two groups both are often alike; a row of sixteen is not."""
    rows = [
        {**row, "reward": 0.4, "reward_std": 0.0 if at % 8 < 5 else 0.2} for at, row in enumerate(grpo(200))
    ]
    flat = found(analyse("grpo", rows[3:]), "reward_flat")
    assert all(episode.first_step < 20 for episode in flat)
    dead = [{**row, "reward_std": 0.0} if at >= 150 else row for at, row in enumerate(rows)]
    assert "reward_flat" in {
        episode.signal for episode in analyse("grpo", dead).episodes if episode.first_step > 150
    }


def test_rewards_that_are_lost_over_the_first_records_are_told_before_they_are_gone() -> None:
    """They fall from record to record, so that what was before says ever less: the first ones count."""
    rewards = [0.76, 0.71, 0.79, 0.55, 0.3, 0.1, *([0.02] * 14)]
    rows = [
        {**row, "reward": reward, "reward_std": 0.34} for row, reward in zip(grpo(20), rewards, strict=True)
    ]
    episode = found(analyse("grpo", rows), "reward_drop")[0]
    assert episode.severity.value == "critical"
    assert episode.first_step <= 7
    few = [
        {**row, "reward": 0.5 + noise, "reward_std": 0.35} for row, noise in zip(grpo(8), NOISES, strict=True)
    ]
    assert not found(analyse("grpo", few), "reward_drop")


def test_a_collapse_in_the_first_records_is_told_within_two() -> None:
    """Before there is a baseline, three records are enough to see that nearly all is lost."""
    broken = {"reward": 0.02, "completions__clipped_ratio": 0.9}
    analysis = analyse("grpo", changed(grpo(20), 3, 20, **broken))
    assert found(analysis, "clipped_high")[0].first_step <= 5
    assert found(analysis, "collapse")[0].first_step <= 6


def test_nothing_is_trained_without_gradient_and_learning_rate() -> None:
    """From the first record on; at the end of a schedule the learning rate is 0 as well."""
    still = changed(sft(40), 0, 40, grad_norm=0.0, learning_rate=0.0, loss=12.0)
    assert "grad_vanishing" in signals(analyse("sft", still))
    ended = changed(sft(120), 100, 120, grad_norm=0.0, learning_rate=0.0)
    assert "grad_vanishing" not in signals(analyse("sft", ended))


def test_a_memorised_run_has_high_gradients_now_and_then() -> None:
    """A sample that it does not know makes one; that is at most a warning."""
    rows = [
        {**row, "loss": 0.05, "grad_norm": 25.0 if at % 20 > 17 else 0.3} for at, row in enumerate(sft(300))
    ]
    analysis = analyse("sft", rows)
    assert {episode.severity for episode in found(analysis, "grad_norm_high")} <= {Severity.WARNING}


@pytest.mark.parametrize("shift", [-1.5, -3.0, -100.0])
def test_rewards_may_be_punishments(shift: float) -> None:
    """All of them below 0, or about it: no share of the best can be left."""
    rows = [{**row, "reward": float(str(row["reward"])) + shift} for row in grpo(120)]
    assert signals(analyse("grpo", rows)) == set()


def test_only_a_trainer_that_clamps_kl_has_a_clamp() -> None:
    """Others hold it against their limits as they stand; so does a run whose kl rose above the clamp."""
    rows = [*grpo(20), *grpo(6, kl=9.5)]
    assert found(analyse("grpo", rows), "kl_high")[0].limit == 9
    elsewhere = Analysis(BUILT_IN["grpo"], {})
    for record in records(rows):
        elsewhere.fold(record, record.step or 0)
    assert [episode.limit for episode in found(elsewhere, "kl_high")] == [5]
    above = found(analyse("grpo", [*grpo(20), *grpo(1, kl=12.0), *grpo(30, kl=9.5)]), "kl_high")
    assert {episode.limit for episode in above} <= {5, 10}


def in_epochs(rows: list[dict[str, object]], each: int) -> list[Row]:
    """The rows with the epoch that each is in, so many rows in one."""
    return [{**row, "epoch": number / each} for number, row in enumerate(rows, 1)]


def test_a_loss_that_has_left_its_level_is_on_no_plateau() -> None:
    """The level of a diverged loss is that from before; what stays where it was is told."""
    flat, lost = sft(300, loss=1.4), [*sft(60, loss=1.4), *sft(240, loss=8.0, grad_norm=90.0)]
    assert found(analyse("sft", in_epochs(flat, 40)), "loss_plateau")
    assert not found(analyse("sft", in_epochs(lost, 40)), "loss_plateau")


def test_a_loss_that_stays_at_what_guessing_costs_is_lost() -> None:
    """From the first record on; a model that is trained from scratch begins there, and leaves."""
    stuck = [{**row, "loss": 11.93 + 0.01 * (at % 3)} for at, row in enumerate(sft(700))]
    analysis = analyse("sft", stuck)
    assert analysis.verdict is Health.BROKEN
    assert found(analysis, "loss_diverged")[0].first_step == 600  # of 2,000
    fresh = [{**row, "loss": 11.9 - at / 200} for at, row in enumerate(sft(700))]
    assert not found(analyse("sft", fresh), "loss_diverged")


def test_a_learning_rate_that_was_never_above_0_is_a_warning() -> None:
    """Nothing is trained, whatever the gradient; a warm-up and the end of a schedule are something else."""
    analysis = analyse("sft", changed(sft(400), 0, 400, learning_rate=0.0))
    (episode,) = found(analysis, "lr_out_of_range")
    assert episode.severity is Severity.WARNING
    assert analysis.verdict is Health.WATCH
    warming = changed(sft(400), 0, 20, learning_rate=0.0)
    assert not found(analyse("sft", warming), "lr_out_of_range")


def test_the_same_punishment_for_all_from_the_first_record_on_is_as_bad_as_can_be() -> None:
    """Nobody earns anything else, and there is no gradient. Of what punishes, 0 is the best."""
    dead: dict[str, Any] = {"reward_std": 0.0, "frac_reward_zero_std": 1.0, "grad_norm": 0.0, "loss": 0.0}
    assert analyse("grpo", grpo(40, reward=-1.0, **dead)).verdict is Health.BROKEN
    best = [*grpo(40, reward=-0.5), *grpo(40, reward=0.0, **dead)]
    assert analyse("grpo", best).verdict is not Health.BROKEN
