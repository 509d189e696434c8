"""The verdict on a run, and why: the sections with which its story begins."""

from __future__ import annotations

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Diagnosis, Health, RowKind, Snapshot, State
from llmtrain_exporter.story.blocks import DETAIL, Line, Mark, Paragraph, Part, Section, Strong
from llmtrain_exporter.story.diagnosis import against, findings, title
from llmtrain_exporter.story.judged import LOOK
from llmtrain_exporter.story.metrics import metric_rows
from llmtrain_exporter.story.phrase import phrase
from llmtrain_exporter.story.sections import section_of

MOST_NAMES = 4
"""Metrics that a sentence names."""


def health_mark(health: Health, lang: Lang) -> Mark:
    """The word for a run's health."""
    key = health.name.lower()
    return Mark(key, words.HEALTH[key].of(lang))


def verdict_line(run: Snapshot, lang: Lang) -> Line:
    """The verdict on the whole log, and how the run is now where that is something else.

    Silence says nothing of the records: of a log that merely ended its verdict is all there is.
    """
    mark = health_mark(run.verdict, lang)
    if run.verdict in (Health.UNKNOWN, run.health):
        return (mark,)
    if run.state is State.STALLED:
        silent = Mark(run.health.name.lower(), words.NO_LONGER_WRITTEN.of(lang))
        return phrase(words.VERDICT_ONLY, lang, verdict=mark, silent=silent)
    return phrase(words.NOW_ONLY, lang, verdict=mark, now=health_mark(run.health, lang))


def verdict_section(run: Snapshot, lang: Lang) -> Section | None:
    """That verdict; None where there is nothing to judge."""
    if run.verdict is Health.UNKNOWN:
        return None
    return section_of(Part.VERDICT, lang, None, Paragraph(verdict_line(run, lang)))


def reason_section(run: Snapshot, found: Diagnosis, lang: Lang) -> Section | None:
    """Why the verdict is what it is. What speaks against a run stands among the findings as well."""
    if against(run):
        return section_of(Part.REASON, lang, None, Paragraph(_worst(run, lang)), rank=DETAIL)
    if run.verdict is Health.UNKNOWN:
        why = words.LOSS_UNREADABLE if run.records.get(RowKind.TRAIN) else words.NOTHING_TO_JUDGE
        return section_of(Part.REASON, lang, None, Paragraph((why.of(lang),)))
    if found.causes or run.verdict is not Health.HEALTHY:
        return None
    if run.state is State.FAILED:
        return section_of(Part.REASON, lang, None, Paragraph((words.FAILED_UNTOLD.of(lang),)))
    return None if run.state is State.STALLED else _all_well(run, lang)


def _all_well(run: Snapshot, lang: Lang) -> Section:
    warning = [bounds for bounds in run.limits.values() if bounds.keys() - {Severity.INFO}]
    outside = names_outside(run, lang)
    form = words.NO_SIGNAL_BUT if outside else words.ALL_WELL
    values = {"metrics": outside} if outside else {}
    sentence = phrase(form, lang, signals=len(warning), profile=run.profile, **values)
    return section_of(Part.REASON, lang, None, Paragraph(sentence))


def names_outside(run: Snapshot, lang: Lang) -> str:
    """The metrics of a run that are outside of their healthy range though no signal speaks against them."""
    names = [row.name for row in metric_rows(run, lang) if row.judged == LOOK]
    more = [words.AND_MORE.of(len(names) - MOST_NAMES, lang)] if len(names) > MOST_NAMES else []
    return words.LISTED.of(lang).join((*names[:MOST_NAMES], *more))


def _worst(run: Snapshot, lang: Lang) -> Line:
    """The worst that speaks against a run, and what happened."""
    name = title(run, lang)
    text = next(finding.text for finding in findings(run, lang) if finding.title == name)
    return phrase(words.REASON, lang, title=Strong(name), text=text)
