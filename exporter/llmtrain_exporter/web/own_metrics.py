"""A program's own metrics: made with one prefix, collected, rendered as text."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    exposition,
)
from prometheus_client import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics_exposition


class _Registry(CollectorRegistry):
    """Without the `_created` series, which the older text format would show as metrics of their own."""

    def collect(self) -> Iterable[Family]:
        for family in super().collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


class OwnMetrics:
    """Makes the metrics of a program under one prefix, those of its process among them. From any thread."""

    def __init__(self, prefix: str, version: str, buckets: Sequence[float]) -> None:
        """`version`: of the program, for `build_info`. `buckets`: upper bounds of histograms, in seconds."""
        self.registry = _Registry()
        self._prefix = prefix
        self._buckets = buckets
        build = self.gauge("build_info", "1, labelled with what runs here.", "version", "python")
        build.labels(version, platform.python_version()).set(1)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A value that goes up and down."""
        return Gauge(self._prefix + name, text, labels, registry=self.registry)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """What only grows."""
        return Counter(self._prefix + name, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, *labels: str) -> Histogram:
        """Durations in seconds."""
        name = self._prefix + name
        return Histogram(name, text, labels, registry=self.registry, buckets=self._buckets)

    def render(self, openmetrics: bool = False) -> bytes:
        """All families as text; in OpenMetrics with the closing `# EOF`."""
        if openmetrics:
            latest: bytes = openmetrics_exposition.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return latest
        return exposition.generate_latest(self.registry)


CUT = ("headers", "body", "leaving", "crowd")
"""Why connections are cut off: a phase that took too long, or there were too many."""


class ServerMetrics:
    """What every server of ours tells of how it is reached and set up. From any thread."""

    def __init__(self, own: OwnMetrics) -> None:
        self._cut = own.counter(
            "cut_connections_total",
            "Connections that were cut off: what of a request took too long, or that there were too many.",
            "reason",
        )
        for reason in CUT:
            self._cut.labels(reason)
        self._successful = own.gauge(
            "config_last_reload_successful", "1 if the settings could be read when they were read last."
        )
        self._read_at = own.gauge(
            "config_last_reload_success_timestamp_seconds", "When the settings in force were read."
        )

    def cut_off(self, reason: str) -> None:
        """A connection was cut off, for one of `CUT`."""
        self._cut.labels(reason).inc()

    def reloaded(self, now: float | None) -> None:
        """The settings were read at this Unix time; None: they could not be, and the old ones stay."""
        self._successful.set(now is not None)
        if now is not None:
            self._read_at.set(now)
