"""What a fleet costs one real Prometheus: a hundred exporters whose runs truly grow, judged by all rules.

    python -m benchmarks.fleet                     # 1,000, 3,000 and 10,000 runs that train: half an hour
    python -m benchmarks.fleet --runs 10000 --live 0.1

A sample and an evaluation each 15 s. Prometheus begins without rules, to know what scraping takes; when five
minutes are filled, all of it is measured for two minutes. Then a run of each exporter breaks, and the time to
its alert is told. At the end the queries of the dashboard on all runs are asked, one after the other.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks import dashboards
from benchmarks.fleet_targets import address, instance
from benchmarks.measure import ROOT, ContestantError, Server, free_port, serving
from benchmarks.report import Result, Row, Table, Target

EVALUATION = 15.0
IN_TIME = Target(2 * EVALUATION, at_most=True)
RULE_SHARE = Target(50.0, at_most=True)  # of an interval; more, and evaluations are missed on a busy day
SCRAPE_CONFIG = {"job_name": "llmtrain", "scrape_timeout": "10s"}
RULES = sorted((ROOT / "alerts/rules").glob("*.yml"))
DEAREST = 5  # rules that are named


@dataclass(frozen=True, slots=True)
class Play:
    """How long everything takes, in seconds."""

    alone: float = 60.0  # without rules, until all series are there
    fill: float = 330.0  # until all that rules look back at is there, what they recorded too
    watch: float = 120.0
    tell: float = 75.0  # from the first run that breaks until all that tells of them is over

    @property
    def breaks(self) -> float:
        """When runs break."""
        return self.fill + self.watch

    @property
    def whole(self) -> float:
        """All of it."""
        return self.breaks + self.tell


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many runs on so many exporters; `live`: the share of those that train."""

    runs: int
    live: float = 1.0
    targets: int = 100

    def __str__(self) -> str:
        return f"{self.runs:,} runs on {self.targets} exporters, {self.live:.0%} of them training"


