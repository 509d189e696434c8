"""Every metric of a run, in the order in which all is exposed."""

from __future__ import annotations

from llmtrain_exporter.knowledge import analysis_metrics, catalogue, guard_metrics
from llmtrain_exporter.knowledge.metric import Group, Metric

_PLACE = {group: place for place, group in enumerate(Group)}

METRICS: tuple[Metric, ...] = tuple(
    sorted(
        (*catalogue.METRICS, *analysis_metrics.METRICS, *guard_metrics.METRICS),
        key=lambda metric: _PLACE[metric.group],
    )
)
"""By group; within a group as the tables have them."""
