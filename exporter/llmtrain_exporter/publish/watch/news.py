"""What has happened to a run between two looks, a sentence for each thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import watch_words, words
from llmtrain_exporter.knowledge.advice import ADVICE
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Episode, Incident, Snapshot, State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.check_text import (
    action_of,
    chain_of,
    events_of,
    facts_of,
    finding_of,
    incident_of,
)
from llmtrain_exporter.publish.style import Style
from llmtrain_exporter.publish.watch.spans import time_text
from llmtrain_exporter.story import verdict

_T = TypeVar("_T")

ACTIONS_TOLD = 3
"""The first things to try; `check` tells them all, and how."""


def standing(run: Snapshot, style: Style) -> str:
    """What a run is, where it is, and how."""
    if run.state is State.WAITING:
        return words.STATE[run.state.value].of(style.lang)
    health = style.mark(words.HEALTH, run.verdict.name.lower())
    return f"{next(facts_of(run, style))}{words.COLON.of(style.lang)}{health}"


def story(run: Snapshot, style: Style) -> Iterator[str]:
    """What has happened to a run before anybody looked."""
    yield standing(run, style)
    for resume in run.resumes:
        yield style.say(words.RESUMED, last=resume.last, first=resume.first)
    yield from (line.lstrip(" -") for line in list(events_of(run, style))[1:])


def news(before: Snapshot, run: Snapshot, now: float, style: Style) -> Iterator[str]:
    """What has happened since. `now`: Unix time."""
    if before.state is State.WAITING and run.state is not State.WAITING:
        yield standing(run, style)
    for resume in run.resumes[len(before.resumes) :]:
        yield style.say(words.RESUMED, last=resume.last, first=resume.first)
    if run.best is not None and run.best != before.best and run.base != GRPO:  # where the loss says nothing
        loss, step = run.best
        yield style.say(watch_words.BEST, step=step, loss=f"{loss:.4g}")
    yield from _signals(before, run, style)
    yield from _incidents(before, run, style)
    yield from _silence(before, run, now, style)


def advice(run: Snapshot, style: Style) -> Iterator[str]:
    """The first things to try, where anything is wrong."""
    told = [action_of(action, style) for action in verdict.actions(run, style.lang, ACTIONS_TOLD)]
    if told:
        semicolon = watch_words.SEMICOLON.of(style.lang)
        numbered = semicolon.join(f"{at}. {action}" for at, action in enumerate(told, 1))
        yield style.say(watch_words.DO, actions=numbered)


def _signals(before: Snapshot, run: Snapshot, style: Style) -> Iterator[str]:
    known = _numbered(before.episodes, _origin)
    was, now = _severities(before), _severities(run)
    for identity, episode in _numbered(run.episodes, _origin).items():
        earlier = known.get(identity)
        if earlier is None:
            yield finding_of(_finding(episode, run, style), style)
        elif earlier.active and not episode.active:
            yield _over(episode, run, style)
        elif episode.active:
            yield from _change(episode, was.get(episode.signal), now.get(episode.signal), run, style)


def _change(
    episode: Episode, was: Severity | None, now: Severity | None, run: Snapshot, style: Style
) -> Iterator[str]:
    """A signal that lasts, and has become better or worse."""
    if was is None or now is None or was is now:
        return
    said = watch_words.WORSE if now.rank > was.rank else watch_words.EASED
    finding = _finding(episode, run, style)
    severity, text = style.mark(words.JUDGED, now.value), printable(finding.text)
    yield style.say(said, step=run.last_step, severity=severity, title=finding.title, text=text)


def _over(episode: Episode, run: Snapshot, style: Style) -> str:
    title = ADVICE[episode.signal].title.of(style.lang)
    said = words.STEP if episode.first_step == episode.last_step else words.STEPS
    when = style.say(said, first=episode.first_step, last=episode.last_step)
    return style.say(watch_words.OVER, step=run.last_step, title=title, when=when)


def _finding(episode: Episode, run: Snapshot, style: Style) -> verdict.Finding:
    return verdict.findings(replace(run, episodes=(episode,)), style.lang)[0]


def _severities(run: Snapshot) -> dict[str, Severity]:
    """The severity that each signal has at the moment; an episode tells its worst."""
    active = (dict(one.labels) for one, on in run.samples.items() if one.metric is m.SIGNAL_ACTIVE and on)
    return {labels["signal"]: Severity(labels["severity"]) for labels in active}


def _incidents(before: Snapshot, run: Snapshot, style: Style) -> Iterator[str]:
    known = _numbered(before.incidents, _onset)
    for identity, incident in _numbered(run.incidents, _onset).items():
        earlier = known.get(identity)
        if earlier is None:
            yield _begun(incident, run, style)
            yield from advice(run, style)
        elif earlier.active and not incident.active:
            yield incident_of(incident, style)
        elif earlier.stages != incident.stages:
            chain = chain_of(incident, style)
            yield style.say(watch_words.SPREADS, onset=incident.onset_step, chain=chain)


def _begun(incident: Incident, run: Snapshot, style: Style) -> str:
    told = incident_of(incident, style)
    if incident.active:
        told = style.say(watch_words.BEGUN, onset=incident.onset_step, chain=chain_of(incident, style))
    checkpoint = verdict.checkpoint_before(run, incident)
    if checkpoint is None:
        return told
    back = style.say(words.BACK_TO, checkpoint=f"checkpoint-{checkpoint}")
    return f"{told}{watch_words.SEMICOLON.of(style.lang)}{back}"


def _silence(before: Snapshot, run: Snapshot, now: float, style: Style) -> Iterator[str]:
    if before.state is run.state:
        return
    if run.state is State.STALLED:
        silent = time_text(now - (run.last_record or now), style.lang)
        yield style.say(watch_words.STALLED, time=silent)
    elif before.state is State.STALLED and run.state is State.RUNNING:
        yield watch_words.GOES_ON.of(style.lang)


def _origin(episode: Episode) -> tuple[str, int]:
    return episode.signal, episode.first_step


def _onset(incident: Incident) -> int:
    return incident.onset_step


def _numbered(things: Iterable[_T], key: Callable[[_T], Hashable]) -> dict[Hashable, _T]:
    """Things by their key and a number: a resumed run comes by the same steps again."""
    seen: Counter[Hashable] = Counter()
    found: dict[Hashable, _T] = {}
    for thing in things:
        found[key(thing), seen[key(thing)]] = thing
        seen[key(thing)] += 1
    return found
