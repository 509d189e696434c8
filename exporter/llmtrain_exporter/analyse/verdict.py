"""What a run's state means, in words: the same for everything that people read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from llmtrain_exporter.analyse.episodes import badness
from llmtrain_exporter.analyse.ranges import healthy_of
from llmtrain_exporter.analyse.written import series_name, span, value_text
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.causes import causes_of
from llmtrain_exporter.knowledge.meaning import Healthy, is_healthy
from llmtrain_exporter.knowledge.metric import PREFIX, Group
from llmtrain_exporter.knowledge.remedies import remedies_for
from llmtrain_exporter.knowledge.remedy import Proposal, proposals
from llmtrain_exporter.knowledge.signal import Measure, Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import RUN_LIMITS, Lang, fill, named
from llmtrain_exporter.model import Episode, Incident, Series, Snapshot

JUDGED = (Group.OPTIMISATION, Group.REWARD, Group.LENGTH, Group.PREFERENCE, Group.DERIVED)
"""Metrics of these groups stand in the table of a run."""

_ORDER = {metric: at for at, metric in enumerate(c.METRICS) if metric.group in JUDGED}
_T = TypeVar("_T")

NBSP = "\xa0"
"""Keeps a setting and its value on one line."""

_MAIN_PARTS = frozenset(("", "mean", "region_mean", "chosen", "rejected"))
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Row:
    """A metric of the run: its name in the log's own terms, last value, healthy range, what is thought of it.

    `judged`: a key of `words.JUDGED`, empty where nothing can be said.
    """

    name: str
    value: str
    healthy: str
    judged: str
    main: bool  # worth a line even where there is nothing to say of it
    series: Series


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal in one series of the run: when it was there, how often, and its worst in words.

    `last_step` None: it lasts.
    """

    first_step: int
    last_step: int | None
    times: int
    severity: Severity
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do, how, and the settings that it changes."""

    title: str
    how: str
    proposals: tuple[Proposal, ...]


def rows(run: Snapshot) -> Iterator[Row]:
    """The metrics of a run, in the catalogue's order."""
    worst = _worst(run.episodes)
    judged = [one for one in run.samples if one.metric in _ORDER]
    for one in sorted(judged, key=lambda one: (_ORDER[one.metric], ("split", "eval") in one.labels)):
        value, healthy = run.samples[one], healthy_of(one, run.base)
        thought = worst[one].value if one in worst else _judge(one, value, healthy, run)
        text = "" if healthy is None else span(healthy, one.metric, run.limits)
        yield Row(_name(one), value_text(value, one.metric), text, thought, _is_main(one, text), one)


def _name(one: Series) -> str:
    """Shorter for reward functions, whose own names are long."""
    return series_name(one).replace(f"{c.REWARD_FUNCTION_MEAN.name.removeprefix(PREFIX)} ", "reward ")


def findings(run: Snapshot, lang: Lang) -> list[Finding]:
    """What happened, in the order in which it began. What came again is told once, by its worst."""
    settings = _settings(run)
    together: dict[tuple[str, Series], list[Episode]] = {}
    for episode in run.episodes:
        together.setdefault((episode.signal, episode.metric), []).append(episode)
    return [_finding(episodes, settings, lang) for episodes in together.values()]


def _finding(episodes: Sequence[Episode], settings: Mapping[str, str], lang: Lang) -> Finding:
    worst = max(episodes, key=badness)
    advice = SIGNALS[worst.signal].advice
    return Finding(
        first_step=episodes[0].first_step,
        last_step=None if episodes[-1].active else episodes[-1].last_step,
        times=sum(episode.times for episode in episodes),
        severity=worst.severity,
        title=advice.title.of(lang),
        text=fill(advice.finding, lang, {**settings, **_moment(worst)}),
    )


def checkpoint_before(run: Snapshot, incident: Incident) -> int | None:
    """The step of the last checkpoint that is there from before an incident."""
    return max((step for step in run.checkpoints if step < incident.onset_step), default=None)


