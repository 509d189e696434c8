"""What is thought of a value: value, limit and word that stand beside each other are true of each other."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.ingest.dialects import trainer_state
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.meaning import is_healthy
from llmtrain_exporter.knowledge.signal import Measure, Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Episode, Health, Series, Snapshot, series
from llmtrain_exporter.publish.check import UNREADABLE as UNREADABLE_EXIT
from llmtrain_exporter.publish.check import exit_code
from llmtrain_exporter.publish.check_text import as_text
from llmtrain_exporter.story.judged import Judgement, is_beyond, judgement
from llmtrain_exporter.story.metrics import MetricRow, metric_rows
from llmtrain_exporter.story.ranges import healthy_of
from llmtrain_exporter.story.run_object import run_object
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.write.style import Style

from benchmarks.detection.score import analyse as read_log
from benchmarks.diagnosis.planted import PLANTS, planted_runs
from tests.analysing import analyse, found, grpo, sft
from tests.serving import RUN
from tests.test_corpus import NOW, checked, logs

KL = series(c.KL, ("split", "train"))
LOSS = series(c.LOSS, ("split", "train"))
BAD = ("warning", "critical")


def outside(row: MetricRow, run: Snapshot) -> bool:
    """Whether its last value is outside of its healthy range."""
    healthy, value = healthy_of(row.series, run.base), run.samples[row.series]
    return healthy is not None and not is_healthy(healthy, value, run.limits)


def contradictions(run: Snapshot, lang: Lang) -> Iterator[str]:
    """Rows of the table in which a value, what it is held against and the word do not fit."""
    for row in metric_rows(run, lang):
        within = bool(row.healthy) and not outside(row, run)
        calm = row.word == words.NOT_CALM.of(lang)
        told = f"{run.run}: {row.name} {row.value}, {row.beside}, {row.word}"
        if row.judged in BAD and not calm and within and row.beside == row.healthy:
            yield told
        if row.judged == "fine" and not within:
            yield told
        if calm and (row.judged not in BAD or outside(row, run)):
            yield told
        if run.verdict is Health.HEALTHY and row.judged in BAD:
            yield told


def crossed(episode: Episode) -> bool:
    """Whether the worst value of an episode is beyond its limit, or there is no limit to tell."""
    signal = SIGNALS[episode.signal]
    if signal.measure is Measure.TRUTH or not math.isfinite(episode.peak):
        return True
    down = signal.below or (episode.baseline is not None and episode.peak < episode.baseline)
    either_way = ("entropy_collapse", "lr_out_of_range", "reward_flat", "engine_mismatch")
    if episode.signal in either_way:
        down = episode.peak < episode.limit
    return episode.peak <= episode.limit if down else episode.peak >= episode.limit


def all_well_beside_doubts(run: Snapshot, lang: Lang) -> bool:
    """Whether all is called well above a row that is worth a look."""
    told = str(run_story(run, lang).sections)
    doubted = any(row.judged not in ("", "fine") for row in metric_rows(run, lang))
    return doubted and words.ALL_WELL.of(lang)[:8] in told


def real_runs(corpus: Path) -> list[Snapshot]:
    return [run for run in checked(*logs(corpus)) if isinstance(run, Snapshot)]


@pytest.mark.parametrize("lang", Lang)
def test_no_row_of_a_real_run_contradicts_itself(corpus: Path, lang: Lang) -> None:
    """Nor does a sentence above it."""
    runs = real_runs(corpus)
    assert len(runs) > 50
    assert [told for run in runs for told in contradictions(run, lang)] == []
    assert [run.run for run in runs if all_well_beside_doubts(run, lang)] == []


def test_every_limit_of_a_real_run_was_crossed(corpus: Path) -> None:
    """By the worst value of its episode."""
    episodes = [(run.run, episode) for run in real_runs(corpus) for episode in run.episodes]
    assert len(episodes) > 100
    assert [(run, episode) for run, episode in episodes if not crossed(episode)] == []


@pytest.mark.parametrize("lang", Lang)
def test_no_row_of_a_planted_run_contradicts_itself(lang: Lang) -> None:
    """One of each cause, at random."""
    for planted in planted_runs(31, len(PLANTS)):
        (run,) = read_log(planted.log, trainer_state.DIALECT, b"{}")[:1]
        assert list(contradictions(run, lang)) == []
        assert [episode for episode in run.episodes if not crossed(episode)] == []
        assert not all_well_beside_doubts(run, lang)


def test_a_proposed_learning_rate_is_a_healthy_one() -> None:
    """However far off the present one is."""
    for planted in planted_runs(32, len(PLANTS)):
        (run,) = read_log(planted.log, trainer_state.DIALECT, b"{}")[:1]
        healthy = healthy_of(series(c.LEARNING_RATE), run.base)
        changes = [change for remedy in diagnose(run).remedies for change in remedy.changes]
        rates = [change.value for change in changes if change.setting == "learning_rate"]
        known = [rate for rate in rates if isinstance(rate, float) and healthy is not None]
        assert all(is_healthy(healthy, rate, run.limits) for rate in known if healthy is not None)


def episode(
    signal: str, metric: Series, limit: float, baseline: float | None = None, peak: float = 9.0
) -> Episode:
    return Episode(signal, Severity.CRITICAL, 5, 9, 5, peak, 7, limit, metric, baseline, 5, True)


@pytest.mark.parametrize(
    ("value", "lasting", "judged"),
    [
        (7.0, (episode("kl_high", KL, 5.0),), Judgement("critical", "critical", "<= 5")),
        (3.0, (episode("kl_spike", KL, 0.2, 0.01),), Judgement("critical", "critical", "usual 0.01")),
        (3.0, (episode("kl_high", KL, 5.0),), Judgement("critical", "not yet calm", "<= 5")),
        (2e-5, (episode("kl_spike", KL, 0.2, 0.01),), Judgement("critical", "not yet calm", "<= 5")),
        (2e-5, (episode("collapse", KL, 2.0),), Judgement("fine", "fine", "<= 5")),
        (3.0, (episode("non_finite", KL, 1.0, peak=math.nan),), Judgement("critical", "critical", "")),
        (math.nan, (), Judgement("look", "worth a look", "<= 5")),
        (7.0, (), Judgement("look", "worth a look", "<= 5")),
        (3.0, (), Judgement("fine", "fine", "<= 5")),
    ],
)
def test_a_value_is_judged_beside_what_it_is_held_against(
    value: float, lasting: tuple[Episode, ...], judged: Judgement
) -> None:
    """A signal goes before the range, where the value itself bears it out."""
    run = replace(RUN, episodes=lasting, samples={KL: value})
    assert judgement(KL, run, Lang.EN) == judged


def test_a_doubt_is_told_where_no_signal_came_up() -> None:
    """In place of "all well"."""
    run = replace(RUN, samples={series(c.LEARNING_RATE): 1e-4}, episodes=())
    for lang, text in ((Lang.EN, "but outside of"), (Lang.ZH, "超出健康范围")):
        told = str(run_story(run, lang).sections)
        assert text in told
        assert "learning_rate" in told
        assert words.ALL_WELL.of(lang)[:8] not in told


@pytest.mark.parametrize(
    ("profile", "rows", "signal", "limit"),
    [
        ("grpo", [*grpo(20), *grpo(6, kl=9.5)], "kl_high", 9.0),
        ("sft", [*sft(20), *({**row, "entropy/mean": 3.4} for row in sft(20))], "entropy_collapse", 3.0),
        ("sft", [*sft(20), *({**row, "entropy/mean": 0.2} for row in sft(20))], "entropy_collapse", 0.5),
        ("sft", [*sft(600), *sft(600, learning_rate=1e-10)], "lr_out_of_range", 1e-8),
    ],
)
def test_the_limit_that_is_told_is_the_one_that_was_crossed(
    profile: str, rows: list[Mapping[str, object]], signal: str, limit: float
) -> None:
    """Of a range the side that was left; of a value that the trainer clamps, the row below the clamp."""
    (only,) = found(analyse(profile, rows), signal)
    assert only.limit == limit
    assert is_beyond(only, only.peak)
    assert crossed(only)


# Nothing to judge


UNREADABLE = '{{"loss": "oops", "grad_norm": 0.5, "epoch": 0.1, "global_step/max_steps": "{step}/100"}}\n'


@pytest.mark.parametrize(
    "log",
    [
        '{"eval_loss": 1.5, "global_step/max_steps": "5/100"}\n',
        "".join(UNREADABLE.format(step=step) for step in (5, 10, 15)),
    ],
)
def test_a_run_with_nothing_to_judge_is_not_healthy(log: str, tmp_path: Path) -> None:
    """In JSON, in text, in the counts of several, as a sample, and by the exit code."""
    file = tmp_path / "logging.jsonl"
    file.write_text(log)
    os.utime(file, (NOW, NOW))
    (run,) = checked(tmp_path)
    assert isinstance(run, Snapshot)
    assert (run.health, run.verdict) == (Health.UNKNOWN, Health.UNKNOWN)
    assert run_object(run)["health"] is None
    assert series(c.RUN_HEALTH) not in run.samples
    told = "".join(as_text([run, run], [], Style(Lang.EN, 100, False), verbose=True))
    assert "2 not known" in told
    assert "nothing to judge" in told
    assert not re.search(": healthy|All well", told)
    assert exit_code([], [run], []) == UNREADABLE_EXIT
