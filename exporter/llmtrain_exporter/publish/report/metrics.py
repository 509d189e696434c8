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
from llmtrain_exporter.knowledge.metric import Group, Metric
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Series
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.picture import Picture
from llmtrain_exporter.publish.report.say import Say, cells, chapter, findings_of, paragraph, short
from llmtrain_exporter.story.blocks import Block, Line, Section, Strong, Table, items
from llmtrain_exporter.story.events import finding_line
from llmtrain_exporter.story.metrics import MetricRow, metric_rows
from llmtrain_exporter.story.numbers import DASH, series_name

ENOUGH = 10
"""Records from which on it means something where most of them lie."""

MOST_OTHERS = 100
"""Series of a log that nobody knows."""

_ORDER = {metric: at for at, metric in enumerate(c.METRICS)}


def metrics(material: Material, say: Say) -> Section:
    """A part for each metric that says something of a run's health, and a table of the others."""
    series = material.stats.keys() | material.odd.keys()
    blocks: list[Block] = [paragraph(say(r.METRICS_INTRO, n=len(series)))]
    rows = list(metric_rows(material.run, say.lang))
    for group, of_group in groupby(rows, key=lambda row: row.series.metric.group):
        if group is Group.DERIVED:
            blocks.append(_derived(list(of_group), say))
            continue
        parts = (
            _metric(metric, list(of_metric), material, say)
            for metric, of_metric in groupby(of_group, key=lambda row: row.series.metric)
        )
        blocks.append(chapter(say(GROUPS[group]), *parts))
    blocks.extend(_others(material, {row.series for row in rows}, say))
    return chapter(say(r.METRICS), *blocks)


def _metric(metric: Metric, rows: Sequence[MetricRow], material: Material, say: Say) -> Section:
    blocks: list[Block] = [paragraph(_meaning(metric, material, say))]
    observed = list(_observed(rows, material, say))
    if observed:
        blocks.append(items(observed))
    blocks.append(_ranges(metric, rows, material, say))
    drawn = panels(material.drawn, (metric,))
    if drawn:
        caption = say(r.CHART, metric=short(metric))
        blocks.append(Picture(short(metric), caption, tuple(drawn), material.marks))
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
    wanted = {row.series for row in rows}
    for (_, series), finding in findings_of(material.run, say.lang):
        if series in wanted:
            yield finding_line(material.run, finding, say.lang)


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


def _ranges(metric: Metric, rows: Sequence[MetricRow], material: Material, say: Say) -> Table:
    head = (r.SERIES, r.LOWEST, r.MEDIAN, r.HIGHEST, r.LAST, words.RANGE, words.VERDICT, r.IN_THE_RUN)
    worst = _worst(material)
    lines = tuple(
        cells(
            row.name,
            *_range(row.series, material, say),
            row.value,
            row.healthy or DASH,
            say.judged(row.judged),
            say.judged(worst.get(row.series, "")),
        )
        for row in rows
    )
    return Table(short(metric), tuple(map(say, head)), lines)


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


def _derived(rows: Sequence[MetricRow], say: Say) -> Section:
    """What was worked out of the others: only as it stands in the end."""
    head = tuple(map(say, (r.SERIES, r.LAST, words.RANGE, words.VERDICT, r.WHAT_IT_IS)))
    lines = tuple(
        cells(
            row.name,
            row.value,
            row.healthy or DASH,
            say.judged(row.judged),
            MEANINGS[row.series.metric].what.of(say.lang),
        )
        for row in rows
    )
    title = say(GROUPS[Group.DERIVED])
    return chapter(title, Table(title, head, lines))


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
    yield chapter(say(r.OTHERS), *blocks)
