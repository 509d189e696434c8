"""What is said of a run: its metrics, findings, causes and actions, and numbers as people read them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.meaning import Healthy, LimitOf, Worry
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import LIMITS, SIGNALS
from llmtrain_exporter.knowledge.text import PATTERN, Lang
from llmtrain_exporter.model import Episode, HyperParameters, Incident, Series, Snapshot, series
from llmtrain_exporter.story import diagnosis
from llmtrain_exporter.story.metrics import metric_rows
from llmtrain_exporter.story.numbers import number, range_text, series_name, value_text

from tests.serving import RUN

TRAIN, EVAL = ("split", "train"), ("split", "eval")
KL, LOSS, GRAD_NORM = series(c.KL, TRAIN), series(c.LOSS, TRAIN), series(c.GRAD_NORM)
KL_SPIKE = Episode("kl_spike", Severity.WARNING, 20, 24, 3, 0.5, 21, 0.1, KL, 0.02, None, active=False)
GRPO = HyperParameters(numbers={"beta": 0.04, "learning_rate": 1e-5, "max_grad_norm": 0.5})


def of(*episodes: Episode, base: str = "grpo", **samples: float) -> Snapshot:
    """A run with these episodes, and its last values by metric name."""
    known = {one.metric.name.removeprefix("llmtrain_"): one for one in (KL, LOSS, GRAD_NORM)}
    values = {known[name]: value for name, value in samples.items()}
    run = replace(RUN, profile=base, base=base, limits=LIMITS[base], episodes=episodes, hyper_parameters=GRPO)
    return replace(run, samples=values)


def judged(run: Snapshot) -> dict[str, str]:
    """What is thought of each metric."""
    return {row.name: row.judged for row in metric_rows(run, Lang.EN)}


def only(run: Snapshot, lang: Lang = Lang.EN) -> diagnosis.Finding:
    """The one finding of a run."""
    (one,) = diagnosis.findings(run, lang)
    return one


# Findings


def test_an_episode_is_told_by_its_worst() -> None:
    """With its value, step and usual level."""
    one = only(of(KL_SPIKE))
    assert one.text == "kl jumped to 0.5 at step 21, usual level 0.02."
    assert (one.first_step, one.last_step, one.times, one.severity) == (20, 24, 1, Severity.WARNING)


def test_episodes_of_one_signal_are_told_once_by_the_worst_of_them() -> None:
    """From the first to the last; severity goes before height."""
    worse = KL_SPIKE._replace(first_step=50, last_step=60, peak=0.4, peak_step=55, severity=Severity.CRITICAL)
    higher = KL_SPIKE._replace(first_step=80, last_step=90, peak=0.9, active=True)
    one = only(of(KL_SPIKE, worse, higher))
    assert (one.first_step, one.last_step, one.times) == (20, None, 3)
    assert one.severity is Severity.CRITICAL
    assert "0.4 at step 55" in one.text


@pytest.mark.parametrize(
    ("signal", "peaks", "worst"), [("length_collapse", (30, 10, 20), 10), ("kl_high", (6, 9), 9)]
)
def test_the_worst_of_what_falls_is_the_lowest(signal: str, peaks: tuple[float, ...], worst: float) -> None:
    """And of what rises the highest."""
    episodes = [KL_SPIKE._replace(signal=signal, peak=float(peak), baseline=None) for peak in peaks]
    assert f" {worst} " in f"{only(of(*episodes)).text} ".replace(",", " ").replace(".", " ")


def test_nan_is_worse_than_any_number() -> None:
    """Whichever came first."""
    episode = KL_SPIKE._replace(signal="kl_high", peak=math.nan, peak_step=30)
    assert "kl is NaN at step 30" in only(of(KL_SPIKE._replace(signal="kl_high", peak=9.0), episode)).text


def test_signals_of_different_series_are_told_apart() -> None:
    """Two reward functions that drop are two findings."""
    one, other = (
        KL_SPIKE._replace(
            signal="reward_function_drop", metric=series(c.REWARD_FUNCTION_MEAN, ("function", name), TRAIN)
        )
        for name in ("Format", "Accuracy")
    )
    texts = [finding.text for finding in diagnosis.findings(of(one, other), Lang.EN)]
    assert [("Format" in text, "Accuracy" in text) for text in texts] == [(True, False), (False, True)]


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("signal", SIGNALS)
def test_every_finding_is_a_full_sentence(signal: str, lang: Lang) -> None:
    """No placeholder is left, in whatever series and with or without a usual level."""
    for metric in SIGNALS[signal].metrics:
        episode = KL_SPIKE._replace(signal=signal, metric=series(metric), baseline=None)
        text = only(of(episode), lang).text
        assert PATTERN.search(text) is None
        assert text.endswith("." if lang is Lang.EN else "。")
        assert text.count("{") == 0


# What speaks against a run


def test_the_worst_comes_first_and_the_collapse_before_its_parts() -> None:
    """What is only to know does not count."""
    spike = KL_SPIKE._replace(severity=Severity.CRITICAL)
    collapse = spike._replace(signal="collapse", first_step=30)
    warning = KL_SPIKE._replace(signal="loss_spike", first_step=1)
    info = KL_SPIKE._replace(signal="lr_out_of_range", severity=Severity.INFO)
    assert diagnosis.against(of(warning, info, spike, collapse)) == ["collapse", "kl_spike", "loss_spike"]


def test_an_own_profile_has_the_limits_that_it_has_itself() -> None:
    """Whatever its base has."""
    run = replace(of(KL_SPIKE), profile="mine")
    without = replace(run, limits={name: bounds for name, bounds in run.limits.items() if name != "kl_high"})
    assert [row.healthy for row in metric_rows(replace(without, samples={KL: 1.0}), Lang.EN)] == [""]


def test_the_last_checkpoint_before_an_incident_is_found() -> None:
    """Not one from its midst."""
    incident = Incident(100, 120, None, (), (), True, False)
    assert diagnosis.checkpoint_before(replace(RUN, checkpoints=(50, 90, 100, 150)), incident) == 90
    assert diagnosis.checkpoint_before(replace(RUN, checkpoints=(150,)), incident) is None


# The table


@pytest.mark.parametrize(
    ("value", "thought"),
    [(0.001, "fine"), (4.9, "fine"), (5.1, "look"), (math.nan, "look"), (math.inf, "look")],
)
def test_a_value_is_held_against_its_healthy_range(value: float, thought: str) -> None:
    """On the sides that matter; what is no number is critical where the weights are lost."""
    assert judged(of(kl=value)) == {"kl": thought}
    lost = KL_SPIKE._replace(signal="non_finite", metric=LOSS, active=True, severity=Severity.CRITICAL)
    if not math.isfinite(value):
        assert judged(of(lost, kl=value)) == {"kl": "critical"}


def test_a_signal_that_lasts_goes_before_the_range() -> None:
    """One that is over, or only to know, does not."""
    lasts = KL_SPIKE._replace(active=True)
    assert judged(of(lasts, kl=0.5)) == {"kl": "warning"}
    assert judged(of(lasts, lasts._replace(signal="kl_high", severity=Severity.CRITICAL), kl=9)) == {
        "kl": "critical"
    }
    assert judged(of(KL_SPIKE, kl=0.5)) == {"kl": "fine"}
    assert judged(of(lasts._replace(severity=Severity.INFO), kl=0.5)) == {"kl": "fine"}


def test_nothing_is_fine_where_the_weights_are_nan() -> None:
    """The trainer's own filter writes a loss of 0."""
    lost = KL_SPIKE._replace(signal="non_finite", metric=GRAD_NORM, active=True, severity=Severity.CRITICAL)
    assert judged(of(lost, base="sft", loss=0.0, grad_norm=math.nan)) == {"loss": "", "grad_norm": "critical"}
    assert judged(of(base="sft", loss=0.5))["loss"] == "fine"


