"""Which charts a run has: its series in groups, in the order of the guides."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words, page_words
from llmtrain_exporter.knowledge.metric import Group, Metric
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Series
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.numbers import series_name
from llmtrain_exporter.story.ranges import meaning_of
from llmtrain_exporter.watching.history.columns import History

Object = dict[str, object]

ALONE = (c.OTHER, c.LOGPS)
"""Metrics whose series have nothing to do with each other: each gets a chart of its own."""

QUIET = (Group.OBJECTIVE, Group.PROGRESS, Group.SPEED, Group.OTHER)
"""Groups that are folded away until somebody wants to see them."""

AXES = {"epoch": c.EPOCH, "tokens": c.TOKENS}
"""What a run can be drawn over beside its steps and its time, and which metric counts that."""

_ORDER = {metric: at for at, metric in enumerate(c.METRICS)}


def charts(history: History, lang: Lang) -> list[Object]:
    """The groups with their charts. `series` of a chart: the names of the series in it."""
    columns = [*history.train.columns, *history.evaluations.columns]
    groups: dict[Group, dict[str, list[Series]]] = {}
    for series in sorted(dict.fromkeys(columns), key=_place):
        groups.setdefault(series.metric.group, {}).setdefault(_chart_of(series), []).append(series)
    return [
        {
            "group": group.value,
            "title": dashboard_words.GROUPS[group].of(lang),
            "folded": group in QUIET,
            "charts": [_chart(name, members, lang) for name, members in inside.items()],
        }
        for group, inside in groups.items()
    ]


def axes(history: History) -> dict[str, str]:
    """What the charts of a run can be drawn over, and the name of the series that counts it."""
    known = {series.metric: printable(series_name(series)) for series in history.train.columns}
    return {axis: known[metric] for axis, metric in AXES.items() if metric in known}


def _chart_of(series: Series) -> str:
    """The chart that a series stands in: training and evaluation together."""
    label = dict(series.labels).get(series.metric.label, "") if series.metric in ALONE else ""
    return f"{series.metric.name} {label}".strip()


def _chart(name: str, members: Sequence[Series], lang: Lang) -> Object:
    first = members[0]
    meaning = meaning_of(first) if len(members) == 1 or not first.metric.label else None
    return {
        "id": printable(name),
        "title": _title(first, lang),
        "name": printable(series_name(first).removesuffix(" (eval)").partition(" ")[0]),
        "meaning": first.metric.help if meaning is None else meaning.what.of(lang),
        "unit": unit_of(first.metric),
        "series": [printable(series_name(series)) for series in members],
    }


def _title(series: Series, lang: Lang) -> str:
    if series.metric in page_words.CHART:
        return page_words.CHART[series.metric].of(lang)
    label = dict(series.labels).get(series.metric.label, "")
    return printable(label) or series_name(series)


def unit_of(metric: Metric) -> str:
    """What a number of a metric is: "seconds", "bytes", "ratio", "tokens", or nothing in particular."""
    for unit in ("seconds", "bytes", "ratio", "tokens"):
        if metric.name.endswith(f"_{unit}"):
            return unit
    return ""


def _place(series: Series) -> tuple[int, bool, str]:
    labels = dict(series.labels)
    return _ORDER[series.metric], labels.get("split") == "eval", labels.get(series.metric.label, "")
