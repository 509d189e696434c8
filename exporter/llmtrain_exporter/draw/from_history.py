"""The JSON objects of a run's history and incidents, as the exporter serves them, to what is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from llmtrain_exporter.draw.chart import ChartLine, ChartPanel, Marks
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import PREFIX, Group, Metric

Object = Mapping[str, Any]

MOST_LINES = 8
"""Lines in one panel that can still be told apart."""

DRAWN = (Group.OPTIMISATION, Group.REWARD, Group.LENGTH, Group.PREFERENCE)
CHAIN = (c.KL, c.COMPLETION_LENGTH, c.COMPLETION_CLIPPED, c.REWARD, c.REWARD_FUNCTION_MEAN)
"""What breaks in a collapse, in that order; where no kl is logged, gradients break first."""
FIT = (c.LOSS, c.GRAD_NORM, c.TOKEN_ACCURACY, c.ENTROPY)
"""What is looked at where nothing is generated."""

BEFORE, AFTER = 30, 15
"""Records that are shown before an incident, and after it."""

_METRICS = {metric.name: metric for metric in c.METRICS}
_MEAN = ("mean", "region_mean")


def panels(history: Object, metrics: Iterable[Metric] | None = None) -> list[ChartPanel]:
    """A panel for each metric that the run has, in the order given; without `metrics` all that are judged."""
    wanted = [metric for metric in c.METRICS if metric.group in DRAWN] if metrics is None else metrics
    found = ((metric, list(_lines(history, metric))) for metric in wanted)
    return [_panel(metric, told) for metric, told in found if told]


def chain(history: Object, incident: Object | None = None) -> list[ChartPanel]:
    """What breaks in a collapse, in its order; gradients where they broke, or nothing is said of kl."""
    stages = {one["stage"] for one in (incident or {}).get("stages", ())}
    found = panels(history, CHAIN)
    if "gradient" in stages or not any(panel.name == "kl" for panel in found):
        found = panels(history, (c.KL, c.GRAD_NORM, *CHAIN[1:]))
    return found


def marks(story: Object, window: tuple[float, float] | None = None) -> Marks:
    """Incidents and resumes of a run's story."""
    incidents = [(one["onset_step"], one["recovery_step"]) for one in story.get("incidents", ())]
    return Marks(incidents, [one["to"] for one in story.get("resumes", ())], window)


def around(history: Object, incident: Object) -> tuple[float, float]:
    """The steps to show around an incident: some records before it, and after its end or its worst."""
    steps = sorted(set(history["steps"]))
    if not steps:
        return 0.0, 1.0
    end = incident.get("recovery_step") or max(incident["peak_step"], incident["onset_step"])
    first = _rank(steps, incident["onset_step"]) - BEFORE
    last = _rank(steps, end) + AFTER
    return float(steps[max(first, 0)]), float(steps[min(last, len(steps) - 1)])


def _rank(steps: Sequence[int], step: int) -> int:
    return sum(one < step for one in steps)


def _panel(metric: Metric, told: Sequence[tuple[Object, ChartLine]]) -> ChartPanel:
    first = told[0][0]
    low, high = first["healthy"]
    return ChartPanel(
        metric.name.removeprefix(PREFIX),
        tuple(line for _, line in told[:MOST_LINES]),
        dict(first["limits"]),
        (low, high),
        max(len(told) - MOST_LINES, 0),
    )


def _lines(history: Object, metric: Metric) -> Iterator[tuple[Object, ChartLine]]:
    """The series of a metric that have a value, the mean in front of the extremes, evaluations behind."""
    for table, evaluation in ((history, False), (history["evaluations"], True)):
        told = [one for one in table["series"] if _METRICS.get(one["metric"]) is metric]
        for one in sorted(told, key=lambda one: one["labels"].get(metric.label) not in _MEAN):
            if one["non_finite"] or any(value is not None for value in one["values"]):
                yield one, _line(one, table, evaluation)


def _line(one: Object, table: Object, evaluation: bool) -> ChartLine:
    part = one["labels"].get(_METRICS[one["metric"]].label, "")
    return ChartLine(
        " ".join((part, "eval" if evaluation else "")).strip() or "train",
        table["steps"],
        one["values"],
        one.get("spikes", ()),
        table["superseded"],
        [(each["from"], each["to"]) for each in one["non_finite"]],
        one.get("baseline"),
        evaluation,
        part,
    )


def shown(line: ChartLine, window: tuple[float, float] | None) -> list[float]:
    """The values of a line that can be seen."""
    low, high = window or (-math.inf, math.inf)
    return [
        value
        for step, value in zip(line.steps, line.values, strict=True)
        if value is not None and low <= step <= high
    ]
