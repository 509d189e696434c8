"""What a run's state means, in words: findings, causes, actions. The sections of a story are made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from llmtrain_exporter.analyse.episodes import badness
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.causes import causes_of
from llmtrain_exporter.knowledge.remedies import remedies_for
from llmtrain_exporter.knowledge.remedy import Proposal, proposals
from llmtrain_exporter.knowledge.signal import Measure, Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import RUN_LIMITS, Lang, fill, named
from llmtrain_exporter.model import Episode, Incident, Series, Snapshot
from llmtrain_exporter.story.numbers import series_name, value_text
from llmtrain_exporter.story.phrase import enumerated

_T = TypeVar("_T")

NBSP = "\xa0"
"""Keeps a setting and its value on one line."""

COLLAPSE = "collapse"


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


def against(run: Snapshot) -> list[str]:
    """The signals that speak against a run, the worst first, the collapse before what it consists of."""
    serious = [episode for episode in run.episodes if episode.severity is not Severity.INFO]
    ordered = sorted(serious, key=lambda episode: (-episode.severity.rank, episode.signal != COLLAPSE))
    return list(dict.fromkeys(episode.signal for episode in ordered))


def title(run: Snapshot, lang: Lang) -> str:
    """The worst that speaks against a run, in a few words; its health where nothing does."""
    serious = against(run)
    return (
        SIGNALS[serious[0]].advice.title.of(lang)
        if serious
        else words.HEALTH[run.verdict.name.lower()].of(lang)
    )


def in_short(run: Snapshot, lang: Lang) -> str:
    """The same, and how much else speaks against the run; empty where nothing does."""
    serious = against(run)
    if not serious:
        return ""
    others = len(serious) - 1
    return title(run, lang) + (words.MORE_AGAINST.of(others, lang) if others else "")


def findings(run: Snapshot, lang: Lang) -> list[Finding]:
    """What happened, in the order in which it began. What came again is told once, by its worst."""
    together: dict[tuple[str, Series], list[Episode]] = {}
    for episode in run.episodes:
        together.setdefault((episode.signal, episode.metric), []).append(episode)
    return [_finding(run, episodes, lang) for episodes in together.values()]


def _finding(run: Snapshot, episodes: Sequence[Episode], lang: Lang) -> Finding:
    worst = max(episodes, key=badness)
    advice = SIGNALS[worst.signal].advice
    return Finding(
        first_step=episodes[0].first_step,
        last_step=None if episodes[-1].active else episodes[-1].last_step,
        times=sum(episode.times for episode in episodes),
        severity=worst.severity,
        title=advice.title.of(lang),
        text=fill(
            advice.finding, lang, {**_settings(run), **_moment(worst, lang), **_beside(run, worst, lang)}
        ),
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
    settings = dict(run.hyper_parameters.numbers)
    found = []
    for remedy in _unique(remedy for name in against(run) for remedy in remedies_for(name, run.base)):
        changes = proposals(remedy, run.producer, run.base, settings)
        if changes or not remedy.changes:
            how = fill(remedy.how, lang, _settings(run))
            found.append(Action(remedy.title.of(lang), how, changes))
    return found[:most]


def flags(actions: Iterable[Action]) -> list[str]:
    """The flags with a value, of each setting the first that is proposed."""
    found: dict[str, str] = {}
    for action in actions:
        for proposal in action.proposals:
            if proposal.flag and proposal.value is not None:
                found.setdefault(proposal.setting, proposal.flag)
    return list(found.values())


def _settings(run: Snapshot) -> dict[str, str]:
    """Values for the placeholders of settings and of the limits in force."""
    bounds = {
        name: run.limits[signal].get(Severity(severity))
        for name, (signal, severity) in RUN_LIMITS.items()
        if signal in run.limits
    }
    limits = {name: f"{bound.limit:g}" for name, bound in bounds.items() if bound is not None}
    own = {name: text.replace(" ", NBSP) for name, text in named(dict(run.hyper_parameters.numbers)).items()}
    return {**own, **limits}


def _moment(episode: Episode, lang: Lang) -> dict[str, str]:
    """What the texts say of an episode: its worst value and when that was."""
    metric, labels = episode.metric.metric, dict(episode.metric.labels)
    truth = SIGNALS[episode.signal].measure is Measure.TRUTH
    return {
        "metric": series_name(episode.metric),
        "function": labels.get("function", ""),
        "step": str(episode.first_step if truth else episode.peak_step),
        "value": value_text(episode.peak, metric, lang),
        "limit": value_text(episode.limit, metric, lang),
        "baseline": "?" if episode.baseline is None else value_text(episode.baseline, metric, lang),
    }


def _beside(run: Snapshot, episode: Episode, lang: Lang) -> dict[str, str]:
    """What the worst value is held against, and what had broken when the episode began."""
    split = dict(episode.metric.labels).get("split", "train")
    name = SIGNALS[episode.signal].advice.baselines.get(split, words.USUAL_LEVEL)
    incidents = [incident for incident in run.incidents if incident.onset_step <= episode.first_step]
    stages = incidents[-1].stages if incidents else ()
    broken = [words.STAGE[stage].of(lang) for stage, step in stages if step <= episode.first_step]
    return {
        "baseline_name": name.of(lang),
        "stages": enumerated(broken, lang) or words.SEVERAL_STAGES.of(lang),
    }


def _unique(things: Iterable[_T]) -> Sequence[_T]:
    """Without what came before; for things without a hash."""
    seen: list[_T] = []
    for thing in things:
        if thing not in seen:
            seen.append(thing)
    return seen
