"""What a guard has done to a run: when, from which step it went on, with which settings, and at what cost."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from llmtrain_exporter.analyse.guarded import gpu_hours, spared_steps
from llmtrain_exporter.knowledge import guard_story_words as words
from llmtrain_exporter.knowledge import guard_words
from llmtrain_exporter.knowledge.guarding import GUARD_FILE, KEPT_FOLDER
from llmtrain_exporter.knowledge.said_again import said_again, values_in
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.story_words import COMMA
from llmtrain_exporter.knowledge.text import Lang, Text, written
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.model.guarded import Action, Attempt, GuardEvent, GuardFile, SettingChange
from llmtrain_exporter.story.blocks import (
    Code,
    Cut,
    Item,
    Items,
    Line,
    Moment,
    Paragraph,
    Part,
    Section,
    Span,
)
from llmtrain_exporter.story.lost import DIGITS, LEAST
from llmtrain_exporter.story.numbers import moment_text, number
from llmtrain_exporter.story.phrase import joined, phrase
from llmtrain_exporter.story.sections import section_of

MOST_CHANGES = 8
"""Settings that a line names."""

_ASIDE = 1
"""Rank of what changes nothing in the training."""


def guard_line(run: Snapshot, lang: Lang) -> Line:
    """How the guard of a run stands, in a few words; empty where it has none."""
    if run.guard is None:
        return ()
    state = words.STATES[run.guard.state]
    if run.guard.state == "watching" and run.guard.attempts:
        state = words.STATES["went_on"]
    return phrase(words.STATE, lang, state=phrase(state, lang, file=Code(GUARD_FILE)))


def guard_section(run: Snapshot, lang: Lang) -> Section | None:
    """What the guard did, one thing after the other, what that cost and spared, and what is next."""
    guard = run.guard
    if guard is None:
        return None
    listed = tuple(guard_items(run, guard, lang))
    paragraphs = tuple(Paragraph(line) for line in _outcome(run, guard, lang))
    lists = (Items(listed, bare=True, cut=Cut.FIRST),) if listed else ()
    if not listed and not paragraphs:
        return None
    return section_of(Part.GUARD, lang, words.TITLE, *lists, *paragraphs)


def guard_items(run: Snapshot, guard: GuardFile, lang: Lang) -> Iterator[Item]:
    """An item for each thing that it did, by time; many of a kind that go with no incident share one."""
    told: list[tuple[float, int, Item]] = []
    starts = guard.of("go_on")
    for attempt in guard.attempts:
        event = _start_of(attempt, starts)
        time = event.time if event else _before(guard, attempt.stopped_at)
        told.append((time, attempt.from_step, _rescue(attempt, event, run, lang)))
    for action, tell in _TELLERS.items():
        told += [(event.time, event.step, tell(event, lang)) for event in guard.of(action)]
    for group in _groups(guard):
        told.append((group[-1].time, group[-1].step, _several(group, guard, lang)))
    if guard.reason is not None and not guard.of("stop"):
        told.append((_before(guard, guard.reason.step), guard.reason.step, _incident_told(guard, lang)))
    yield from (item for _, _, item in sorted(told, key=lambda each: each[:2]))


def _before(guard: GuardFile, step: int) -> float:
    """Where in time that belongs whose time nobody knows: before what was done at later steps."""
    return min((event.time for event in guard.events if event.step > step), default=math.inf)


def _start_of(attempt: Attempt, starts: Sequence[GuardEvent]) -> GuardEvent | None:
    """The event of a rescue, by the number that it bears."""
    return next((event for event in starts if event.because == f"rescue {attempt.attempt}"), None)


def _groups(guard: GuardFile) -> Iterator[Sequence[GuardEvent]]:
    """Skipped updates, and the changes of each setting; those that belong to a rescue are told with it."""
    skips = guard.of("skip")
    if skips:
        yield skips
    sets = [event for event in guard.of("set") if event.because not in _OF_A_RESCUE]
    for setting in dict.fromkeys(str(event.details.get("setting", "")) for event in sets):
        yield [event for event in sets if event.details.get("setting", "") == setting]


_OF_A_RESCUE = tuple(guard_words.AFTER_RESCUE.of(lang) for lang in Lang)


def _item(
    event: GuardEvent | None, step: int, what: Line, lang: Lang, more: Sequence[Line] = (), rank: int = 0
) -> Item:
    """Something that was done at a step, and when if that is known."""
    at: Line = (Span(words.AT.of(lang).format(step=step), step, step),)
    if event is not None and event.time:
        moment = Moment(moment_text(event.time), event.time)
        at = phrase(words.AT_TIME, lang, at=at, moment=moment)
    return Item(phrase(words.TELLS, lang, when=at, what=what), tuple(more), rank)


def _stop(event: GuardEvent, lang: Lang) -> Item:
    return _item(event, event.step, _for(words.STOPPED.of(lang), event.because, lang), lang)


def _for(what: str, because: str, lang: Lang) -> Line:
    """What was done, and for which signal, if that is one of ours."""
    told = values_in(because, guard_words.INCIDENT)
    if told is None or told["signal"] not in SIGNALS:
        return _why(what, because, lang)
    title = SIGNALS[told["signal"]].advice.title.of(lang)
    return phrase(words.FOR, lang, what=what, title=title, metric=told["metric"], value=told["value"])


def _why(what: str, because: str, lang: Lang) -> Line:
    if not because:
        return (what,)
    return phrase(words.BECAUSE, lang, what=what, because=_said(because, lang))


def _said(sentence: str, lang: Lang) -> str:
    return said_again(sentence, words.SAID_BY_GUARD, lang)


def _incident_told(guard: GuardFile, lang: Lang) -> Item:
    """Of a training that goes on, or of whose stop only the reason is left."""
    reason = guard.reason
    assert reason is not None
    value = "NaN" if reason.value is None else number(reason.value)
    what = words.STOPPED if guard.state in ("stopped", "gave_up") else words.TOLD
    title = SIGNALS[reason.signal].advice.title.of(lang) if reason.signal in SIGNALS else reason.signal
    line = phrase(words.FOR, lang, what=what.of(lang), title=title, metric=reason.metric, value=value)
    return _item(None, reason.step, line, lang)


def _rescue(attempt: Attempt, event: GuardEvent | None, run: Snapshot, lang: Lang) -> Item:
    line = phrase(
        words.RESCUED,
        lang,
        attempt=attempt.attempt,
        back=attempt.from_step,
        checkpoint=Code(_short(attempt.checkpoint)),
    )
    more = [changes_line(attempt.changes, lang), (_wasted(run, attempt.wasted_steps, lang),)]
    return _item(event, attempt.from_step, line, lang, [each for each in more if each])


def _short(checkpoint: str) -> str:
    """Where it lies, from the run's output folder on."""
    folder, name = os.path.split(checkpoint.rstrip("/"))
    return f"{KEPT_FOLDER}/{name}" if os.path.basename(folder) == KEPT_FOLDER else name


