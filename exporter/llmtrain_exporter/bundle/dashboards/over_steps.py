"""Panels whose axis is the step or another number of a record: each record stands where it belongs.

An instant query of a range answers with the samples as they are; a range query would take one for each of its
own steps in time. The samples of one record share their time, by which values and steps are joined. What was
scraped is joined in the same way: a scrape has one time, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmtrain_exporter.bundle.dashboards.board import (
    PURPLE,
    RED,
    Against,
    Override,
    Query,
    Said,
    Transformation,
)
from llmtrain_exporter.bundle.dashboards.descriptions import described, filled
from llmtrain_exporter.bundle.dashboards.queries import RECORDED, recorded, train
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge.metric import PREFIX, Metric
from llmtrain_exporter.knowledge.spikes import SPIKES
from llmtrain_exporter.knowledge.text import Text

_Y, _RESUMES, _X = "Value #A", "Value #B", "Value #C"
"""What Grafana calls the values of the first three queries. The axis comes last: it is added to every row of
its time, while two splits that were scraped together stay rows of their own."""
_SPIKE_Y, _IS_SPIKE, _SPIKE_X = "Value #D", "Value #E", "Value #F"
_OF_VALUES, _OF_SPIKES = "merge-A", "merge-D"
"""How the refIds of the joined frames begin."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What values are shown over."""

    metric: Metric
    title: Text
    unit: str


STEP = Axis(c.STEP, texts.STEP_AXIS, "locale")


@dataclass(frozen=True, slots=True)
class Points:
    """What is shown: a curve for each combination of the labels `apart`, called `name` in Grafana's words.

    `spikes`: selectors of the values of which some are spikes, and of the flags that are 1 there.
    """

    selector: str
    name: str
    apart: tuple[str, ...]
    spikes: tuple[str, str] | None = None


def over(
    title: Said,
    text: Text,
    points: Points,
    axis: Axis,
    unit: str,
    of: str,
    nothing: Said = texts.NOT_LOGGED,
) -> Against:
    """Points over an axis. A resume begins a new curve; `of`: whose axis and resumes."""
    along = recorded(axis.metric, of=of)
    queries, joins = _raw(points.selector, recorded(c.RESUMES, of=of), along), _joined(points.apart)
    pairs: tuple[tuple[str, str], ...] = ((_X, _Y),)
    marks: tuple[Override, ...] = ()
    if points.spikes:
        queries, joins = (*queries, *_raw(*points.spikes, along)), (*joins, *_spikes_joined())
        pairs, marks = (*pairs, (_SPIKE_X, _SPIKE_Y)), (_SPIKE_MARKS,)
    return Against(
        filled(texts.AGAINST, title=title, axis=axis.title),
        text,
        queries,
        unit,
        8,
        nothing=nothing,
        transformations=joins,
        overrides=(
            Override("byRegexp", r"/\beval\b/", (("color", {"mode": "fixed", "fixedColor": PURPLE}),)),
            Override("byName", _Y, (("displayName", points.name),)),
            *(
                Override("byName", field, (("custom.axisLabel", axis.title), ("unit", axis.unit)))
                for field, _ in pairs
            ),
            *marks,
        ),
        pairs=pairs,
    )


_SPIKE_MARKS = Override(
    "byName",
    _SPIKE_Y,
    (
        ("displayName", texts.SPIKE_MARK),
        ("color", {"mode": "fixed", "fixedColor": RED}),
        ("custom.show", "points"),
        ("custom.pointSize", {"fixed": 8}),
    ),
)


def _raw(*selectors: str) -> tuple[Query, ...]:
    """All samples in the time range, as they are."""
    return tuple(Query(f"{selector}[$__range]", table=True) for selector in selectors)


def _joined(apart: tuple[str, ...]) -> tuple[Transformation, ...]:
    """The rows of a time as one, those that have both values, parted by labels and resumes."""
    parted = {"fields": [*apart, _RESUMES], "keepFields": False, "naming": {"asLabels": True}}
    nameless = {"excludeByName": {"__name__": True}, "indexByName": {}, "renameByName": {}}
    return (
        Transformation("organize", nameless),
        Transformation("merge", of="/^(?:A|B|C)$/"),
        _only(_OF_VALUES, _Y, _X),
        Transformation("partitionByValues", parted, of=f"/^{_OF_VALUES}/"),
    )


def _spikes_joined() -> tuple[Transformation, ...]:
    """The records that are spikes, in a frame of their own."""
    return (
        Transformation("merge", of="/^(?:D|E|F)$/"),
        _only(_OF_SPIKES, _SPIKE_Y, _SPIKE_X, positive=_IS_SPIKE),
    )


def _only(frame: str, *known: str, positive: str = "") -> Transformation:
    """The rows in which these fields have a value, and one of them more than 0."""
    filters: list[dict[str, object]] = [
        {"fieldName": field, "config": {"id": "isNotNull", "options": {}}} for field in known
    ]
    if positive:
        filters.append({"fieldName": positive, "config": {"id": "greater", "options": {"value": 0}}})
    options = {"type": "include", "match": "all", "filters": filters}
    return Transformation("filterByValue", options, of=f"/^{frame}/")


def by_step(
    title: Text, metric: Metric, profile: str, *also: str, unit: str = "none", part: str = ""
) -> Against:
    """A metric of one run in training and evaluation, every record at its step; its spikes are marked.

    `also`: matchers of the part of the metric that is shown, which `part` names.
    """
    points = Points(
        recorded(metric, *also),
        "${__field.labels.split}" if metric.split else metric.name.removeprefix(PREFIX),
        ("split",),
        _spikes(metric, *also),
    )
    text = described(metric, profile, texts.EVERY_RECORD, part=part)
    return over(title, text, points, STEP, unit, RECORDED)


def _spikes(metric: Metric, *also: str) -> tuple[str, str] | None:
    if metric not in SPIKES:
        return None
    name = metric.name.removeprefix(PREFIX)
    values = train(metric, *also) if metric.split else recorded(metric, *also)
    return values, recorded(a.SPIKE, f'{a.SPIKE.label}="{name}"')
