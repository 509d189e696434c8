"""How much of the evidence for a cause a run shows, in numbers and steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import singledispatch

from llmtrain_exporter.analyse.diagnosis.case import (
    Case,
    Stretch,
    always,
    as_logged,
    highest,
    lowest,
    silent_since,
    smoothed,
)
from llmtrain_exporter.analyse.diagnosis.patterns import PATTERNS
from llmtrain_exporter.analyse.episodes import badness
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge.evidence import (
    Beyond,
    Configured,
    Evidence,
    Lies,
    Moved,
    Shows,
    Signalled,
    Together,
    Unlogged,
    When,
)
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import Episode, Proof, Series


@singledispatch
def proofs(evidence: Evidence, case: Case) -> Sequence[Proof] | None:  # noqa: ARG001  # each kind needs it
    """What in the run is such evidence; None where it does not hold."""
    raise TypeError(evidence)


@proofs.register
def _(evidence: Signalled, case: Case) -> Sequence[Proof] | None:
    if "stalled" in evidence.signals and case.silent:
        return silent_since(case)
    known = (*case.troubling, *case.informing) if evidence.informs else case.troubling
    found = [episode for episode in known if episode.signal in evidence.signals]
    if evidence.first:
        found = [episode for episode in found if _is_first(episode, case)]
    if not found or (evidence.alone and not _are_alone(found, case)):
        return None
    return [_of_episode(episode, case) for episode in _worst(found)]


@proofs.register
def _(evidence: Lies, case: Case) -> Sequence[Proof] | None:
    found = []
    for key in case.series(evidence.metric, evidence.split):
        stretch = case.stretch(key, evidence.when)
        if stretch is not None and _lies(evidence, key, stretch, case):
            found.append(Proof(key, stretch.first, stretch.last, None, stretch.value))
    return found[:1] or None


@proofs.register
def _(evidence: Beyond, case: Case) -> Sequence[Proof] | None:
    high = as_logged(evidence.times * case.highest_healthy(evidence.metric))
    for key in case.series(evidence.metric):
        best = case.stretch(key, When.BEST)
        if best is not None and as_logged(best.value) >= high:
            return [Proof(key, best.first, best.last, None, best.value)]
    return None


@proofs.register
def _(evidence: Moved, case: Case) -> Sequence[Proof] | None:
    found = [
        proof for key in case.series(evidence.metric, evidence.split) for proof in _moves(evidence, key, case)
    ]
    return found or None


@proofs.register
def _(evidence: Configured, case: Case) -> Sequence[Proof] | None:
    value = case.run.hyper_parameters.numbers.get(evidence.setting)
    if value is None or not evidence.low <= value <= evidence.high:
        return None
    return [Proof(evidence.setting, None, None, None, value)]


@proofs.register
def _(evidence: Unlogged, case: Case) -> Sequence[Proof] | None:
    return None if case.series(evidence.metric, evidence.split) else ()


@proofs.register
def _(evidence: Together, case: Case) -> Sequence[Proof] | None:
    found = [proofs(part, case) for part in evidence.parts]
    known = [part for part in found if part is not None]
    return [proof for part in known for proof in part] if len(known) == len(found) else None


@proofs.register
def _(evidence: Shows, case: Case) -> Sequence[Proof] | None:
    return PATTERNS[evidence.pattern](case)


def _is_first(episode: Episode, case: Case) -> bool:
    """Whether an episode belongs to what broke first: the incident's first stage, else the first signal.

    A stage may have begun before its signal was noticed, as a slide does: then it is the first one of those.
    """
    incident = case.incident
    if incident is None or not incident.stages:
        return episode.first_step == min(other.first_step for other in case.troubling)
    onset = incident.stages[0][1]
    if episode.first_step <= onset:
        return True
    began = [stage for stage, step in incident.stages if step == onset]
    of_stage = [other for other in case.troubling if SIGNALS[other.signal].family.value in began]
    noticed = min((other.first_step for other in of_stage if other.signal in incident.signals), default=None)
    return episode in of_stage and episode.first_step == noticed


def _are_alone(episodes: Sequence[Episode], case: Case) -> bool:
    stages = 0 if case.incident is None else len(case.incident.stages)
    short = all(episode.records <= limits.ALONE * episode.times for episode in episodes)
    over = all(not e.active or e.last_step < (case.run.last_step or 0) for e in episodes)
    return short and over and stages <= limits.ALONE_STAGES


def _worst(episodes: Sequence[Episode]) -> list[Episode]:
    """The worst of each signal."""
    names = dict.fromkeys(episode.signal for episode in episodes)
    return [max((e for e in episodes if e.signal == name), key=badness) for name in names]


def _of_episode(episode: Episode, case: Case) -> Proof:
    usual = case.usual(episode)
    if usual is None:
        return Proof(episode.metric, episode.peak_step, episode.peak_step, None, episode.peak)
    return Proof(episode.metric, usual.step, episode.peak_step, usual.value, episode.peak)


def _lies(evidence: Lies, key: Series, stretch: Stretch, case: Case) -> bool:
    if evidence.when is When.ALWAYS:
        return always(case.points(key), evidence.low, evidence.high)
    return evidence.low <= stretch.value <= evidence.high


def _moves(evidence: Moved, key: Series, case: Case) -> Iterator[Proof]:
    before, trouble = case.stretch(key, evidence.since), smoothed(case.trouble(key))
    if before is None or not trouble:
        return
    rises = evidence.times >= 1
    at = highest(trouble) if rises else lowest(trouble)
    worst = case.worst(key, rises)
    past = evidence.past if evidence.past is not None else (-math.inf if rises else math.inf)
    if rises:
        moved = (
            (before.value > 0 or evidence.past is not None)
            and at.value >= max(before.value * evidence.times, past)
            and at.value > before.value
        )
    else:
        moved = before.value > 0 and at.value <= min(before.value * evidence.times, past)
    if moved:
        yield Proof(key, before.step, worst.step, before.value, worst.value)
