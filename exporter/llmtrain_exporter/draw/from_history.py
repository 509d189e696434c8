"""The JSON objects of a run's history and incidents, as the exporter serves them, to what is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from llmtrain_exporter.draw.chart import ChartLine, ChartPanel, Marks
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.guarding import GUARD_ACTS
from llmtrain_exporter.knowledge.metric import PREFIX, Group, Metric

Object = Mapping[str, Any]

MOST_LINES = 8
"""Lines in one panel that can still be told apart."""

DRAWN = (
    *(Group.OPTIMISATION, Group.REWARD, Group.LENGTH, Group.PREFERENCE),
    *(Group.VALUE, Group.MISMATCH),
)
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
    return [_panel(metric, lines) for metric, lines in found if lines]


def chain(history: Object, incident: Object | None = None) -> list[ChartPanel]:
    """What breaks in a collapse, in its order; gradients where they broke, or nothing is said of kl."""
    stages = {stage["stage"] for stage in (incident or {}).get("stages", ())}
    found = panels(history, CHAIN)
    if "gradient" in stages or not any(panel.name == "kl" for panel in found):
        found = panels(history, (c.KL, c.GRAD_NORM, *CHAIN[1:]))
    return found


def marks(story: Object, window: tuple[float, float] | None = None) -> Marks:
    """Incidents and resumes of a run's story, and where its guard did something."""
    incidents = [
        (incident["onset_step"], incident["recovery_step"]) for incident in story.get("incidents", ())
    ]
    resumes = [resume["to"] for resume in story.get("resumes", ())]
    acts = (story.get("guard") or {}).get("events", ())
    guard = sorted({event["step"] for event in acts if event["action"] in GUARD_ACTS})
    unit = "record" if story.get("step_is_record") else "step"
    return Marks(incidents, resumes, window, unit, guard)


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
    return sum(earlier < step for earlier in steps)


def _panel(metric: Metric, lines: Sequence[tuple[Object, ChartLine]]) -> ChartPanel:
    first = lines[0][0]
    low, high = first["healthy"]
    return ChartPanel(
        metric.name.removeprefix(PREFIX),
        tuple(line for _, line in lines[:MOST_LINES]),
        dict(first["limits"]),
        (low, high),
        max(len(lines) - MOST_LINES, 0),
    )


def _lines(history: Object, metric: Metric) -> Iterator[tuple[Object, ChartLine]]:
    """The series of a metric that have a value, the mean in front of the extremes, evaluations behind."""
    for table, evaluation in ((history, False), (history["evaluations"], True)):
        of_metric = [series for series in table["series"] if _METRICS.get(series["metric"]) is metric]
        for series in sorted(of_metric, key=lambda series: series["labels"].get(metric.label) not in _MEAN):
            if series["non_finite"] or any(value is not None for value in series["values"]):
                yield series, _line(series, table, evaluation)


def _line(series: Object, table: Object, evaluation: bool) -> ChartLine:
    part = series["labels"].get(_METRICS[series["metric"]].label, "")
    return ChartLine(
        " ".join((part, "eval" if evaluation else "")).strip() or "train",
        table["steps"],
        series["values"],
        series.get("spikes", ()),
        table["superseded"],
        [(stretch["from"], stretch["to"]) for stretch in series["non_finite"]],
        series.get("baseline"),
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
