"""The metrics of a run: last value, healthy range, what is thought of it, and the course of its values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.meaning import Good
from llmtrain_exporter.knowledge.metric import Group
from llmtrain_exporter.knowledge.metric_titles import TITLES
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Series, Snapshot
from llmtrain_exporter.story.blocks import DETAIL, Course, Line, Mark, Part, Section, Table
from llmtrain_exporter.story.judged import healthy_text, judgement
from llmtrain_exporter.story.numbers import short_name, value_text
from llmtrain_exporter.story.ranges import healthy_of, meaning_of
from llmtrain_exporter.story.sections import section_of

JUDGED = (
    *(Group.OPTIMISATION, Group.REWARD, Group.LENGTH, Group.PREFERENCE),
    *(Group.OBJECTIVE, Group.VALUE, Group.MISMATCH, Group.DISTILLATION, Group.ROLLOUT, Group.EVALUATION),
    Group.DERIVED,
)
"""Metrics of these groups stand in the table of a run, and those of others that only some trainers write."""

_CATALOGUE = {metric: at for at, metric in enumerate(c.METRICS) if metric.group in JUDGED or metric in TITLES}
_MAIN_PARTS = frozenset(("", "mean", "region_mean", "chosen", "rejected"))
_URGENCY = {judged: rank for rank, judged in enumerate(("critical", "warning", "look"))}
_RANGE, _TREND = 2, 4  # columns of the table

Courses = Mapping[Series, Sequence[float]]
"""The values of series, one after the other, as far as somebody keeps them."""

NO_COURSES: Courses = MappingProxyType({})


class MetricRow(NamedTuple):
    """A metric of the run: its name in the log's own terms, last value, healthy range, what is thought of it.

    `judged`: a key of `words.JUDGED`, empty where nothing can be said; `word`: the same for people. `beside`:
    what that holds the value against, if not the healthy range.
    """

    name: str
    value: str
    healthy: str
    beside: str
    judged: str
    word: str
    main: bool  # worth a line even where there is nothing to say of it
    series: Series

    @property
    def mark(self) -> Mark:
        """What is thought of it."""
        return Mark(self.judged, self.word)

    @property
    def matters(self) -> bool:
        """Whether it is a metric to look at, or one that something is said against."""
        return self.main or self.judged not in ("", "fine")


def metrics_section(
    run: Snapshot,
    lang: Lang,
    courses: Courses = NO_COURSES,
    evidence: Collection[Series] = (),
) -> Section | None:
    """The table of metrics, with a column of their courses where somebody keeps those; see `Course`.

    `evidence`: what the leading cause rests on; its rows go as late as those with a warning.
    """
    rows = list(metric_rows(run, lang))
    if not rows:
        return None
    head = [word.of(lang) for word in (words.METRIC, words.VALUE, words.RANGE, words.VERDICT)]
    cells = [_cells(row) for row in rows]
    if courses:
        head.append(words.TREND.of(lang))
        for row, line in zip(rows, cells, strict=True):
            line.append((Course(tuple(courses.get(row.series, ()))),))
    ranks = tuple(_rank(row, evidence) for row in rows)
    spare = (_RANGE, _TREND) if courses else (_RANGE,)
    table = Table(words.METRICS.of(lang), tuple(head), tuple(map(tuple, cells)), ranks, spare)
    return section_of(Part.METRICS, lang, None, _explained(table, rows, run, lang))


def _rank(row: MetricRow, evidence: Collection[Series]) -> int:
    if not row.matters:
        return DETAIL
    rank = _URGENCY.get(row.judged, len(_URGENCY))
    return min(rank, _URGENCY["warning"]) if row.series in evidence else rank


def _explained(table: Table, rows: Sequence[MetricRow], run: Snapshot, lang: Lang) -> Table:
    """With the group of each metric, and what it means where no row above has said so."""
    groups = tuple(dashboard_words.GROUPS[row.series.metric.group].of(lang) for row in rows)
    notes: list[Line] = []
    above = shown_above = ""  # what the last row means, and the last of those that are always shown
    for row in rows:
        note = _note(row.series, run.base, lang)
        is_there = note == shown_above or (note == above and not row.matters)
        notes.append(() if is_there else (note,))
        above, shown_above = note, note if row.matters else shown_above
    return replace(table, groups=groups, notes=tuple(notes), notes_head=words.MEANING.of(lang))


def _note(series: Series, base: str, lang: Lang) -> str:
    """What a series means, which way is good, how to read its range."""
    meaning, healthy = meaning_of(series), healthy_of(series, base)
    if meaning is None:
        return series.metric.help
    good = () if meaning.good is Good.NEITHER else (words.GOOD[meaning.good.value].of(lang),)
    note = () if healthy is None or healthy.note is None else (healthy.note.of(lang),)
    return words.BETWEEN_SENTENCES[lang].join((meaning.what.of(lang), *good, *note))


def _cells(row: MetricRow) -> list[Line]:
    mark: Line = (row.mark,) if row.judged else ()
    return [(row.name,), (row.value,), (row.beside,) if row.beside else (), mark]


def metric_rows(run: Snapshot, lang: Lang) -> Iterator[MetricRow]:
    """The metrics of a run, in the catalogue's order."""
    for series in sorted((logged for logged in run.samples if logged.metric in _CATALOGUE), key=_place):
        healthy, thought = healthy_text(series, run, lang), judgement(series, run, lang)
        yield MetricRow(
            name=short_name(series),
            value=value_text(run.samples[series], series.metric, lang),
            healthy=healthy,
            beside=thought.beside,
            judged=thought.key,
            word=thought.word,
            main=_is_main(series, healthy),
            series=series,
        )


def _place(series: Series) -> tuple[int, bool]:
    return _CATALOGUE[series.metric], ("split", "eval") in series.labels


def _is_main(series: Series, healthy: str) -> bool:
    metric, labels = series.metric, dict(series.labels)
    if labels.get("split") == "eval" or metric is c.REWARD_FUNCTION_STD:
        return False
    if (metric in TITLES or metric.group is Group.DERIVED) and not healthy:
        return False
    return labels.get(metric.label, "") in _MAIN_PARTS or metric is c.REWARD_FUNCTION_MEAN
