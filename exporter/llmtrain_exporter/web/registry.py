"""A program's own metrics, as they are collected."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family


class Registry(CollectorRegistry):
    """Without the `_created` series, which the older text format would show as metrics of their own."""

    def collect(self) -> Iterable[Family]:
        """The families with their samples."""
        for family in super().collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family
