"""A file of settings with learned limits, the reason above each number."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterable, Iterator, Mapping

import yaml

from llmtrain_exporter.config import EXPORTER, Settings
from llmtrain_exporter.config.profiles import ProfileRule
from llmtrain_exporter.config.yaml_document import parse
from llmtrain_exporter.knowledge import calibrate_words as words
from llmtrain_exporter.knowledge import story_words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import UNPRINTABLE, printable
from llmtrain_exporter.publish.calibrate.learned import Learned, SignalFigures
from llmtrain_exporter.publish.calibrate.moves import Move
from llmtrain_exporter.publish.calibrate.telling import bound_text, first_names, summary
from llmtrain_exporter.story.numbers import number
from llmtrain_exporter.write.columns import shortened_name, wrapped

WIDTH = 100
"""Columns of a line."""
NAME = 60
"""Columns of a run's name in a reason."""

_PLAIN = re.compile(r"[A-Za-z][\w-]*", re.ASCII)


def profile_file(
    lessons: Mapping[str, Learned], own: Mapping[str, ProfileRule], alike: bool, lang: Lang
) -> str:
    """The file, by the names of the new profiles. `own`: the operator's profiles, which these may inherit.

    `alike`: all runs that were read are of one kind, so that the next ones are taken to be, too.
    """
    lines = [*_comment(words.MADE.of(lang), 0)]
    for each in lessons.values():
        for text in summary(each, lang):
            lines += _comment(text, 0)
    lines.append("profiles:")
    for name in _inherited(lessons.values(), own):
        rule = own[name].model_dump(mode="json", exclude_defaults=True)
        lines.append(f"  {_name(name)}: {_quoted(rule)}")
    for name, each in lessons.items():
        lines += _profile(name, each, lang)
    lines += ["runs:", *_assignments(lessons, alike, lang)]
    return "\n".join(lines) + "\n"


def settings_in(text: str) -> Settings:
    """What such a file says. Raises ValueError where it cannot be loaded."""
    return EXPORTER.model.model_validate(parse(text).content)


def _inherited(lessons: Iterable[Learned], own: Mapping[str, ProfileRule]) -> list[str]:
    """The operator's own profiles that are inherited: the file has all that it needs."""
    names: list[str] = []
    for each in lessons:
        name = each.profile.name
        while name in own and name not in names:
            names.append(name)
            name = own[name].inherits
    return names


def _profile(name: str, each: Learned, lang: Lang) -> Iterator[str]:
    yield f"  {_name(name)}:"
    yield f"    inherits: {_name(each.profile.name)}"
    moved = [figures for figures in each.signals if figures.moves]
    if not moved:
        yield "    limits: {}"
        yield from _comment(words.NOTHING_MOVES.of(lang), 4)
        return
    yield "    limits:"
    for figures in moved:
        yield f"      {figures.signal}:"
        for move in figures.moves:
            yield from _comment(_reason(move, figures, each, lang), 8)
            yield f"        {move.severity.value}: {_value(move, each)}"


def _value(move: Move, each: Learned) -> str:
    bound = each.profile.limits[move.signal][move.severity]
    changes = {
        key: getattr(move, key)
        for key in ("limit", "records", "within")
        if getattr(move, key) != getattr(bound, key)
    }
    if list(changes) == ["limit"]:
        return number(move.limit)
    return "{" + ", ".join(f"{key}: {number(value)}" for key, value in changes.items()) + "}"


def _reason(move: Move, figures: SignalFigures, each: Learned, lang: Lang) -> str:
    before, after = figures.alarms
    text = words.BECAUSE.of(lang).format(
        severity=move.severity.value,
        limit=bound_text(each.profile.limits[move.signal][move.severity], lang),
        before=before,
        after=after,
        rate=number(each.rate(before)),
        new_rate=number(each.rate(after)),
    )
    told_before, told = figures.told
    if not told:
        return text
    runs = [
        _lead_text(each.broken[at].run.run, lead, lang)
        for at, lead in sorted(told.items(), key=lambda pair: -pair[1])
    ]
    counts = words.STILL_TOLD.of(lang).format(
        before=len(told_before), after=len(told), runs=first_names(runs, lang)
    )
    return f"{text}{story_words.BETWEEN_SENTENCES[lang]}{counts}"


def _lead_text(run: str, lead: int, lang: Lang) -> str:
    text = words.EARLY_IN if lead >= 0 else words.LATE_IN
    return text.of(lang).format(run=shortened_name(run, NAME), lead=abs(lead))


def _assignments(lessons: Mapping[str, Learned], alike: bool, lang: Lang) -> Iterator[str]:
    if alike:
        yield from _comment(words.ALL_RUNS.of(lang), 2)
        yield f'  - {{match: "*", profile: {_name(next(iter(lessons)))}}}'
        return
    yield from _comment(words.THESE_RUNS.of(lang), 2)
    for name, each in lessons.items():
        for log in (*each.healthy, *each.broken):
            yield f"  - {{match: {_quoted(_pattern(log.folder))}, profile: {_name(name)}}}"


def _pattern(name: str) -> str:
    """A glob for one name; for what cannot stand in a file, any character."""
    return printable(glob.escape(name)).replace("\ufffd", "?")


def _comment(text: str, indent: int) -> Iterator[str]:
    """Comment lines, whatever the text holds: what would end one, or steer a terminal, is replaced."""
    lead = " " * indent + "# "
    return (lead + line for line in wrapped(printable(text), WIDTH - len(lead)))


def _name(text: str) -> str:
    """A name as YAML, quoted where it could be read as something else."""
    return text if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text else _quoted(text)


def _quoted(value: object) -> str:
    """Texts, and what holds them, as JSON that YAML reads the same: it knows no escapes in pairs."""
    text = json.dumps(value, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
