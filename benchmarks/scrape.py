"""What a scrape of many runs costs when a tenth of them has changed since the last one."""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count, islice, product

from llmtrain_exporter.knowledge.metric import Metric, Type
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.model import Series
from llmtrain_exporter.serve.deflate import deflate, gzip_pieces
from llmtrain_exporter.serve.exposition import Exposition
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import floors
from benchmarks.bench import Bench
from benchmarks.measure import ContestantError, cpu_of, interleave
from benchmarks.report import Table, Target, costs
from benchmarks.workers import Worker, working

TO_GENERATE_LATEST = Target(60.0)
WIDE = Target(200.0, at_most=True)  # of as many series as a run has when all is logged that can be
CHANGED = 10  # one run in so many changes between two scrapes
LABELS = ("mean", "max", "min", "low_mean")
ALONE_ROUNDS = 7  # of ours without the peer, which is the one that takes long

OURS, PEER = "publish a tenth and render", "generate_latest"
ZIPPED = ", gzip"
COPY, DEFLATE = "floor: copy the bytes once", "floor: deflate the bytes once"


def series(amount: int) -> tuple[Series, ...]:
    """So many series of the catalogue's gauges."""
    gauges = (metric for metric in METRICS if metric.type is Type.GAUGE)
    return tuple(islice((one for metric in gauges for one in _of(metric)), amount))


def _of(metric: Metric) -> Iterator[Series]:
    own = [(metric.label, value) for value in LABELS] if metric.label else []
    splits = [("split", value) for value in ("train", "eval")] if metric.split else []
    axes = [axis for axis in (own, splits) if axis]
    return (Series(metric, labels) for labels in product(*axes))


def values(run: int, turn: int, amount: int) -> list[float]:
    """What the series of a run are worth after a turn: the same for all contestants."""
    source = random.Random(run * 1_000_003 + turn)
    return [round(source.random(), 8) for _ in range(amount)]


def name(run: int) -> str:
    """A run's name."""
    return f"run_{run:05d}/v0-20250101-000000"


class Scraped:
    """A contestant: all runs with all their series, and a scrape after each turn."""

    def __init__(self, runs: int, amount: int) -> None:
        self._runs = runs
        self._series = series(amount)
        self._turns = count(1)
        self.body = b""
        self.prepare()
        self.update([(run, values(run, 0, amount)) for run in range(runs)])
        self.scrape([], zipped=False)  # the first one, for which all runs are new

    def turn(self, zipped: bool) -> float:
        """Processor seconds of a scrape after a tenth of the runs has changed."""
        turn, amount = next(self._turns), len(self._series)
        changes = [(run, values(run, turn, amount)) for run in range(turn % CHANGED, self._runs, CHANGED)]
        return self.scrape(changes, zipped)

    def last(self) -> bytes:
        """The body of the last scrape."""
        return self.body

    def prepare(self) -> None:
        """Whatever is made once."""

    def update(self, changes: list[tuple[int, list[float]]]) -> None:
        """Take in new values of some runs."""
        raise NotImplementedError

    def scrape(self, changes: list[tuple[int, list[float]]], zipped: bool) -> float:
        """Take in changes and answer a scrape, by the clock of this contestant."""
        raise NotImplementedError


class Ours(Scraped):
    """The exporter's exposition; publishing counts."""

    def prepare(self) -> None:
        self._exposition = Exposition()

    def update(self, changes: list[tuple[int, list[float]]]) -> None:
        for run, new in changes:
            self._exposition.publish(name(run), dict(zip(self._series, new, strict=True)))

    def scrape(self, changes: list[tuple[int, list[float]]], zipped: bool) -> float:
        samples = [(name(run), dict(zip(self._series, new, strict=True))) for run, new in changes]
        started = time.process_time()
        for run, found in samples:
            self._exposition.publish(run, found)
        if zipped:
            self.body = b"".join(gzip_pieces(self._exposition.deflated(openmetrics=True), b"# EOF\n"))
        else:
            self.body = self._exposition.render(openmetrics=False)
        return time.process_time() - started


class Peer(Scraped):
    """prometheus_client; setting its gauges does not count."""

    def prepare(self) -> None:
        self._registry = CollectorRegistry()
        metrics = {one.metric: [label for label, _ in one.labels] for one in self._series}
        self._gauges = {
            metric: Gauge(metric.name, metric.help, ["run", *labels], registry=self._registry)
            for metric, labels in metrics.items()
        }

    def update(self, changes: list[tuple[int, list[float]]]) -> None:
        for run, new in changes:
            for one, value in zip(self._series, new, strict=True):
                own = [label for _, label in one.labels]
                self._gauges[one.metric].labels(name(run), *own).set(value)

    def scrape(self, changes: list[tuple[int, list[float]]], zipped: bool) -> float:
        self.update(changes)
        started = time.process_time()
        if zipped:
            text = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]  # not typed
            self.body = gzip.compress(text)
        else:
            self.body = generate_latest(self._registry)
        return time.process_time() - started