def causes(run: Snapshot, lang: Lang, most: int = 4) -> list[str]:
    """The likely causes of what happened, the likeliest first."""
    found = (cause.how for signal in against(run) for cause in causes_of(signal, run.base))
    return [fill(text, lang, _settings(run)) for text in _unique(found)][:most]


def actions(run: Snapshot, lang: Lang, most: int = 6) -> list[Action]:
    """What to do, the first to try in front; what the run has already is left out."""
    settings = dict(run.settings.numbers)
    found = []
    for remedy in _unique(remedy for name in against(run) for remedy in remedies_for(name, run.base)):
        changes = proposals(remedy, run.producer, run.base, settings)
        if changes or not remedy.changes:
            how = fill(remedy.how, lang, _settings(run))
            found.append(Action(remedy.title.of(lang), how, changes))
    return found[:most]


def against(run: Snapshot) -> list[str]:
    """The signals that speak against a run, the worst first, the collapse before what it consists of."""
    serious = [episode for episode in run.episodes if episode.severity is not Severity.INFO]
    ordered = sorted(serious, key=lambda episode: (-_RANK[episode.severity], episode.signal != "collapse"))
    return list(dict.fromkeys(episode.signal for episode in ordered))


def _settings(run: Snapshot) -> dict[str, str]:
    bounds = {
        name: run.limits[signal].get(Severity(severity))
        for name, (signal, severity) in RUN_LIMITS.items()
        if signal in run.limits
    }
    known = {name: f"{bound.limit:g}" for name, bound in bounds.items() if bound is not None}
    told = {name: text.replace(" ", NBSP) for name, text in named(dict(run.settings.numbers)).items()}
    return {**told, **known}


def _moment(episode: Episode) -> dict[str, str]:
    """What the texts say of an episode: its worst value and when that was."""
    metric, labels = episode.metric.metric, dict(episode.metric.labels)
    truth = SIGNALS[episode.signal].measure is Measure.TRUTH
    return {
        "metric": series_name(episode.metric),
        "function": labels.get("function", ""),
        "step": str(episode.first_step if truth else episode.peak_step),
        "value": value_text(episode.peak, metric),
        "limit": value_text(episode.limit, metric),
        "baseline": "?" if episode.baseline is None else value_text(episode.baseline, metric),
    }


def _worst(episodes: Iterable[Episode]) -> dict[Series, Severity]:
    """The worst that lasts and speaks against the run, by series."""
    worst: dict[Series, Severity] = {}
    for episode in episodes:
        known = worst.get(episode.metric)
        if not episode.active or episode.severity is Severity.INFO:
            continue
        if known is None or _RANK[episode.severity] > _RANK[known]:
            worst[episode.metric] = episode.severity
    return worst


def _judge(one: Series, value: float, healthy: Healthy | None, run: Snapshot) -> str:
    if not math.isfinite(value):
        return "" if one.metric.group is Group.DERIVED else Severity.CRITICAL.value
    if healthy is None or (healthy.low is None and healthy.high is None):
        return ""
    if not is_healthy(healthy, value, run.limits):
        return "look"
    return "" if _is_lost(run) else "fine"


def _is_lost(run: Snapshot) -> bool:
    """Whether the weights are NaN: no other value means anything then, least of all a loss of 0."""
    return any(episode.active and episode.signal == "non_finite" for episode in run.episodes)


def _is_main(one: Series, healthy: str) -> bool:
    labels = dict(one.labels)
    if labels.get("split") == "eval" or one.metric is c.REWARD_FUNCTION_STD:
        return False
    if one.metric.group is Group.DERIVED and not healthy:
        return False
    return labels.get(one.metric.label, "") in _MAIN_PARTS or one.metric is c.REWARD_FUNCTION_MEAN


def _unique(things: Iterable[_T]) -> Sequence[_T]:
    """Without what came before; for things without a hash."""
    seen: list[_T] = []
    for thing in things:
        if thing not in seen:
            seen.append(thing)
    return seen
