"""Where the loop meets whoever protects its runs, and what is shown of that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from prometheus_client import Metric as Family
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_exporter.knowledge import guard_metrics as g
from llmtrain_exporter.model import LeftOut, Protected, Snapshot
from llmtrain_exporter.printable import label_value


class ProtectsRuns(Protocol):
    """Protects the runs whose logs one thread reads. Nothing of it raises or waits."""

    def observer(self) -> Any:
        """An `Observer` of a run that begins; `see` gets it back."""

    def see(self, run: Snapshot, observer: Any, /) -> None:
        """Hear of a run as it stands."""

    def know_covered(self, logs: Mapping[str, Collection[str]]) -> None:
        """Hear which other logs show the same training, by the path of the one that is followed."""

    def leave(self, run: str) -> None:
        """Hear that a run is watched no longer."""


class Protection(Protocol):
    """Protects all runs of an exporter. From any thread."""

    def for_thread(self) -> ProtectsRuns:
        """For the runs of one more thread."""

    def protected(self) -> Iterable[Protected]:
        """What is kept of which run."""


def covered_logs(passed: Iterable[LeftOut]) -> Mapping[str, Collection[str]]:
    """The logs that give way to one that is followed, by its path."""
    found: dict[str, list[str]] = {}
    for left in passed:
        if left.reason == "covered":
            found.setdefault(left.instead, []).append(left.path)
    return found


class ProtectionMetrics(Collector):
    """What is kept of each run; asked with each scrape."""

    def __init__(self, protection: Protection) -> None:
        self._protection = protection

    def collect(self) -> Iterable[Family]:
        """The families."""
        kept = GaugeMetricFamily(g.KEPT.name, g.KEPT.help, labels=("run",))
        newest = GaugeMetricFamily(g.KEPT_STEP.name, g.KEPT_STEP.help, labels=("run",))
        held = GaugeMetricFamily(g.KEPT_BYTES.name, g.KEPT_BYTES.help, labels=("run",))
        done = CounterMetricFamily(g.ACTIONS.name, g.ACTIONS.help, labels=("run", g.ACTIONS.label))
        hindered = CounterMetricFamily(g.OBSTACLES.name, g.OBSTACLES.help, labels=("run", g.OBSTACLES.label))
        for each in self._protection.protected():
            run = label_value(each.run)
            kept.add_metric([run], len(each.steps))
            held.add_metric([run], each.bytes_held)
            if each.steps:
                newest.add_metric([run], each.steps[-1])
            for action, times in each.done.items():
                done.add_metric([run, action], times)
            for reason, times in each.obstacles.items():
                hindered.add_metric([run, reason], times)
        return kept, newest, held, done, hindered

    def describe(self) -> Iterable[Family]:
        """Nothing: its names are its own."""
        return ()
