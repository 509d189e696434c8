"""Texts that are made from other texts, in every language at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.producers import PRODUCERS
from llmtrain_exporter.knowledge.profile import GRPO, PROFILES
from llmtrain_exporter.knowledge.remedy import Change, Remedy
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import LIMITS
from llmtrain_exporter.knowledge.story_words import SEMICOLON
from llmtrain_exporter.knowledge.text import RUN_LIMITS, Lang, Text, fill

_TITLED = Text("{title}: {text}", "{title}：{text}")
_ONLY = Text("{profiles} only", "仅 {profiles}")
_NOTED = Text("{text} ({notes})", "{text}（{notes}）")


def put(text: Text, /, **parts: Text) -> Text:
    """The text with other texts in place of the placeholders of these names; the rest stays blank."""
    return Text(*(_put(text, lang, parts) for lang in Lang))


def filled(text: Text) -> Text:
    """Without the placeholders of a single run: settings by their names, limits as GRPO has them."""
    bounds = {
        name: LIMITS[GRPO].get(signal, {}).get(Severity(severity))
        for name, (signal, severity) in RUN_LIMITS.items()
    }
    limits = {name: number(bound.limit) for name, bound in bounds.items() if bound is not None}
    return Text(*(fill(text, lang, limits) for lang in Lang))


def titled(title: Text, text: Text) -> Text:
    """What it is, and then how."""
    return put(_TITLED, title=title, text=filled(text))


def remedy_text(remedy: Remedy, kinds: Iterable[str]) -> Text:
    """A remedy in full, with its flags, and the profiles where it is not one for all of `kinds`."""
    kinds, notes = tuple(kinds), []
    flags = dict.fromkeys(flag for change in remedy.changes for flag in _flags(change, remedy))
    if flags:
        notes.append(_same(", ".join(f"`{flag}`" for flag in flags)))
    fitting = [kind for kind in kinds if kind in remedy.profiles]
    if len(fitting) < len(kinds):
        notes.append(put(_ONLY, profiles=_same(", ".join(fitting))))
    title = put(_NOTED, text=remedy.title, notes=_joined(notes)) if notes else remedy.title
    return titled(title, remedy.how)


def _flags(change: Change, remedy: Remedy) -> Iterator[str]:
    """What each trainer calls a setting, in the profiles that a remedy is for; each name once."""
    fitting = (kind for kind in PROFILES if kind in remedy.profiles)
    found: dict[str, str] = {}
    for kind, producer in product(fitting, PRODUCERS):
        if not (change.where_no and producer.spelled(change.where_no, kind)):
            name = producer.spelled(change.setting, kind).rpartition(".")[2]
            found.setdefault(name, producer.flag(change.setting, kind))
    return filter(None, found.values())


def _joined(texts: Sequence[Text]) -> Text:
    return Text(*(SEMICOLON.of(lang).join(text.of(lang) for text in texts) for lang in Lang))


def _put(text: Text, lang: Lang, parts: dict[str, Text]) -> str:
    written = text.of(lang)
    for name, part in parts.items():
        written = written.replace(f"{{{name}}}", part.of(lang))
    return written


def _same(name: str) -> Text:
    return Text(name, name)
