"""The reference of all metrics of a run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from llmtrain_exporter.knowledge.metric import Metric, Type, Unit
from llmtrain_exporter.knowledge.metrics import METRICS

_UNITS = {
    Unit.PLAIN: "",
    Unit.PERCENT: " (percent)",
    Unit.GIBIBYTES: " (GiB)",
    Unit.GIGABYTES: " (GB)",
    Unit.TERA: " (tera)",
    Unit.DURATION: "",
    Unit.PER_SECOND: " (its inverse)",
}
_HEAD = """# Metrics

Every series has the label `run`. Units are base units: seconds, bytes, tokens, ratios from 0 to 1. A key that
a record lacks keeps its last value; a metric that a run never logged is absent. NaN and infinities are shown
as such.

This page is rendered from `exporter/llmtrain_exporter/knowledge/` by `llmtrain-exporter render`.
"""


def metrics_page() -> str:
    """The page, in Markdown."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _HEAD
    for group, metrics in groupby(METRICS, key=lambda metric: metric.group):
        yield f"\n## {group.value.capitalize()}\n\n"
        yield "| metric | labels | what | log keys |\n| --- | --- | --- | --- |\n"
        yield from map(_row, metrics)


def _row(metric: Metric) -> str:
    name = metric.name + ("_info" if metric.type is Type.INFO else "")
    labels = [label for label in (metric.label, "split" if metric.split else "") if label]
    keys = [f"`{key.pattern.replace('{}', '*')}`{_UNITS[key.unit]}" for key in metric.keys]
    return f"| `{name}` | {', '.join(labels)} | {metric.help} | {', '.join(keys)} |\n"
