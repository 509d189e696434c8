"""What a run's state means, in words: findings, causes, actions. The sections of a story are made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from llmtrain_exporter.analyse.checks import is_at_best
from llmtrain_exporter.analyse.episodes import badness
from llmtrain_exporter.analyse.ways_back import last_before
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.arguments import TRUTHS
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.remedy import Ladder, Remedy
from llmtrain_exporter.knowledge.signal import Measure, Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.signals.fit import OVERFIT
from llmtrain_exporter.knowledge.signals.non_finite import NON_FINITE
from llmtrain_exporter.knowledge.text import RUN_LIMITS, Lang, fill, named, switched, written
from llmtrain_exporter.model import (
    Diagnosis,
    Episode,
    Incident,
    Prescription,
    Proof,
    Proposal,
    ProvedCause,
    Series,
    Snapshot,
)
from llmtrain_exporter.story.compared import compared_with
from llmtrain_exporter.story.numbers import moment_text, number, percent, series_name, short_name, value_text
from llmtrain_exporter.story.phrase import enumerated
from llmtrain_exporter.story.unit import counted_in

NBSP = "\xa0"
"""Keeps a setting and its value on one line."""

COLLAPSE = "collapse"

EARLY_STOPPING, BEST_CHECKPOINT = "early_stopping", "use_best_checkpoint"
"""Remedies of which more is said: how without a flag, and which checkpoint it is."""

OFF_USUAL = frozenset(
    (
        *("kl_spike", "loss_spike", "grad_spike", "length_collapse"),
        *("reward_drop", "reward_function_drop", "throughput_drop"),
    )
)
"""Signals that hold a series against its usual level, and say so."""

LONG = 5
"""Records after which the level from before a signal is no longer where the series lies."""


class Finding(NamedTuple):
    """A signal in one series of the run: when it was there, how often, and its worst in words.

    `last_step` None: it lasts.
    """

    first_step: int
    last_step: int | None
    times: int
    severity: Severity
    title: str
    text: str


class Reason(NamedTuple):
    """A cause that a run shows: its name, how it does harm, and what in the run speaks for it."""

    title: str
    how: str
    proofs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do, how, and the settings that it changes.

    `rises`: whether a setting is to go up or down, of those that have a best value on one side.
    """

    title: str
    how: str
    proposals: tuple[Proposal, ...]
    rises: Mapping[str, bool] = field(default_factory=dict)


def against(run: Snapshot) -> list[str]:
    """The signals that speak against a run, the worst first, the collapse before what it consists of."""
    serious = [episode for episode in run.episodes if episode.severity is not Severity.INFO]
    ordered = sorted(serious, key=lambda episode: (-episode.severity.rank, episode.signal != COLLAPSE))
    return list(dict.fromkeys(episode.signal for episode in ordered))


def title(run: Snapshot, lang: Lang) -> str:
    """The worst that speaks against a run, in a few words; its health where nothing does."""
    serious = against(run)
    return signal_title(run, serious[0], lang) if serious else words.HEALTH[run.verdict.name.lower()].of(lang)


def signal_title(run: Snapshot, signal: str, lang: Lang) -> str:
    """What a signal is called of this run."""
    text = words.GAP if is_gap_alone(run, signal) else SIGNALS[signal].advice.title
    return text.of(lang)


def is_gap_alone(run: Snapshot, signal: str) -> bool:
    """Whether evaluation is behind training and yet as good as it ever was: that is no overfitting yet."""
    return signal == OVERFIT.name and is_at_best(run)


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
    hidden = worst.signal == NON_FINITE.name and math.isfinite(worst.peak)
    advice = SIGNALS[worst.signal].advice
    form = words.HIDDEN_NAN if hidden else advice.findings.get(worst.severity, advice.finding)
    return Finding(
        first_step=episodes[0].first_step,
        last_step=None if episodes[-1].active else episodes[-1].last_step,
        times=sum(episode.times for episode in episodes),
        severity=worst.severity,
        title=signal_title(run, worst.signal, lang),
        text=fill(
            form,
            lang,
            {
                **_settings(run),
                **counted_in(run, lang),
                **_moment(run, worst, lang),
                **_beside(run, worst, lang),
            },
        ),
    )


def checkpoint_before(run: Snapshot, incident: Incident) -> int | None:
    """The step of the last checkpoint that is there from before an incident; None: nobody knows of any."""
    return last_before(run, incident.onset_step)


def checkpoint_nearest_best(run: Snapshot) -> int | None:
    """The step of the checkpoint on disk nearest to the best evaluation; None: nobody knows of any."""
    best = None if run.best is None else run.best[1]
    if best is None or run.step_is_record:  # the number of a record tells no step
        return None
    return min(run.checkpoints, key=lambda step: (abs(step - best), step), default=None)


def causes(run: Snapshot, found: Diagnosis, lang: Lang) -> list[Reason]:
    """The causes that a run shows, the best proved first."""
    return [_reason(run, cause, lang) for cause in found.causes]


def first_looks(run: Snapshot, found: Diagnosis, lang: Lang) -> list[str]:
    """What to look at first where the run shows no cause, in order."""
    if not found.look_at:
        return []
    return [fill(look, lang, _settings(run)) for look in SIGNALS[found.look_at].advice.diagnosis]


