"""What is thought of the last value of a metric: value, limit and word that are true beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from llmtrain_exporter.analyse.checks import weights_lost
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.meaning import is_healthy
from llmtrain_exporter.knowledge.metric import Group
from llmtrain_exporter.knowledge.signal import Measure, Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.signals.collapse import COLLAPSE
from llmtrain_exporter.knowledge.signals.gradient import LR_OUT_OF_RANGE
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Episode, Health, Series, Snapshot
from llmtrain_exporter.story.compared import compared_with
from llmtrain_exporter.story.numbers import range_text, value_text
from llmtrain_exporter.story.ranges import healthy_of

FINE, LOOK = "fine", "look"


class Judgement(NamedTuple):
    """`key`: one of `words.JUDGED`, empty where nothing can be said; `word`: the same for people.

    `beside`: what the value is held against: its healthy range, or what is usual for the run.
    """

    key: str
    word: str
    beside: str


def healthy_text(series: Series, run: Snapshot, lang: Lang) -> str:
    """The healthy range of a series under the run's profile, empty where it has none."""
    healthy = healthy_of(series, run.base)
    return "" if healthy is None else range_text(healthy, series.metric, run.limits, lang)


def judgement(series: Series, run: Snapshot, lang: Lang) -> Judgement:
    """What is thought of the last value of a series.

    A signal that lasts goes before the range. Where the value itself is inside of both, the signal has only
    not been over for long enough, and that is what is said.
    """
    lasting = [episode for episode in _against(run.episodes) if episode.metric is series]
    if not lasting:
        return _worded(_by_range(series, run), healthy_text(series, run, lang), lang)
    worst = max(lasting, key=_rank)
    if _is_outside(series, run):
        return _worded(worst.severity.value, healthy_text(series, run, lang), lang)
    if any(SIGNALS[episode.signal].measure is Measure.TRUTH for episode in lasting):
        return _worded(worst.severity.value, "", lang)
    return _by_signals(lasting, series, run, lang)


def _by_signals(lasting: Sequence[Episode], series: Series, run: Snapshot, lang: Lang) -> Judgement:
    beyond = [episode for episode in lasting if is_beyond(episode, run.samples[series])]
    if beyond:
        worst = max(beyond, key=_rank)
        return _worded(worst.severity.value, _level_text(run, worst, lang), lang)
    worst = max(lasting, key=_rank)
    level = "" if worst.baseline is None else _level_text(run, worst, lang)
    beside = healthy_text(series, run, lang) or level
    return Judgement(worst.severity.value, words.NOT_CALM.of(lang), beside)


def is_beyond(episode: Episode, value: float) -> bool:
    """Whether a value lies beyond the limit that an episode crossed, on the same side."""
    below = episode.peak < episode.limit
    return value <= episode.limit if below else value >= episode.limit


def _level_text(run: Snapshot, episode: Episode, lang: Lang) -> str:
    """ "usual 0.016": the level that a signal compares with; its limit where that is a number of its own."""
    metric = episode.metric.metric
    beside = compared_with(run, episode)
    if beside.level is None:
        return f"{words.LIMIT.of(lang)} {value_text(episode.limit, metric, lang)}"
    return f"{(beside.name or words.USUAL).of(lang)} {value_text(beside.level, metric, lang)}"


def _worded(key: str, beside: str, lang: Lang) -> Judgement:
    return Judgement(key, words.JUDGED[key].of(lang), beside)


def _by_range(series: Series, run: Snapshot) -> str:
    """A key of `words.JUDGED`, where no signal speaks against a series."""
    healthy, value = healthy_of(series, run.base), run.samples[series]
    lost = weights_lost(run) is not None  # then no value means anything, least of all a loss of 0
    if not math.isfinite(value):
        return "" if series.metric.group is Group.DERIVED else Severity.CRITICAL.value if lost else LOOK
    if healthy is None or (healthy.low is None and healthy.high is None):
        return ""
    if not is_healthy(healthy, value, run.limits) or _was_out_of_range(series, run):
        return LOOK
    return "" if lost else FINE


def _was_out_of_range(series: Series, run: Snapshot) -> bool:
    """Whether a setting was, which a schedule takes back to a healthy value without mending what it did."""
    return run.verdict is not Health.HEALTHY and any(
        episode.signal == LR_OUT_OF_RANGE.name and episode.metric == series for episode in run.episodes
    )


def _is_outside(series: Series, run: Snapshot) -> bool:
    """Whether the last value is no number, or outside of the healthy range."""
    healthy, value = healthy_of(series, run.base), run.samples[series]
    return not math.isfinite(value) or (healthy is not None and not is_healthy(healthy, value, run.limits))


def _against(episodes: Iterable[Episode]) -> list[Episode]:
    """What lasts and speaks against a single series; a collapse is about several."""
    return [
        episode
        for episode in episodes
        if episode.active and episode.severity is not Severity.INFO and episode.signal != COLLAPSE.name
    ]


def _rank(episode: Episode) -> int:
    return episode.severity.rank
