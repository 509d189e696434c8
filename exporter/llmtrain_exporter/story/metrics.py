"""The metrics of a run: last value, healthy range, what is thought of it, and the course of its values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import panels, words
from llmtrain_exporter.knowledge.meaning import Good, Healthy, is_healthy
from llmtrain_exporter.knowledge.metric import PREFIX, Group
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Episode, Series, Snapshot
from llmtrain_exporter.story.blocks import DETAIL, Course, Line, Mark, Part, Section, Table
from llmtrain_exporter.story.numbers import range_text, series_name, value_text
from llmtrain_exporter.story.ranges import healthy_of, meaning_of

JUDGED = (Group.OPTIMISATION, Group.REWARD, Group.LENGTH, Group.PREFERENCE, Group.DERIVED)
"""Metrics of these groups stand in the table of a run."""

_CATALOGUE = {metric: at for at, metric in enumerate(c.METRICS) if metric.group in JUDGED}
_MAIN_PARTS = frozenset(("", "mean", "region_mean", "chosen", "rejected"))
_URGENCY = {judged: rank for rank, judged in enumerate(("critical", "warning", "look"))}
_RANGE, _TREND = 2, 4  # columns of the table

RANK = 4


Courses = Mapping[Series, Sequence[float]]
"""The values of series, one after the other, as far as somebody keeps them."""

NO_COURSES: Courses = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric of the run: its name in the log's own terms, last value, healthy range, what is thought of it.

    `judged`: a key of `words.JUDGED`, empty where nothing can be said.
    """

    name: str
    value: str
    healthy: str
    judged: str
    main: bool  # worth a line even where there is nothing to say of it
    series: Series

    @property
    def matters(self) -> bool:
        """Whether it is a metric to look at, or one that something is said against."""
        return self.main or self.judged not in ("", "fine")


def metrics_section(
    run: Snapshot, lang: Lang, courses: Courses = NO_COURSES, recent: bool = False
) -> Section | None:
    """The table of metrics, with a column of their courses where somebody keeps those; see `Course`."""
    rows = list(metric_rows(run, lang))
    if not rows:
        return None
    head = [word.of(lang) for word in (words.METRIC, words.VALUE, words.RANGE, words.VERDICT)]
    cells = [_cells(row, lang) for row in rows]
    if courses:
        head.append(words.TREND.of(lang))
        for row, line in zip(rows, cells, strict=True):
            line.append((Course(tuple(courses.get(row.series, ())), recent),))
    ranks = tuple(_URGENCY.get(row.judged, len(_URGENCY)) if row.matters else DETAIL for row in rows)
    spare = (_RANGE, _TREND) if courses else (_RANGE,)
    table = Table(words.METRICS.of(lang), tuple(head), tuple(map(tuple, cells)), ranks, spare)
    return Section(Part.METRICS, None, (_explained(table, rows, run, lang),), RANK)


def _explained(table: Table, rows: Sequence[MetricRow], run: Snapshot, lang: Lang) -> Table:
    """With the group of each metric, and what it means where no row above has said so."""
    groups = tuple(panels.GROUPS[row.series.metric.group].of(lang) for row in rows)
    notes: list[Line] = []
    above = of_importance = ""  # what the last row says; the last of those that are always shown
    for row in rows:
        note = _note(row.series, run.base, lang)
        notes.append(() if note in ((of_importance,) if row.matters else (above, of_importance)) else (note,))
        above, of_importance = note, note if row.matters else of_importance
    return replace(table, groups=groups, notes=tuple(notes), notes_head=words.MEANING.of(lang))


def _note(one: Series, base: str, lang: Lang) -> str:
    """What a series means, which way is good, how to read its range."""
    meaning, healthy = meaning_of(one), healthy_of(one, base)
    if meaning is None:
        return one.metric.help
    good = () if meaning.good is Good.NEITHER else (words.GOOD[meaning.good.value].of(lang),)
    note = () if healthy is None or healthy.note is None else (healthy.note.of(lang),)
    return words.BETWEEN_SENTENCES[lang].join((meaning.what.of(lang), *good, *note))


def _cells(row: MetricRow, lang: Lang) -> list[Line]:
    mark: Line = (Mark(row.judged, words.JUDGED[row.judged].of(lang)),) if row.judged else ()
    return [(row.name,), (row.value,), (row.healthy,) if row.healthy else (), mark]


def metric_rows(run: Snapshot, lang: Lang) -> Iterator[MetricRow]:
    """The metrics of a run, in the catalogue's order."""
    worst = _worst(run.episodes)
    judged = [one for one in run.samples if one.metric in _CATALOGUE]
    for one in sorted(judged, key=lambda one: (_CATALOGUE[one.metric], ("split", "eval") in one.labels)):
        value, healthy = run.samples[one], healthy_of(one, run.base)
        thought = worst[one].value if one in worst else _judge(one, value, healthy, run)
        text = "" if healthy is None else range_text(healthy, one.metric, run.limits, lang)
        yield MetricRow(
            _name(one), value_text(value, one.metric, lang), text, thought, _is_main(one, text), one
        )


def _name(one: Series) -> str:
    """Shorter for reward functions, whose own names are long."""
    return series_name(one).replace(f"{c.REWARD_FUNCTION_MEAN.name.removeprefix(PREFIX)} ", "reward ")


def _worst(episodes: Iterable[Episode]) -> dict[Series, Severity]:
    """The worst that lasts and speaks against the run, by series."""
    worst: dict[Series, Severity] = {}
    for episode in episodes:
        known = worst.get(episode.metric)
        if not episode.active or episode.severity is Severity.INFO:
            continue
        if known is None or episode.severity.rank > known.rank:
            worst[episode.metric] = episode.severity
    return worst


def _judge(one: Series, value: float, healthy: Healthy | None, run: Snapshot) -> str:
    if not math.isfinite(value):
        return "" if one.metric.group is Group.DERIVED else Severity.CRITICAL.value
    if healthy is None or (healthy.low is None and healthy.high is None):
        return ""
    if not is_healthy(healthy, value, run.limits):
        return "look"
    return "" if _is_lost(run) else "fine"


def _is_lost(run: Snapshot) -> bool:
    """Whether the weights are NaN: no other value means anything then, least of all a loss of 0."""
    return any(episode.active and episode.signal == "non_finite" for episode in run.episodes)


def _is_main(one: Series, healthy: str) -> bool:
    labels = dict(one.labels)
    if labels.get("split") == "eval" or one.metric is c.REWARD_FUNCTION_STD:
        return False
    if one.metric.group is Group.DERIVED and not healthy:
        return False
    return labels.get(one.metric.label, "") in _MAIN_PARTS or one.metric is c.REWARD_FUNCTION_MEAN
