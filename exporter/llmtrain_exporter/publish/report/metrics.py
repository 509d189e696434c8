"""What each logged metric means, and how the run did on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from llmtrain_exporter.draw.from_history import panels
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.dashboard_words import GROUPS
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Series
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.picture import Picture
from llmtrain_exporter.publish.report.say import Say, cells, chapter, folded, paragraph, short
from llmtrain_exporter.story.blocks import Block, Line, Section, Strong, Table, items
from llmtrain_exporter.story.metrics import MetricRow, metric_rows
from llmtrain_exporter.story.numbers import DASH, series_name

ENOUGH = 10
"""Records from which on it means something where most of them lie."""

MOST_OTHERS = 100
"""Series of a log that nobody knows."""

_ORDER = {metric: at for at, metric in enumerate(c.METRICS)}


def metrics(material: Material, say: Say) -> Section:
    """A table of what says something of health, with charts, then each in words, and all other numbers."""
    series = material.stats.keys() | material.odd.keys()
    rows = list(metric_rows(material.run, say.lang))
    blocks: list[Block] = [paragraph(say(r.METRICS_INTRO, n=len(series)))]
    if rows:
        blocks.append(_ranges([row for row in rows if row.matters], material, say))
        blocks.extend(_charts(material, say))
        blocks.append(folded(say(r.EACH_METRIC), *_in_words(rows, material, say)))
    details = [row for row in rows if not row.matters]
    if details:
        blocks.append(folded(say(r.DETAILS), _ranges(details, material, say)))
    blocks.extend(_others(material, {row.series for row in rows}, say))
    return chapter(say(r.METRICS), *blocks)


def _charts(material: Material, say: Say) -> Iterator[Picture]:
    for panel in panels(material.drawn):
        caption = say(r.CHART, metric=panel.name)
        yield Picture(panel.name, caption, (panel,), material.marks, small=True)


def _in_words(rows: Sequence[MetricRow], material: Material, say: Say) -> Iterator[Section]:
    for group, of_group in groupby(rows, key=lambda row: row.series.metric.group):
        parts = (
            _metric(metric, list(of_metric), material, say)
            for metric, of_metric in groupby(of_group, key=lambda row: row.series.metric)
        )
        yield chapter(say(GROUPS[group]), *parts)


def _metric(metric: Metric, rows: Sequence[MetricRow], material: Material, say: Say) -> Section:
    observed = list(_observed(rows, material, say))
    blocks: list[Block] = [
        paragraph(_meaning(metric, material, say)),
        *([items(observed)] if observed else ()),
    ]
    return chapter(short(metric), *blocks)


def _meaning(metric: Metric, material: Material, say: Say) -> str:
    """What it is, which way is good, how to read its range; a part of it that means something else."""
    meaning = MEANINGS[metric]
    healthy = meaning.healthy.get(material.run.base)
    note = () if healthy is None or healthy.note is None else (healthy.note.of(say.lang),)
    return say.sentences((meaning.what.of(say.lang), say(words.GOOD[meaning.good.value]), *note))


def _observed(rows: Sequence[MetricRow], material: Material, say: Say) -> Iterator[Line]:
    together: dict[str, list[str]] = {}  # what is said of several series is said once
    for row in rows:
        together.setdefault(say.sentences(_values(row, material, say)), []).append(row.name)
    for sentences, names in together.items():
        if sentences:
            yield Strong(say.listed(names)), say.colon, sentences


def _values(row: MetricRow, material: Material, say: Say) -> Iterator[str]:
    series, stats = row.series, material.stats.get(row.series)
    if stats is not None and stats.low == stats.high and stats.records > 1:
        yield say(r.ALWAYS, value=say.value(stats.low, series))
    elif stats is not None and stats.records >= ENOUGH:  # of fewer the table says it all
        low, high, began, ended = (
            say.value(value, series) for value in (*stats.usual, stats.began, stats.ended)
        )
        yield say(r.MOSTLY, low=low, high=high, began=began, ended=ended)
    if stats is not None and stats.outside:
        yield say(r.OUTSIDE, range=row.healthy, n=stats.outside, all=stats.records)
    if material.odd.get(series):
        yield r.ODD.of(material.odd[series], say.lang)
    if material.spikes.get(series):
        yield r.SPIKES.of(material.spikes[series], say.lang)


def _ranges(rows: Sequence[MetricRow], material: Material, say: Say) -> Table:
    head = (r.SERIES, r.LOWEST, r.MEDIAN, r.HIGHEST, r.LAST, words.RANGE, words.VERDICT, r.IN_THE_RUN)
    worst = _worst(material)
    lines = tuple(
        cells(
            row.name,
            *_range(row.series, material, say),
            row.value,
            row.beside or DASH,
            row.mark if row.judged else DASH,
            say.judged(worst.get(row.series, "")),
        )
        for row in rows
    )
    return Table(say(r.METRICS), tuple(map(say, head)), lines)


def _range(series: Series, material: Material, say: Say) -> tuple[str, str, str]:
    stats = material.stats.get(series)
    if stats is None:
        return DASH, DASH, DASH
    return (
        say(r.AT_STEP, value=say.value(stats.low, series), step=stats.low_step),
        say.value(stats.median, series),
        say(r.AT_STEP, value=say.value(stats.high, series), step=stats.high_step),
    )


def _worst(material: Material) -> dict[Series, str]:
    worst: dict[Series, Severity] = {}
    for episode in material.run.episodes:
        known = worst.get(episode.metric, episode.severity)
        worst[episode.metric] = max(known, episode.severity, key=lambda severity: severity.rank)
    return {series: severity.value for series, severity in worst.items()}


def _others(material: Material, shown: Collection[Series], say: Say) -> Iterator[Block]:
    """Numbers that nothing is said of: progress, speed, and what the catalogue does not know."""
    others = sorted(material.stats.keys() - shown, key=lambda series: (_ORDER[series.metric], series.labels))
    if not others:
        return
    head = tuple(map(say, (r.SERIES, r.LOWEST, r.MEDIAN, r.HIGHEST, r.LAST)))
    rows = tuple(
        cells(
            series_name(series),
            *_range(series, material, say),
            say.value(material.run.samples.get(series), series),
        )
        for series in others[:MOST_OTHERS]
    )
    blocks: list[Block] = [Table(say(r.OTHERS), head, rows)]
    if len(others) > MOST_OTHERS:
        blocks.append(paragraph(say(r.DROPPED_KEYS, n=len(others) - MOST_OTHERS), small=True))
    yield folded(say(r.OTHERS), *blocks)