def measure(bench: Bench) -> tuple[Table, ...]:
    """A table for the plain text and two for what a Prometheus asks for: of few and of many series.

    Raises ContestantError if the bodies differ.
    """
    runs, amount = bench.sizes.many_runs, bench.sizes.scrape_series
    with ExitStack() as stack:
        ours, peer = (stack.enter_context(working(kind, runs, amount)) for kind in (Ours, Peer))
        taken = interleave(_contestants(ours, peer), bench.sizes.rounds)
        bodies = [_last(worker) for worker in (ours, peer)]
    samples = same(*bodies)
    floor = interleave(_floors(bodies[0]), bench.sizes.rounds)
    title = f"{runs:,} runs x {amount} series, a tenth changed, {len(bodies[0]) / 1e6:.1f} MB"
    note = f"All {samples:,} samples of both bodies are the same to prometheus_client's parser."
    return (
        _table(title, taken, floor, ("", COPY, TO_GENERATE_LATEST), note),
        _table(title + ", OpenMetrics with gzip", taken, floor, (ZIPPED, DEFLATE, None)),
        _wide(bench),
    )


def _wide(bench: Bench) -> Table:
    """The same of many series, without the peer, which would take minutes."""
    runs, amount = bench.sizes.many_runs, bench.sizes.wide_series
    with working(Ours, runs, amount) as worker:
        cpu = interleave({OURS: lambda: float(worker.ask("turn", True))}, ALONE_ROUNDS)[OURS]
        worker.ask("turn", False)
        body = _last(worker)
    floor = interleave(_floors(body), bench.sizes.rounds)
    title = f"{runs:,} runs x {amount} series, a tenth changed, {len(body) / 1e6:.1f} MB"
    rows = costs("ms of a core", (OURS + ZIPPED, 1e3 * cpu), [(DEFLATE, 1e3 * floor[DEFLATE], None)], WIDE)
    return Table(title + ", OpenMetrics with gzip", rows)


def ours(bench: Bench, runs: int) -> float:
    """Processor seconds of our scrape of so many runs."""

    def alone() -> float:
        with working(Ours, runs, bench.sizes.scrape_series) as worker:
            return interleave({OURS: lambda: float(worker.ask("turn", False))}, ALONE_ROUNDS)[OURS]

    return bench.once(("scrape", runs), alone)


def same(first: bytes, second: bytes) -> int:
    """How many samples both bodies have. Raises ContestantError if they are not the same ones."""
    one, other = _samples(first), _samples(second)
    if one != other:
        raise ContestantError(f"the bodies differ in {len(one ^ other)} of {len(one | other)} samples")
    return len(one)


def _samples(body: bytes) -> set[int]:
    """A number for each sample, the same for equal ones: the samples themselves would take a gigabyte."""
    families = text_string_to_metric_families(body.decode())
    return {
        hash((sample.name, tuple(sorted(sample.labels.items())), sample.value))
        for family in families
        for sample in family.samples
    }


def _contestants(ours: Worker, peer: Worker) -> dict[str, Callable[[], float]]:
    return {
        OURS + ZIPPED: lambda: float(ours.ask("turn", True)),
        PEER + ZIPPED: lambda: float(peer.ask("turn", True)),
        OURS: lambda: float(ours.ask("turn", False)),
        PEER: lambda: float(peer.ask("turn", False)),
    }


def _floors(body: bytes) -> dict[str, Callable[[], float]]:
    return {
        COPY: lambda: cpu_of(lambda: floors.copied(body)),
        DEFLATE: lambda: cpu_of(lambda: deflate(body)),
    }


def _last(worker: Worker) -> bytes:
    body = worker.ask("last")
    assert isinstance(body, bytes)
    return body


def _table(
    title: str,
    taken: Mapping[str, float],
    floor: Mapping[str, float],
    choice: tuple[str, str, Target | None],
    *notes: str,
) -> Table:
    ending, lowest, target = choice
    others = [(PEER + ending, 1e3 * taken[PEER + ending], target), (lowest, 1e3 * floor[lowest], None)]
    rows = costs("ms of a core", (OURS + ending, 1e3 * taken[OURS + ending]), others)
    return Table(title, rows, notes)