def no_cause_text(run: Snapshot, found: Diagnosis, lang: Lang) -> str:
    """The sentence in front of what to look at first."""
    return words.NO_CAUSE_SHOWN.of(lang).format(title=signal_title(run, found.look_at, lang))


def _reason(run: Snapshot, proved: ProvedCause, lang: Lang) -> Reason:
    cause = CAUSES[proved.cause]
    proofs = tuple(proof_text(run, proof, lang) for proof in proved.evidence)
    return Reason(cause.name.of(lang), fill(cause.how, lang, _settings(run)), proofs)


def proof_text(run: Snapshot, proof: Proof, lang: Lang) -> str:
    """ "kl 0.002 to 5.2 between steps 4 and 32": what a run shows, in numbers and steps."""
    if isinstance(proof.metric, str):
        value = switched(proof.at) if proof.metric in TRUTHS else written(proof.at)
        return f"{proof.metric} = {value}"
    if proof.metric.metric is c.LAST_RECORD:
        silent = words.SILENT_AFTER.of(lang)
        return silent.format(moment=moment_text(proof.at), step=proof.to_step, **counted_in(run, lang))
    metric, step = proof.metric.metric, proof.to_step
    form = words.PROOF_AT if proof.before is None else words.PROOF_MOVED
    if proof.from_step != proof.to_step and proof.before is None:
        form = words.PROOF_BETWEEN
    return form.of(lang).format(
        metric=short_name(proof.metric),
        before="" if proof.before is None else value_text(proof.before, metric, lang),
        at=value_text(proof.at, metric, lang),
        first=proof.from_step,
        step=step,
        **counted_in(run, lang),
    )


def actions(run: Snapshot, found: Diagnosis, lang: Lang) -> list[Action]:
    """What to do, what removes the leading cause first."""
    settings = _settings(run)
    return [
        Action(
            REMEDIES[remedy.remedy].title.of(lang),
            fill(REMEDIES[remedy.remedy].how, lang, settings) + _besides(remedy, run, lang),
            remedy.changes,
            _rises(REMEDIES[remedy.remedy]),
        )
        for remedy in found.remedies
    ]


def _besides(remedy: Prescription, run: Snapshot, lang: Lang) -> str:
    """What else is said of a remedy for this run alone."""
    if remedy.remedy == EARLY_STOPPING and not remedy.changes:
        return words.IN_THE_SCRIPT.of(lang)
    near = checkpoint_nearest_best(run) if remedy.remedy == BEST_CHECKPOINT else None
    if near is None or run.best is None:
        return ""
    return words.NEAREST_TO_BEST.of(lang).format(checkpoint=f"checkpoint-{near}", best=run.best[1])


def _rises(remedy: Remedy) -> Mapping[str, bool]:
    ladders = ((change.setting, change.rule) for change in remedy.changes)
    return {setting: rule.up for setting, rule in ladders if isinstance(rule, Ladder)}


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
    limits = {name: number(bound.limit) for name, bound in bounds.items() if bound is not None}
    own = {name: text.replace(" ", NBSP) for name, text in named(dict(run.hyper_parameters.numbers)).items()}
    return {**own, **limits}


def _moment(run: Snapshot, episode: Episode, lang: Lang) -> dict[str, str]:
    """What the texts say of an episode: its worst value and when that was."""
    metric, labels = episode.metric.metric, dict(episode.metric.labels)
    truth = SIGNALS[episode.signal].measure is Measure.TRUTH
    return {
        "metric": series_name(episode.metric),
        "function": labels.get("function", ""),
        "step": str(episode.first_step if truth else episode.peak_step),
        "value": value_text(episode.peak, metric, lang),
        "share": percent(episode.peak),
        "limit": value_text(episode.limit, metric, lang),
        "baseline": "?" if episode.baseline is None else _level(run, episode, lang),
    }


def _level(run: Snapshot, episode: Episode, lang: Lang) -> str:
    """Where a series lay: "0.01", or "0.01 before step 7" where the worst came long after that.

    Of an episode that stands for several nobody knows how long the worst of them was.
    """
    level = value_text(compared_with(run, episode).level or 0.0, episode.metric.metric, lang)
    soon = episode.times > 1 or episode.records < LONG or episode.peak_step == episode.first_step
    if soon or episode.signal not in OFF_USUAL:
        return level
    return words.LEVEL_BEFORE.of(lang).format(level=level, first=episode.first_step, **counted_in(run, lang))


def _beside(run: Snapshot, episode: Episode, lang: Lang) -> dict[str, str]:
    """What the worst value is held against, and what had broken when the episode began."""
    incidents = [incident for incident in run.incidents if incident.onset_step <= episode.first_step]
    stages = incidents[-1].stages if incidents else ()
    broken = [words.STAGE[stage].of(lang) for stage, step in stages if step <= episode.first_step]
    return {
        "baseline_name": (compared_with(run, episode).name or words.USUAL_LEVEL).of(lang),
        "stages": enumerated(broken, lang) or words.SEVERAL_STAGES.of(lang),
    }
