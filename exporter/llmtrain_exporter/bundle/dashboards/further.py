"""Rows for what only some trainers log, closed at first: the metrics of a group that no other panel shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from llmtrain_exporter.bundle.dashboards.board import Curves, Panel, Query, Row, Said
from llmtrain_exporter.bundle.dashboards.descriptions import described, filled, judged_parts, paragraphs
from llmtrain_exporter.bundle.dashboards.queries import recorded, series
from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge.catalogue import mismatch, objective
from llmtrain_exporter.knowledge.log_keys import keys_of
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import PREFIX, Group, Metric
from llmtrain_exporter.knowledge.metric_titles import TITLES
from llmtrain_exporter.knowledge.metrics import METRICS

_UNITS = {"_seconds": "s", "_bytes": "bytes", "_ratio": "percentunit"}
_NO_SHARES = (
    *(mismatch.IMPORTANCE_RATIO, mismatch.PERPLEXITY_RATIO),
    *(objective.POLICY_RATIO, objective.EXPERT_LOAD),
)
"""Ratios of two numbers that may be above 1."""


def further(rows: Sequence[Row], profile: str, *groups: Group) -> tuple[Row, ...]:
    """A closed row for each group, without what `rows` show.

    A panel for each metric that has a range in that profile, or a note on one; one panel for all others.
    """
    asked = " ".join(line.expr for row in rows for panel in row.panels for line in panel.lines)
    shown = {row.title for row in rows}
    return tuple(_row(group, profile, asked, shown) for group in groups)


def _row(group: Group, profile: str, asked: str, shown: Collection[Said]) -> Row:
    metrics = [metric for metric in METRICS if metric.group is group and f"{metric.name}{{" not in asked]
    judged = [metric for metric in metrics if _is_judged(metric, profile)]
    title = texts.GROUPS[group]
    if title in shown:
        title = filled(texts.MORE, group=title)
    return Row(title, tuple(_panels(judged, [one for one in metrics if one not in judged], profile)), True)


def _is_judged(metric: Metric, profile: str) -> bool:
    """Whether something is known of where the metric, or a part of it, should lie."""
    meaning = MEANINGS[metric]
    return metric in TITLES and any(profile in known.healthy for known in (meaning, *meaning.parts.values()))


def _panels(judged: Sequence[Metric], others: Sequence[Metric], profile: str) -> Iterator[Panel]:
    for metric in judged:
        yield Curves(
            TITLES[metric],
            paragraphs(described(metric, profile), *judged_parts(metric, profile)),
            (_query(metric, ""),),
            _unit(metric),
            8,
            nothing=texts.NOT_LOGGED,
        )
    if others:
        yield Curves(
            filled(texts.REMAINING, group=texts.GROUPS[others[0].group]),
            texts.REMAINING_TEXT,
            tuple(_query(metric, metric.name.removeprefix(PREFIX)) for metric in others),
            "short",
            24,
            10,
            nothing=texts.NOT_LOGGED,
            linear_to=1,
        )


def _query(metric: Metric, name: str) -> Query:
    label = f"{{{{{metric.label}}}}}" if metric.label else ""
    named = " ".join(part for part in (name, label) if part)
    split = "({{split}})" if named else "{{split}}"
    legend = " ".join(part for part in (named, split if metric.split else "") if part)
    selected = recorded(metric) if keys_of(metric) else series(metric)
    return Query(selected, legend or metric.name.removeprefix(PREFIX))


def _unit(metric: Metric) -> str:
    if metric in _NO_SHARES:
        return "none"
    return next((unit for suffix, unit in _UNITS.items() if metric.name.endswith(suffix)), "none")
