"""What the exporter tells of the roots that it watches: whether they answer, and which runs are unread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import Metric as Family
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_exporter.knowledge.metric import PREFIX
from llmtrain_exporter.printable import label_value, printable
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.pulse import Pulse

ROOT = f"{PREFIX}exporter_root"


class RootMetrics(Collector):
    """Asked with each scrape; a root that hangs is told by those who look after its thread."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def collect(self) -> Iterable[Family]:
        """The families."""
        stuck = GaugeMetricFamily(
            f"{ROOT}_stuck", "1 while a watched path does not answer.", labels=("path",)
        )
        times = CounterMetricFamily(
            f"{ROOT}_hangs_total", "How often a watched path did not answer in time.", labels=("path",)
        )
        looked = GaugeMetricFamily(
            f"{ROOT}_looked_at_timestamp_seconds",
            "Unix time at which all logs of a watched path had been looked at last.",
            labels=("path",),
        )
        for path, pulse in self._roots():
            stuck.add_metric([path], float(pulse.stuck_since is not None))
            times.add_metric([path], pulse.times_stuck)
            if pulse.went_round_at is not None:
                looked.add_metric([path], pulse.went_round_at)
        return stuck, times, looked, self._unread()

    def describe(self) -> Iterable[Family]:
        """Nothing: its names are its own."""
        return ()

    def _roots(self) -> Iterator[tuple[str, Pulse]]:
        for pulse in self._fleet.pulses.all:
            for root in pulse.roots:
                yield label_value(printable(root)), pulse

    def _unread(self) -> Family:
        family = GaugeMetricFamily(
            f"{PREFIX}exporter_run_unread_since_timestamp_seconds",
            "Unix time since when a run's log cannot be read; what else is told of it is as old.",
            labels=("run",),
        )
        if self._fleet.pulses.stuck:
            for shown in self._fleet.shown():
                since = shown.unread_since
                if since is not None:
                    family.add_metric([label_value(shown.snapshot.run)], since)
        return family
