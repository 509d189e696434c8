"""What has happened to a run between two looks, a line for each thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge import watch_words
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Episode, Incident, Snapshot, State
from llmtrain_exporter.story.advice import action_line
from llmtrain_exporter.story.blocks import Line, Part, blocks_of, lines_in
from llmtrain_exporter.story.diagnosis import Finding, actions, findings, signal_title
from llmtrain_exporter.story.events import (
    back_to,
    chain_line,
    finding_line,
    incident_line,
    severity_mark,
    steps_text,
)
from llmtrain_exporter.story.facts import fact_lines, judged_by_loss
from llmtrain_exporter.story.guard import guard_section
from llmtrain_exporter.story.numbers import duration, number
from llmtrain_exporter.story.phrase import joined, phrase
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.shorten import essentials
from llmtrain_exporter.story.unit import counted_in
from llmtrain_exporter.story.verdict import verdict_line

_T = TypeVar("_T")

ACTIONS_TOLD = 3
"""The first things to try; `check` tells them all, and how."""


def standing_line(run: Snapshot, lang: Lang) -> Line:
    """What a run is, where it is, and how."""
    if run.state is State.WAITING:
        return (words.STATE[run.state.value].of(lang),)
    return joined((next(fact_lines(run, lang)), verdict_line(run, lang)), words.COLON.of(lang))


def so_far(run: Snapshot, lang: Lang) -> Iterator[Line]:
    """What has happened to a run before anybody looked, and what to do about it."""
    yield standing_line(run, lang)
    for resume in run.resumes:
        yield phrase(words.RESUMED, lang, **counted_in(run, lang), last=resume.last, first=resume.first)
    sections = essentials(run_story(run, lang))
    yield from lines_in(blocks_of(sections, Part.INCIDENTS, Part.FINDINGS, Part.GUARD))
    yield from filter(None, (advice_line(run, lang),))


def news(before: Snapshot, run: Snapshot, now: float, lang: Lang) -> Iterator[Line]:
    """What has happened since. `now`: Unix time."""
    if before.state is State.WAITING and run.state is not State.WAITING:
        yield standing_line(run, lang)
    for resume in run.resumes[len(before.resumes) :]:
        yield phrase(words.RESUMED, lang, **counted_in(run, lang), last=resume.last, first=resume.first)
    if run.best is not None and run.best != before.best and judged_by_loss(run):
        loss, step = run.best
        yield phrase(watch_words.BEST, lang, **counted_in(run, lang), step=step, loss=number(loss))
    yield from _signals(before, run, lang)
    yield from _incidents(before, run, lang)
    yield from _guard(before, run, lang)
    yield from _silence(before, run, now, lang)


def advice_line(run: Snapshot, lang: Lang) -> Line:
    """The first things to try; empty where nothing is wrong."""
    first = [action_line(action, lang) for action in actions(run, diagnose(run), lang)[:ACTIONS_TOLD]]
    numbered = (joined(((f"{at}. ",), line)) for at, line in enumerate(first, 1))
    listed = joined(numbered, words.SEMICOLON.of(lang))
    return phrase(watch_words.DO, lang, actions=listed) if first else ()


def _signals(before: Snapshot, run: Snapshot, lang: Lang) -> Iterator[Line]:
    known = _numbered(before.episodes, _origin)
    was, now = _severities(before), _severities(run)
    for identity, episode in _numbered(run.episodes, _origin).items():
        earlier = known.get(identity)
        if earlier is None:
            yield finding_line(run, _finding(episode, run, lang), lang)
        elif earlier.active and not episode.active:
            yield _over(episode, run, lang)
        elif episode.active:
            yield from _change(episode, was.get(episode.signal), now.get(episode.signal), run, lang)


def _change(
    episode: Episode, was: Severity | None, now: Severity | None, run: Snapshot, lang: Lang
) -> Iterator[Line]:
    """A signal that lasts, and has become better or worse."""
    if was is None or now is None or was is now:
        return
    form = watch_words.WORSE if now.rank > was.rank else watch_words.EASED
    finding, mark = _finding(episode, run, lang), severity_mark(now, lang)
    yield phrase(
        form,
        lang,
        **counted_in(run, lang),
        step=run.last_step,
        severity=mark,
        title=finding.title,
        text=finding.text,
    )


def _over(episode: Episode, run: Snapshot, lang: Lang) -> Line:
    title, when = (
        signal_title(run, episode.signal, lang),
        steps_text(run, episode.first_step, episode.last_step, lang),
    )
    return phrase(watch_words.OVER, lang, **counted_in(run, lang), step=run.last_step, title=title, when=when)


def _finding(episode: Episode, run: Snapshot, lang: Lang) -> Finding:
    return findings(replace(run, episodes=(episode,)), lang)[0]


def _severities(run: Snapshot) -> dict[str, Severity]:
    """The severity that each signal has at the moment; an episode tells its worst."""
    active = (
        dict(series.labels) for series, on in run.samples.items() if series.metric is m.SIGNAL_ACTIVE and on
    )
    return {labels["signal"]: Severity(labels["severity"]) for labels in active}


def _incidents(before: Snapshot, run: Snapshot, lang: Lang) -> Iterator[Line]:
    known = _numbered(before.incidents, _onset)
    for identity, incident in _numbered(run.incidents, _onset).items():
        earlier = known.get(identity)
        if earlier is None:
            yield _begun(incident, run, lang)
            yield from filter(None, (advice_line(run, lang),))
        elif earlier.active and not incident.active:
            yield incident_line(run, incident, lang)
        elif earlier.stages != incident.stages:
            yield _chain(watch_words.SPREADS, incident, run, lang)


def _chain(form: Text, incident: Incident, run: Snapshot, lang: Lang) -> Line:
    """An incident by what has broken so far."""
    chain = chain_line(incident, lang)
    return phrase(form, lang, **counted_in(run, lang), onset=incident.onset_step, chain=chain)


def _begun(incident: Incident, run: Snapshot, lang: Lang) -> Line:
    lasts = incident.active
    line = _chain(watch_words.BEGUN, incident, run, lang) if lasts else incident_line(run, incident, lang)
    back = back_to(run, incident, lang)
    return joined((line, back), words.SEMICOLON.of(lang)) if back else line


def _guard(before: Snapshot, run: Snapshot, lang: Lang) -> Iterator[Line]:
    """What the guard has done since; what it says is next where it says something else than before."""
    if run.guard is None or run.guard == before.guard:
        return
    known = set(_guard_lines(before, lang))
    yield from (line for line in _guard_lines(run, lang) if line not in known)


def _guard_lines(run: Snapshot, lang: Lang) -> list[Line]:
    section = guard_section(run, lang)
    return [] if section is None else list(lines_in(section.blocks))


def _silence(before: Snapshot, run: Snapshot, now: float, lang: Lang) -> Iterator[Line]:
    if before.state is run.state:
        return
    if run.state is State.STALLED:
        silent = duration(now - (run.last_record or now), lang)
        yield phrase(watch_words.STALLED, lang, time=silent)
    elif before.state is State.STALLED and run.state is State.RUNNING:
        yield (watch_words.GOES_ON.of(lang),)


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
