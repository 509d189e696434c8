"""What a run's state means, in words: the same for everything that people read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from exporter.analyse.written import series_name, span, value_text
from exporter.knowledge import catalogue as c
from exporter.knowledge.advice import ADVICE, causes_of, remedies_for
from exporter.knowledge.limits import SIGNALS
from exporter.knowledge.meaning import Healthy, Meaning, is_healthy
from exporter.knowledge.meanings import MEANINGS
from exporter.knowledge.metric import Group
from exporter.knowledge.profile import GENERIC, PROFILES
from exporter.knowledge.remedy import Proposal, proposals
from exporter.knowledge.signal import Limits, Measure, Severity
from exporter.knowledge.text import RUN_LIMITS, Lang, fill, named
from exporter.model import Episode, Incident, Series, Snapshot

JUDGED = (Group.OPTIMISATION, Group.REWARD, Group.LENGTH, Group.PREFERENCE, Group.DERIVED)
"""Metrics of these groups stand in the table of a run."""

_ORDER = {metric: at for at, metric in enumerate(c.METRICS) if metric.group in JUDGED}
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


@dataclass(frozen=True, slots=True)
class Finding:
    """One episode of a signal in words."""

    step: int
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
    for one, value in sorted(run.samples.items(), key=lambda item: _ORDER.get(item[0].metric, math.inf)):
        if one.metric in _ORDER:
            healthy = _healthy(one, run.profile)
            judged = worst[one].value if one in worst else _judge(value, healthy, run.limits)
            text = "" if healthy is None else span(healthy, one.metric, run.limits)
            yield Row(series_name(one), value_text(value, one.metric), text, judged, _is_main(one))


def findings(run: Snapshot, lang: Lang) -> list[Finding]:
    """What happened, in the order in which it began."""
    settings = _settings(run)
    return [
        Finding(
            episode.first_step,
            episode.severity,
            ADVICE[episode.signal].title.of(lang),
            fill(ADVICE[episode.signal].finding, lang, {**settings, **_moment(episode)}),
        )
        for episode in run.episodes
        if episode.signal in ADVICE
    ]


def checkpoint_before(run: Snapshot, incident: Incident) -> int | None:
    """The step of the last checkpoint that is there from before an incident."""
    return max((step for step in run.checkpoints if step < incident.onset_step), default=None)


def causes(run: Snapshot, lang: Lang, most: int = 4) -> list[str]:
    """The likely causes of what happened, the likeliest first."""
    found = (cause.how for signal in _serious(run) for cause in causes_of(signal, _built_in(run.profile)))
    return [fill(text, lang, _settings(run)) for text in _unique(found)][:most]


def actions(run: Snapshot, lang: Lang, most: int = 6) -> list[Action]:
    """What to do, the first to try in front; what the run has already is left out."""
    profile, settings = _built_in(run.profile), dict(run.settings.numbers)
    found = []
    for remedy in _unique(remedy for name in _serious(run) for remedy in remedies_for(name, profile)):
        changes = proposals(remedy, run.dialect, profile, settings)
        if changes or not remedy.changes:
            how = fill(remedy.how, lang, _settings(run))
            found.append(Action(remedy.title.of(lang), how, changes))
    return found[:most]


def _serious(run: Snapshot) -> list[str]:
    """The signals that speak against a run, the worst first, the collapse before what it consists of."""
    against = [episode for episode in run.episodes if episode.severity is not Severity.INFO]
    ordered = sorted(against, key=lambda episode: (-_RANK[episode.severity], episode.signal != "collapse"))
    return list(dict.fromkeys(episode.signal for episode in ordered if episode.signal in ADVICE))


def _built_in(profile: str) -> str:
    return profile if profile in PROFILES else GENERIC


def _settings(run: Snapshot) -> dict[str, str]:
    bounds = {
        name: run.limits[signal].get(Severity(severity))
        for name, (signal, severity) in RUN_LIMITS.items()
        if signal in run.limits
    }
    known = {name: f"{bound.limit:g}" for name, bound in bounds.items() if bound is not None}
    return {**named(dict(run.settings.numbers)), **known}


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
    """The worst that lasts, by series."""
    worst: dict[Series, Severity] = {}
    for episode in episodes:
        known = worst.get(episode.metric)
        if episode.active and (known is None or _RANK[episode.severity] > _RANK[known]):
            worst[episode.metric] = episode.severity
    return worst


def _healthy(one: Series, profile: str) -> Healthy | None:
    meaning: Meaning | None = MEANINGS.get(one.metric)
    if meaning is None:
        return None
    label = dict(one.labels).get(one.metric.label, "")
    part = next((part for pattern, part in meaning.parts.items() if fnmatchcase(label, pattern)), None)
    return (part.healthy.get(profile) if part else None) or meaning.healthy.get(profile)


def _judge(value: float, healthy: Healthy | None, limits: Limits) -> str:
    if not math.isfinite(value):
        return Severity.CRITICAL.value
    if healthy is None or (healthy.low is None and healthy.high is None):
        return ""
    return "fine" if is_healthy(healthy, value, limits) else "look"


def _is_main(one: Series) -> bool:
    labels = dict(one.labels)
    if labels.get("split") == "eval" or one.metric is c.REWARD_FUNCTION_STD:
        return False
    return labels.get(one.metric.label, "") in _MAIN_PARTS or one.metric is c.REWARD_FUNCTION_MEAN


def _unique(things: Iterable[object]) -> Sequence:  # type: ignore[type-arg]  # of whatever is given
    seen: list[object] = []
    for thing in things:
        if thing not in seen:
            seen.append(thing)
    return seen
