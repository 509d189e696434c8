"""What the exporter tells of the servers that it sends history to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from prometheus_client import Metric as Family
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_exporter.knowledge.metric import PREFIX
from llmtrain_exporter.push.remote_statistics import RemoteStatistics
from llmtrain_exporter.push.remote_write import RemoteWriter

_BY_SERVER = ("destination",)
_BY_REASON = ("destination", "reason")

_COUNTERS: tuple[tuple[str, str, Callable[[RemoteStatistics], float]], ...] = (
    ("records", "Records that a server has taken.", attrgetter("records")),
    ("samples", "Samples of records that a server has taken.", attrgetter("samples")),
    ("requests", "Requests to a server.", attrgetter("requests")),
    ("sent_bytes", "Bytes of bodies, as they were sent.", attrgetter("bytes")),
)
_COUNTERS_BY_REASON: tuple[tuple[str, str, Callable[[RemoteStatistics], dict[str, int]]], ...] = (
    (
        "dropped_records",
        "Records that a server refused, or whose log was gone, by reason.",
        attrgetter("dropped_records"),
    ),
    ("dropped_samples", "Samples in them, by reason.", attrgetter("dropped_samples")),
    ("failed_requests", "Requests that are made again, by reason.", attrgetter("failed_requests")),
)


class HistoryMetrics(Collector):
    """Asked with each scrape; nothing where history is sent nowhere."""

    def __init__(self, writers: Callable[[], Sequence[RemoteWriter]]) -> None:
        self._writers = writers

    def collect(self) -> Iterable[Family]:
        """The families."""
        writers = self._writers()
        return (
            [*self._counters(writers), *self._by_reason(writers), *self._gauges(writers)] if writers else []
        )

    def describe(self) -> Iterable[Family]:
        """Nothing: its names are its own."""
        return ()

    def _counters(self, writers: Sequence[RemoteWriter]) -> Iterator[Family]:
        for name, text, count in _COUNTERS:
            counted = [((writer.name,), count(writer.statistics)) for writer in writers]
            yield _counter(name, text, _BY_SERVER, counted)

    def _by_reason(self, writers: Sequence[RemoteWriter]) -> Iterator[Family]:
        for name, text, counts in _COUNTERS_BY_REASON:
            values = [
                ((writer.name, reason), count)
                for writer in writers
                for reason, count in counts(writer.statistics).copy().items()
            ]
            yield _counter(name, text, _BY_REASON, values)

    def _gauges(self, writers: Sequence[RemoteWriter]) -> Iterator[Family]:
        states = {writer.name: writer.queue.state for writer in writers}
        yield _gauge(
            "waiting_records",
            "Records that wait to be sent.",
            {name: s.records for name, s in states.items()},
        )
        yield _gauge(
            "unread_logs",
            "Logs of which records are to be read and sent.",
            {name: s.logs_to_read for name, s in states.items()},
        )
        yield _gauge(
            "behind_seconds",
            "For how long the record has waited that waits longest.",
            {writer.name: writer.behind_seconds(states[writer.name]) for writer in writers},
        )
        yield _gauge(
            "taken_timestamp_seconds",
            "Unix time at which a server has taken something last.",
            {writer.name: writer.statistics.taken_at for writer in writers if writer.statistics.taken_at},
        )


def _counter(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> Family:
    family = CounterMetricFamily(f"{PREFIX}exporter_history_{name}_total", text, labels=labels)
    for known, value in values:
        family.add_metric(known, value)
    return family


def _gauge(name: str, text: str, values: Mapping[str, float]) -> Family:
    family = GaugeMetricFamily(f"{PREFIX}exporter_history_{name}", text, labels=_BY_SERVER)
    for destination, value in values.items():
        family.add_metric([destination], value)
    return family