def changes_line(changes: Mapping[str, SettingChange], lang: Lang) -> Line:
    """The settings that a rescue has changed."""
    named = [
        phrase(words.CHANGE, lang, setting=name, before=_value(each.before), after=_value(each.after))
        for name, each in list(changes.items())[:MOST_CHANGES]
        if each.after is not None
    ]
    if not named:
        return (words.NOTHING_CHANGED.of(lang),)
    return phrase(words.WITH, lang, changes=joined(named, COMMA.of(lang)))


def _value(value: float | str | None) -> str:
    return "?" if value is None else written(value)


def _wasted(run: Snapshot, steps: int, lang: Lang) -> str:
    return _with_hours(run, steps, words.WASTED, words.WASTED_HOURS, lang)


def _with_hours(run: Snapshot, steps: int, alone: Text, timed: Text, lang: Lang, **values: object) -> str:
    """Steps with the GPU hours that they take, where those are known and worth a word."""
    hours = gpu_hours(run, steps)
    told = {"steps": words.STEPS.of(steps, lang), **values}
    if hours is None or hours < LEAST:
        return alone.of(lang).format(**told)
    return timed.of(lang).format(hours=number(float(f"{hours:.{DIGITS}g}")), **told)


def _give_up(event: GuardEvent, lang: Lang) -> Item:
    return _item(event, event.step, _why(words.GIVES_UP.of(lang), event.because, lang), lang)


def _save(event: GuardEvent, lang: Lang) -> Item:
    where = Code(_short(str(event.details.get("checkpoint", "?"))))
    return _item(event, event.step, phrase(words.SAVED_ASIDE, lang, checkpoint=where), lang)


def _keep(event: GuardEvent, lang: Lang) -> Item:
    return _item(event, event.step, (words.KEPT.of(lang),), lang, rank=_ASIDE)


def _refuse(event: GuardEvent, lang: Lang) -> Item:
    setting = event.details.get("setting")
    form = words.REFUSED_SETTING if isinstance(setting, str) else words.REFUSED
    what = form.of(lang).format(setting=_name(str(setting), lang))
    return _item(event, event.step, _why(what, event.because, lang), lang, rank=_ASIDE)


_TELLERS: Mapping[Action, Callable[[GuardEvent, Lang], Item]] = {
    "stop": _stop,
    "give_up": _give_up,
    "save": _save,
    "keep": _keep,
    "refuse": _refuse,
}


def _several(group: Sequence[GuardEvent], guard: GuardFile, lang: Lang) -> Item:
    last = group[-1]
    if last.action == "skip":
        n, line, form = guard.times("skip"), _skip(last, lang), words.SKIPPED_SEVERAL
    else:
        n, line, form = len(group), _set(last, lang), words.SET_SEVERAL
    what = phrase(form, lang, what=line, n=n, first=group[0].step) if n > 1 else line
    return _item(last, last.step, what, lang)


def _skip(event: GuardEvent, lang: Lang) -> Line:
    norm, usual = event.details.get("grad_norm"), event.details.get("usual")
    form = words.SKIPPED_ALONE if usual is None else words.SKIPPED
    return phrase(form, lang, norm=_number(norm), usual=_number(usual))


def _number(value: float | str | None) -> str:
    return "?" if value is None else value if isinstance(value, str) else number(value)


def _set(event: GuardEvent, lang: Lang) -> Line:
    return phrase(
        words.SET,
        lang,
        setting=_name(str(event.details.get("setting", "?")), lang),
        before=_number(event.details.get("from")),
        after=_number(event.details.get("to")),
        because=_said(event.because, lang),
    )


def _name(setting: str, lang: Lang) -> str:
    known = words.NAMES.get(setting)
    return setting if known is None else known.of(lang)


def _outcome(run: Snapshot, guard: GuardFile, lang: Lang) -> Iterator[Line]:
    if len(guard.attempts) > 1 or guard.is_broken_again:
        yield (words.COST.of(lang).format(wasted=_wasted(run, guard.wasted_steps, lang)),)
    spared = spared_steps(run)
    if spared is not None:
        at, steps = spared
        yield (_with_hours(run, steps, words.SPARED, words.SPARED_HOURS, lang, step=at),)
    if guard.state in words.NOW and (guard.attempts or guard.reason is not None):
        yield (words.NOW[guard.state].of(lang),)
    if guard.next:
        yield phrase(words.NEXT, lang, next=_said(guard.next, lang))
    if guard.unread:
        yield (words.UNREAD.of(guard.unread, lang).format(file=GUARD_FILE),)