def test_a_learning_rate_of_0_at_the_end_of_decay_is_fine() -> None:
    """Only a high one is worth a look."""
    run = replace(of(base="sft"), samples={series(c.LEARNING_RATE): 0.0})
    assert judged(run) == {"learning_rate": "fine"}


def test_training_comes_before_evaluation_in_the_catalogues_order() -> None:
    """Whatever the order of the log's keys."""
    samples = {series(c.KL, TRAIN): 0.1, series(c.LOSS, EVAL): 1.0, LOSS: 1.0, series(c.STEP): 3.0}
    rows = list(metric_rows(replace(of(), samples=samples), Lang.EN))
    assert [row.name for row in rows] == ["loss", "loss (eval)", "kl"]
    assert [row.main for row in rows] == [True, False, True]


def test_ratios_without_a_range_are_no_main_metrics() -> None:
    """They say what other rows say."""
    samples = {series(c.GRAD_NORM_CLIP): 3.0, series(c.COMPLETION_LENGTH_LIMIT): 0.5}
    assert {row.name: row.main for row in metric_rows(replace(of(), samples=samples), Lang.EN)} == {
        "grad_norm_clip_ratio": False,
        "completion_length_limit_ratio": True,
    }


def test_every_signal_has_a_title_to_tell_it_by() -> None:
    """Short enough for a line in a list."""
    assert [name for name in SIGNALS if not 0 < len(SIGNALS[name].advice.title.en) <= 40] == []


# Numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.0, "3"),
        (-2.0, "-2"),
        (16384.0, "16384"),
        (16384.5, "16384"),
        (-123456.7, "-123457"),
        (9999.4, "9999"),
        (9999.6, "10000"),
        (999999.0, "999999"),
        (999999.6, "1e6"),
        (2.3e9, "2.3e9"),
        (-1.5e100, "-1.5e100"),
        (0.00012345, "0.0001234"),
        (1e-5, "1e-5"),
        (-1.5e-10, "-1.5e-10"),
        (-0.0, "0"),
        (-0.05629, "-0.05629"),
        (math.nan, "NaN"),
        (math.inf, "Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_numbers_are_written_as_people_do(value: float, text: str) -> None:
    """Four digits, whole where more stand before the point; no zeros and no plus in a power of ten."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        (c.MEMORY, 3 * 2.0**30, "3 GiB"),
        (c.MEMORY, 5.0, "5 B"),
        (c.ELAPSED, 90.0, "1 min 30 s"),
        (c.ELAPSED, 2 * 86400.0, "2 d"),
        (c.ELAPSED, 0.5, "0.5 s"),
        (c.ELAPSED, math.nan, "NaN s"),
        (c.KL, 0.5, "0.5"),
    ],
)
def test_values_have_their_unit(metric: Metric, value: float, text: str) -> None:
    """In what fits their size."""
    assert value_text(value, metric, Lang.EN) == text


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (KL, "kl"),
        (series(c.LOSS, EVAL), "loss (eval)"),
        (series(c.REWARD_FUNCTION_MEAN, ("function", "Format"), TRAIN), "reward_function_mean Format"),
    ],
)
def test_a_series_is_named_without_prefix(one: Series, name: str) -> None:
    """With its own label, and what is of an evaluation."""
    assert series_name(one) == name


@pytest.mark.parametrize(
    ("healthy", "text"),
    [
        (Healthy(0.1, 10.0), "0.1 - 10"),
        (Healthy(0.1, 10.0, Worry.ABOVE), "<= 10"),
        (Healthy(0.1, 10.0, Worry.BELOW), ">= 0.1"),
        (Healthy(high=LimitOf("kl_high", Severity.WARNING)), "<= 5"),
        (Healthy(), ""),
    ],
)
def test_a_range_shows_the_sides_that_matter(healthy: Healthy, text: str) -> None:
    """A value below "<= 10" is fine, and the table says so."""
    assert range_text(healthy, c.KL, LIMITS["grpo"], Lang.EN) == text