@contextmanager
def targets(fleet: Fleet, play: Play) -> Iterator[tuple[int, Server]]:
    """The exporters, and the port of each."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.fleet_targets", "--port", str(port)]
    size = [
        "--targets",
        str(fleet.targets),
        "--runs",
        str(fleet.runs // fleet.targets),
        "--live",
        str(fleet.live),
    ]
    times = ["--seconds", str(play.whole + 600), "--breaks", str(play.breaks)]
    with serving([*command, *size, *times], port) as server:
        server.host = address(0)
        server.until(lambda: bool(server.get("/breaks")))
        yield port, server


def scraped(fleet: Fleet, port: int) -> list[dict[str, Any]]:
    """The exporters as Prometheus is told of them."""
    return [
        {"targets": [f"{address(number)}:{port}"], "labels": {"instance": instance(number)}}
        for number in range(fleet.targets)
    ]


def configure(folder: Path, found: Sequence[Mapping[str, Any]], rules: Sequence[Path]) -> None:
    """Write what Prometheus goes by."""
    config = {
        "global": {"scrape_interval": f"{EVALUATION:g}s", "evaluation_interval": f"{EVALUATION:g}s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [{**SCRAPE_CONFIG, "static_configs": found}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))


@contextmanager
def prometheus(folder: Path) -> Iterator[Server]:
    """A real one, as the folder is configured."""
    own = free_port()
    options = [
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--log.level=warn",
    ]
    command = [dashboards.program("prometheus"), *options, f"--web.listen-address=127.0.0.1:{own}"]
    with serving(command, own) as server:
        server.until(lambda: bool(server.get("/-/ready")))
        yield server


def measure(fleet: Fleet, play: Play, folder: Path) -> tuple[Table, ...]:
    """Cost, panels and alerts. Raises ContestantError."""
    with ExitStack() as stack:
        port, exporters = stack.enter_context(targets(fleet, play))
        configure(folder, scraped(fleet, port), ())
        server = stack.enter_context(prometheus(folder))
        started = time.time()
        breaks = json.loads(exporters.get("/breaks"))
        alone = _busy(server, started + play.alone, started + 2 * play.alone)
        configure(folder, scraped(fleet, port), RULES)
        server.reload()
        share = _busy(server, started + play.fill, started + play.breaks)
        cost = _cost(server, alone, share, play)
        _sleep_until(max(breaks.values()) + play.tell)
        told = _told(server, breaks)
        panels = [_panel(server, title, queries) for title, queries in dashboards.fleet_panels(3600).items()]
    return (
        Table(f"{fleet}: Prometheus", cost),
        Table(f"{fleet}: from a record to its alert", told),
        Table(f"{fleet}: a panel's queries together", tuple(panels)),
    )


def _busy(server: Server, begin: float, end: float) -> float:
    """Cores that it keeps busy from one moment to another."""
    _sleep_until(begin)
    before, since = server.cpu, time.time()
    _sleep_until(end)
    return (server.cpu - before) / (time.time() - since)


def _cost(server: Server, alone: float, share: float, play: Play) -> tuple[Row, ...]:
    window = f"[{play.watch:.0f}s]"
    series, samples = (
        _value(server, query) for query in ("sum(scrape_samples_scraped)", "sum(scrape_samples_scraped) / 15")
    )
    groups = _groups(server)
    rules = sum(group["evaluationTime"] for group in groups)
    named = sorted(
        (rule for group in groups for rule in group["rules"]), key=lambda one: -one["evaluationTime"]
    )
    return (
        Row("series that are scraped", series, ""),
        Row("samples scraped", samples, "per s"),
        Row("resident memory", server.rss / 1e6, "MB"),
        Row("the same of a series", server.rss / series, "bytes"),
        Row("all it does", 100 * share, "% of a core"),
        Row("without rules", 100 * alone, "% of a core"),
        Row(
            "slowest scrape",
            _value(server, f"max(max_over_time(scrape_duration_seconds{window}))") * 1e3,
            "ms",
        ),
        Row("rules, an evaluation of all of them", rules * 1e3, "ms by the clock"),
        Row("the same of the interval", 100 * rules / EVALUATION, "%", target=RULE_SHARE),
        *(Row(f"rule {_name(one)}", one["evaluationTime"] * 1e3, "ms") for one in named[:DEAREST]),
    )


def _name(rule: Mapping[str, Any]) -> str:
    severity = rule.get("labels", {}).get("severity", "")
    return f"{rule['name']} {severity}".strip()


def _groups(server: Server) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = json.loads(server.get("/api/v1/rules"))["data"]["groups"]
    return groups


def _told(server: Server, breaks: Mapping[str, float]) -> tuple[Row, ...]:
    """How long it took, the evaluation of the rules among it: from the record, and from its scrape."""
    found = _ask(server, 'ALERTS{alertname="LlmTrainIncident",alertstate="firing"}[15m]')
    firing = {one["metric"]["instance"]: float(one["values"][0][0]) for one in found}
    took = max(group["evaluationTime"] for group in _groups(server))
    if firing.keys() < breaks.keys():
        raise ContestantError(f"{len(firing)} of {len(breaks)} runs that broke were told of")
    shown = {
        one["metric"]["instance"]: next(float(at) for at, value in one["values"] if float(value))
        for one in _ask(server, "(llmtrain_incidents_total > 0)[15m:1s]")
    }
    written = [at + took - breaks[name] for name, at in firing.items() if name in breaks]
    scraped = [at + took - shown[name] for name, at in firing.items() if name in breaks]
    return (
        Row("runs that broke", len(written), ""),
        Row("from its record, median", statistics.median(written), "s"),
        Row("slowest", max(written), "s"),
        Row("from the scrape that shows it, median", statistics.median(scraped), "s"),
        Row("slowest", max(scraped), "s", target=IN_TIME),
    )


def _panel(server: Server, title: str, queries: Sequence[dashboards.Query]) -> Row:
    end = int(time.time())
    times = [
        sum(dashboards.answer_seconds(server, query, end - 3600, end, empty=True) for query in queries)
        for _ in range(dashboards.ROUNDS)
    ]
    return Row(title, 1000 * statistics.median(times), "ms", target=dashboards.LIMIT)


def _value(server: Server, query: str) -> float:
    found = _ask(server, query)
    if not found:
        raise ContestantError(f"nothing to show for {query}")
    return float(found[0]["value"][1])


def _ask(server: Server, query: str) -> list[dict[str, Any]]:
    answer = server.get(f"/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    found: list[dict[str, Any]] = json.loads(answer)["data"]["result"]
    return found


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; its exit code, 1 when something takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--runs", type=int, action="append", help="can be given again")
    parser.add_argument(
        "--live", type=float, default=1.0, help="share of the runs that train; others have ended"
    )
    parser.add_argument(
        "--folder", metavar="DIR", help="where Prometheus keeps its data (default: the temporary folder)"
    )
    chosen = parser.parse_args(arguments)
    failed = False
    for runs in chosen.runs or (1_000, 3_000, 10_000):
        with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=chosen.folder) as folder:
            try:
                result = Result("fleet", measure(Fleet(runs, chosen.live), Play(), Path(folder)))
            except ContestantError as error:
                result = Result("fleet", (), str(error))
        print(result.text(), flush=True)
        failed = failed or result.failed(False)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
