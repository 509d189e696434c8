"""What the dashboard on all runs costs a real Prometheus that holds two thousand runs, panel by panel.

    python -m benchmarks.dashboards

The series are those that the panels ask for, a sample each 15 s, backfilled as one block; the recorded
ones too, as rules would have recorded them. A panel is timed as the sum of its queries, one after the other,
each as Grafana sends it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from benchmarks.measure import ROOT, ContestantError, Server, free_port, run, serving
from benchmarks.report import Result, Row, Table, Target

DASHBOARDS = ROOT / "grafana/dashboards/en"
FLEET = "llmtrain-fleet"
SCRAPE_SECONDS = 15
BLOCK_SECONDS = 7200  # what Prometheus puts into a block; history begins and ends with one
RUNS_OF_HOST = 100
POINTS = 1000  # that Grafana asks for where a panel does not say: about its width in pixels
LIMIT = Target(1000, at_most=True)
ROUNDS = 3
STATES = ("waiting", "running", "stalled", "finished", "failed")
STAGES = ("kl", "gradient", "length", "reward")


@dataclass(frozen=True, slots=True)
class Query:
    """A query as Grafana sends it: `step` None for the last values alone, else seconds between values."""

    text: str
    step: int | None


@dataclass(frozen=True, slots=True)
class History:
    """So many runs, of which every tenth is in trouble, from a Unix time on; up to two hours."""

    runs: int
    begin: int
    seconds: int = BLOCK_SECONDS

    @property
    def end(self) -> int:
        """When the last samples were taken."""
        return self.begin + self.seconds - SCRAPE_SECONDS

    def samples(self) -> Iterator[tuple[str, list[str]]]:
        """Each series and its values in time, grouped by the name of the metric."""
        names: dict[str, list[tuple[str, str]]] = {}
        for number in range(self.runs):
            for name, labels, value in self._of_run(number):
                names.setdefault(name, []).append((labels, value))
        for host in range(0, self.runs, RUNS_OF_HOST):
            for name, labels, value in _of_host(host, min(RUNS_OF_HOST, self.runs - host)):
                names.setdefault(name, []).append((labels, value))
        for name, series in names.items():
            for labels, value in series:
                yield f"{name}{{{labels}}}", self._in_time(name, value)

    def _in_time(self, name: str, value: str) -> list[str]:
        count = self.seconds // SCRAPE_SECONDS
        if name == "llmtrain_run_health" and value != "0":
            return ["0"] * (count // 2) + [value] * (count - count // 2)
        if name in ("llmtrain_step", "llmtrain_last_record_timestamp_seconds"):
            first = float(value)
            return [repr(first + place * SCRAPE_SECONDS) for place in range(count)]
        return [value] * count

    def _of_run(self, number: int) -> Iterator[tuple[str, str, str]]:
        """Metric, labels and first value of each series of a run."""
        trouble = number % 10 == 0
        one = f'{_host(number)},run="team-{number % 7}/output/v{number}-20261120-101051"'
        state = "failed" if trouble and number % 20 else "finished" if number % 4 == 1 else "running"
        profile = ("grpo", "sft", "dpo")[number % 3]
        yield "llmtrain_run_info", f'{one},profile="{profile}",dialect="swift",model="Qwen/Qwen3-8B"', "1"
        for each in STATES:
            yield "llmtrain_run_state", f'{one},state="{each}"', str(int(each == state))
        values = {
            "llmtrain_run_health": 2 if trouble else 1 if number % 10 == 1 else 0,
            "llmtrain_progress_ratio": number % 100 / 100,
            "llmtrain_step": number,
            "llmtrain_max_steps": 10_000,
            "llmtrain_remaining_seconds": 3600,
            "llmtrain_recent_seconds_per_step": 2.5,
            "llmtrain_seconds_per_step": 2.4,
            "llmtrain_last_record_timestamp_seconds": self.begin - number,
            "llmtrain_incident_active": int(trouble),
            "llmtrain_lost_gpu_seconds": 28800 * trouble,
            "llmtrain_incidents_total": int(trouble),
        }
        order = 1e10 * values["llmtrain_run_health"] + values["llmtrain_last_record_timestamp_seconds"]
        yield "run:llmtrain_run:trouble", f'{one},profile="{profile}",state="{state}"', repr(order)
        yield from ((name, one, str(value)) for name, value in values.items())
        yield from _of_kind(one, profile, trouble, self.begin + number)


def _of_kind(one: str, profile: str, trouble: bool, onset: int) -> Iterator[tuple[str, str, str]]:
    training = f'{one},split="train"'
    yield "llmtrain_loss", training, "0.25"
    if profile == "grpo":
        yield "llmtrain_reward", training, "1.5"
        yield "llmtrain_kl", training, "0.01"
    if profile == "dpo":
        for side in ("chosen", "rejected"):
            yield "llmtrain_preference_reward", f'{training},side="{side}"', "0.5"
    if trouble:
        for place, stage in enumerate(STAGES, 1):
            yield "llmtrain_incident_stage", f'{one},stage="{stage}"', str(place)
        yield "llmtrain_run_headline", f'{one},signal="kl_high",severity="critical",cause="policy_drift"', "1"
        yield "llmtrain_incident_onset_step", one, "1200"
        yield "llmtrain_incident_onset_timestamp_seconds", one, str(onset)
        for signal, severity in (("kl_high", "critical"), ("grad_spike", "warning")):
            yield "run_signal:llmtrain_signal:active", f'{one},signal="{signal}",severity="{severity}"', "1"
        alert = f'{one},alertname="LlmTrainIncident",severity="critical"'
        yield "ALERTS", f'{alert},alertstate="firing"', "1"
        yield "ALERTS_FOR_STATE", alert, str(onset)


def _of_host(first: int, runs: int) -> Iterator[tuple[str, str, str]]:
    """What is recorded for the host of these runs."""
    host = _host(first)
    for state in STATES:
        yield "instance_state:llmtrain_runs:count", f'{host},state="{state}"', str(runs // len(STATES))
    for health in ("healthy", "watch", "broken"):
        yield "instance_health:llmtrain_runs:count", f'{host},health="{health}"', str(runs // 3)
    for profile in ("grpo", "sft", "dpo"):
        yield "instance_profile:llmtrain_runs:count", f'{host},profile="{profile}"', str(runs // 3)
    yield "instance:llmtrain_broken_runs:count", host, str(runs // 10)
    yield "instance:llmtrain_records:rate5m", host, "1.5"
    yield "instance:llmtrain_incidents:increase1h", host, "2"
    yield "up", host, "1"
    yield "llmtrain_exporter_build_info", f'{host},version="1.0.0",python="3.12.1"', "1"


def _host(number: int) -> str:
    return f'job="llmtrain",instance="gpu-{number // RUNS_OF_HOST:03d}.example:9848"'


def panels(path: Path, seconds: int) -> dict[str, list[Query]]:
    """The queries of each panel of a dashboard, for a time range of so many seconds."""
    board = json.loads(path.read_text("utf-8"))
    every = [one for panel in board["panels"] for one in (panel, *panel.get("panels", ()))]
    chosen = {one["name"]: one.get("allValue", "") for one in board["templating"]["list"]}
    return {
        panel["title"]: [_query(panel, target, seconds, chosen) for target in panel["targets"]]
        for panel in every
        if panel.get("targets")
    }


def _query(panel: dict[str, Any], target: dict[str, Any], seconds: int, chosen: dict[str, str]) -> Query:
    points = panel.get("maxDataPoints") or POINTS
    step = max(SCRAPE_SECONDS, -(-seconds // points))
    filled = chosen | {"__range": f"{seconds}s", "__rate_interval": "1m", "__interval": f"{step}s"}
    text = re.sub(r"\$\{?([a-z_]+)\}?", lambda match: filled[match[1]], target["expr"])
    return Query(text, None if target.get("instant") else step)


def write(history: History, file: TextIO) -> int:
    """The history as OpenMetrics; how many series."""
    stamps = [str(at) for at in range(history.begin, history.end + 1, SCRAPE_SECONDS)]
    series = 0
    for name, values in history.samples():
        file.writelines(f"{name} {value} {at}\n" for value, at in zip(values, stamps, strict=True))
        series += 1
    file.write("# EOF\n")
    return series


def measure(runs: int, seconds: int, folder: Path) -> Table:
    """The table. Raises ContestantError."""
    prometheus, promtool = program("prometheus"), program("promtool")
    begin = (int(time.time()) // BLOCK_SECONDS - 3) * BLOCK_SECONDS
    history = History(runs, begin, seconds)
    text, data = folder / "history.txt", folder / "data"
    with text.open("w") as file:
        series = write(history, file)
    run([promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)])
    text.unlink()
    (folder / "prometheus.yml").write_text("{}\n")
    port = free_port()
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={data}", "--log.level=warn"]
    keep = ["--storage.tsdb.retention.time=10y", f"--web.listen-address=127.0.0.1:{port}"]
    with serving([prometheus, *options, *keep], port) as server:
        server.until(lambda: bool(server.get("/-/ready")))
        rows = tuple(
            _row(server, title, queries, history) for title, queries in fleet_panels(seconds).items()
        )
    title = f"{runs:,} runs x {seconds / 3600:g} h, {series:,} series, a panel's queries together"
    return Table(title, rows)


def fleet_panels(seconds: int) -> dict[str, list[Query]]:
    """The queries of each panel of the dashboard on all runs, for a time range of so many seconds."""
    found = (path for path in DASHBOARDS.rglob("*.json") if json.loads(path.read_text())["uid"] == FLEET)
    return panels(next(found), seconds)


def program(name: str) -> str:
    """Where a program lies. Raises ContestantError."""
    found = shutil.which(name)
    if found is None:
        raise ContestantError(f"needs {name}: scripts/real-tools {name}, or put it into PATH")
    return found


def _row(server: Server, title: str, queries: Sequence[Query], history: History) -> Row:
    begin, end = history.begin, history.end
    times = [sum(answer_seconds(server, query, begin, end) for query in queries) for _ in range(ROUNDS)]
    return Row(title, 1000 * statistics.median(times), "ms", target=LIMIT)


def answer_seconds(server: Server, query: Query, begin: int, end: int, empty: bool = False) -> float:
    """How long the answer takes. Raises ContestantError where there is none.

    `empty`: one that has nothing to show is an answer.
    """
    if query.step is None:
        path, params = "query", {"query": query.text, "time": end}
    else:
        path, params = "query_range", {"query": query.text, "start": begin, "end": end, "step": query.step}
    started = time.perf_counter()
    answer = server.get(f"/api/v1/{path}?{urllib.parse.urlencode(params)}")
    taken = time.perf_counter() - started
    found = json.loads(answer or b"{}").get("data", {}).get("result")
    if not (found or (empty and found == [])):
        raise ContestantError(f"nothing to show for {query.text}")
    return taken


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; its exit code, 1 when a panel takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboards", description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--minutes", type=int, default=120, help="of history, at most 120")
    parser.add_argument(
        "--folder", metavar="DIR", help="where to put it, 4 GB (default: the temporary folder)"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=chosen.folder) as folder:
        try:
            table = measure(chosen.runs, min(60 * chosen.minutes, BLOCK_SECONDS), Path(folder))
            result = Result("dashboards", (table,))
        except ContestantError as error:
            result = Result("dashboards", (), str(error))
    print(result.text(), end="")
    return int(result.failed(False))


if __name__ == "__main__":
    sys.exit(main())
