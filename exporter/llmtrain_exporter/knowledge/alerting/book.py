"""The runbook: what each alert means, what follows from it, how to find its cause, and what to do.

Without any markup, so that a page can be made from it as well as a file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.alerting import ALERTS, phrases
from llmtrain_exporter.knowledge.alerting.entry import Alert
from llmtrain_exporter.knowledge.alerting.signals import limit_in_words
from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.signal import Severity, Signal
from llmtrain_exporter.knowledge.signals import LIMITS
from llmtrain_exporter.knowledge.text import Lang, Text


@dataclass(frozen=True, slots=True)
class RunbookSection:
    """A part of an entry: a paragraph, or a list; `numbered` where the order of its items counts."""

    heading: str
    text: str = ""
    items: tuple[str, ...] = ()
    numbered: bool = True


@dataclass(frozen=True, slots=True)
class RunbookEntry:
    """All about the alerts of one name. `severities` and `limits` are short texts, code in backticks."""

    name: str
    summary: str
    severities: str
    limits: str
    sections: tuple[RunbookSection, ...]


def entries(lang: Lang) -> tuple[RunbookEntry, ...]:
    """The runbook in one language, an entry for each name."""
    return tuple(_entry(list(alerts), lang) for _, alerts in groupby(ALERTS, key=lambda alert: alert.name))


def _entry(alerts: Sequence[Alert], lang: Lang) -> RunbookEntry:
    texts = alerts[0].words
    sections = (
        RunbookSection(phrases.MEANING.of(lang), texts.meaning.of(lang)),
        RunbookSection(phrases.IMPACT.of(lang), texts.impact.of(lang)),
        RunbookSection(phrases.DIAGNOSIS.of(lang), items=_all(texts.diagnosis, lang)),
        RunbookSection(words.WHY.of(lang), items=_all(texts.causes, lang), numbered=False),
        RunbookSection(phrases.MITIGATION.of(lang), items=_all(texts.mitigation, lang)),
    )
    signal = alerts[0].signal
    limits = [line for alert in alerts if signal for line in _limits(signal, alert.severity, lang)]
    return RunbookEntry(
        alerts[0].name,
        texts.summary.of(lang),
        words.COMMA.of(lang).join(_severity(alert, lang) for alert in alerts),
        words.SEMICOLON.of(lang).join(limits),
        tuple(section for section in sections if section.text or section.items),
    )


def _all(texts: Sequence[Text], lang: Lang) -> tuple[str, ...]:
    return tuple(text.of(lang) for text in texts)


def _severity(alert: Alert, lang: Lang) -> str:
    severity = f"`{alert.severity.value}`"
    return phrases.HELD.of(lang).format(severity=severity, time=alert.holds) if alert.holds else severity


def _limits(signal: Signal, severity: Severity, lang: Lang) -> Iterator[str]:
    """A severity's limits, each with the profiles that have it."""
    phrase = limit_in_words(signal)
    if phrase is None:
        return
    kinds_of: dict[str, list[str]] = {}
    for kind, limits in LIMITS.items():
        bound = limits.get(signal.name, {}).get(severity)
        if bound is not None:
            written = phrase.of(lang).replace(
                "{limit}", f"{bound.limit:.0%}" if signal.told_in_percent else number(bound.limit)
            )
            written += _in_records(bound.records, bound.within, lang)
            kinds_of.setdefault(written, []).append(kind)
    for written, kinds in kinds_of.items():
        yield phrases.IN_PROFILES.of(lang).format(
            severity=f"`{severity.value}`", limit=written, profiles=_named(kinds, lang)
        )


def _in_records(records: int, within: int, lang: Lang) -> str:
    if records == 1:
        return ""
    row = phrases.IN_RECORDS if within > records else phrases.IN_A_ROW
    return row.of(lang).format(records=records, within=within)


def _named(kinds: Collection[str], lang: Lang) -> str:
    return phrases.EVERYWHERE.of(lang) if len(kinds) == len(LIMITS) else ", ".join(kinds)
