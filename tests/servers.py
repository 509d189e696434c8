"""Real servers for tests: each runs on a free loopback port from `with` to the end of its block.

No test sleeps: it waits `eventually` for the thing itself, or for a server's next round of work to be over.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")
S = TypeVar("S", bound="Server")

HANGS_SECONDS = 120.0
"""Who takes longer hangs, on a busy machine too; a server that ends before it is ready is noticed at once."""

FLUSHES = "alertmanager_nflog_queries_total"  # one for each look at a group with a single receiver

HISTORY = '{job="llmtrain-history"}'
"""What was sent of logs, record by record."""

Points = dict[tuple[str, int], float]
"""Samples by series, without its job, and Unix time in ms."""

PORTS = range(15_000, 32_000)
"""Below those that Linux, macOS and Windows hand out by themselves, above those of well-known servers."""

PARTS = 64
"""Into so many parts they are divided: more than there are processes that test on a machine."""

KILLED_SECONDS = 10.0
"""Docker kills what has not ended by then. An end takes far less: there is room for a busy machine."""


@dataclass(frozen=True)
class _Ports:
    """A part of them that this process has alone, of all on this machine: who holds its first one has it."""

    holder: socket.socket
    others: Iterator[int]


@cache
def _ports() -> _Ports:
    for part in range(PARTS):
        first, *others = PORTS[part::PARTS]
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", first))
        except OSError:
            holder.close()
        else:
            return _Ports(holder, cycle(others))
    raise AssertionError(f"each of {PARTS} parts of the ports {PORTS} is somebody's")


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on, nor will before who asked for it does.

    One of those that systems choose for connections, and for who leaves it to them, might be taken meanwhile.
    """
    return next(filter(_is_free, _ports().others))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def eventually(probe: Callable[[], T | Literal[False]], within: float = HANGS_SECONDS) -> T:
    """The first true answer of `probe`; AssertionError with its last answer when none came in time.

    `within`: seconds; where it is given, something is known to take longer than others.
    """
    deadline = time.monotonic() + within
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"not within {within:g} s; the last answer was {answer!r}"
        time.sleep(0.05)
    return answer


class Server:
    """A program that serves HTTP on 127.0.0.1:port: ready when its block begins (/-/ready), ended with it."""

    def __init__(
        self, command: Sequence[str | Path], port: int, env: Mapping[str, str] | None = None
    ) -> None:
        self.command = [str(part) for part in command]
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}"
        self._env = {**os.environ, **(env or {})}

    def __enter__(self: S) -> S:
        self._output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        try:
            eventually(self._ready)
        except BaseException:
            self._report()
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            self._report()
        self._close()

    def _ready(self) -> bool:
        assert self.process.poll() is None, f"ended with {self.process.returncode} before it was ready"
        try:
            return self.get("/-/ready").status_code == 200
        except requests.RequestException:
            return False

    def _report(self) -> None:
        # pytest shows this beside the failure.
        print(f"{' '.join(self.command)}\n{self.log}")

    def _close(self) -> None:
        try:
            self.terminate()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self._output.close()

    def crash(self, meanwhile: Callable[[], object]) -> None:
        """Kill the program, and start it again on its port when what happens `meanwhile` is over."""
        self.kill()
        self._output.close()
        meanwhile()
        self.__enter__()

    @property
    def log(self) -> str:
        """What the program has printed so far, both streams; to be read inside the block."""
        # pread, since the program writes at the offset that both processes share.
        output = self._output.fileno()
        return os.pread(output, os.fstat(output).st_size, 0).decode(errors="replace")

    def get(self, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> requests.Response:
        """GET a path of this server; `options` are those of requests (params, auth, verify, ...)."""
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands between a test and its own machine
            return session.get(self.url + path, headers=headers, timeout=HANGS_SECONDS, **options)

    def metrics(self) -> dict[str, float]:
        """One scrape: the value of each series, by its name as in `llmtrain_loss{run="a",split="train"}`."""
        answer = self.get("/metrics", {"Accept": "text/plain"})
        answer.raise_for_status()
        families = text_string_to_metric_families(answer.text)
        return {series(s.name, s.labels): s.value for family in families for s in family.samples}

    def total(self, metric: str) -> float:
        """The sum of a metric of its own over all labels."""
        return sum(value for name, value in self.metrics().items() if name.partition("{")[0] == metric)

    def wait_for_more(self, counter: str, more: float) -> None:
        """Until that sum is higher than now by so much."""
        wanted = self.total(counter) + more
        eventually(lambda: self.total(counter) >= wanted)

    def terminate(self) -> int:
        """Ask the program to end (SIGTERM), and wait; its exit code."""
        self.process.terminate()
        return self.process.wait(HANGS_SECONDS)

    def kill(self) -> int:
        """End the program at once (SIGKILL), as a crash would; its exit code."""
        self.process.kill()
        return self.process.wait(HANGS_SECONDS)


class ExporterProcess(Server):
    """`llmtrain-exporter serve ARGS...` of this checkout."""

    def __init__(self, args: Iterable[str | Path], env: Mapping[str, str] | None = None) -> None:
        port = free_port()
        serve = [sys.executable, "-m", "llmtrain_exporter", "serve", *args, "--listen", f"127.0.0.1:{port}"]
        super().__init__(serve, port, env)

    def search_again(self) -> None:
        """Until a search for logs that has begun after this call is over."""
        # The first that ends may have begun before; so below.
        self.wait_for_more("llmtrain_exporter_scans_total", 2)

    def read_again(self) -> None:
        """Until a look at each log that has begun after this call is over."""
        self.wait_for_more("llmtrain_exporter_round_duration_seconds_count", 2)


def series(name: str, labels: Mapping[str, str]) -> str:
    """A series as one writes it, `name{label="value",...}` with its labels sorted."""
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


class Prometheus(Server):
    """A real Prometheus with its own empty storage under `folder`, scraping `scrape_target` (HOST:PORT)."""

    def __init__(
        self,
        folder: Path,
        scrape_target: str,
        interval: str = "1s",
        *,
        binary: Path,
        rule_files: Iterable[Path] = (),
        alertmanager: str | None = None,
    ) -> None:
        config: dict[str, Any] = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [str(path) for path in rule_files],
            "scrape_configs": [{"job_name": "llmtrain", **_static(scrape_target)}],
        }
        if alertmanager:
            config["alerting"] = {"alertmanagers": [_static(alertmanager)]}
        port = free_port()
        super().__init__(
            [
                binary,
                f"--config.file={_write_yaml(folder / 'prometheus.yml', config)}",
                f"--storage.tsdb.path={folder / 'prometheus-data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            port,
        )

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The result of an instant query: items with `metric` (labels) and `value` (time, text)."""
        return self._data("query", query=promql)["result"]

    def query_range(self, promql: str, start: float, end: float, step: str = "1s") -> list[dict[str, Any]]:
        """The result of a range query between two unix times: items with `metric` and `values`."""
        return self._data("query_range", query=promql, start=start, end=end, step=step)["result"]

    def targets(self) -> list[dict[str, Any]]:
        """The scraped targets as Prometheus sees them: `health`, `lastError`, `labels`, ..."""
        return self._data("targets")["activeTargets"]

    def scrape_again(self) -> None:
        """Until the samples of a scrape of every target that has begun after this call can be asked for."""
        called = time.time()

        def seen() -> bool:
            begun = [float(item["value"][1]) for item in self.query("timestamp(up)")]
            return bool(begun) and min(begun) > called

        eventually(seen)

    def _data(self, endpoint: str, **params: str | float) -> dict[str, list[dict[str, Any]]]:
        answer = self.get(f"/api/v1/{endpoint}", params=params).json()
        assert answer["status"] == "success", answer
        data: dict[str, list[dict[str, Any]]] = answer["data"]
        return data


class ReceivingPrometheus(Prometheus):
    """A Prometheus that takes remote write, and what is out of order within `window`."""

    def __init__(self, folder: Path, binary: Path, window: str | None = "3650d") -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder, "127.0.0.1:1", binary=binary)
        config = yaml.safe_load((folder / "prometheus.yml").read_text())
        if window is not None:
            config["storage"] = {"tsdb": {"out_of_order_time_window": window}}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.command.append("--web.enable-remote-write-receiver")

    @property
    def write_url(self) -> str:
        """Where it takes remote write."""
        return f"{self.url}/api/v1/write"

    def points(self, name: str) -> Points:
        """All raw samples of the history of one metric."""
        found = self.query(f"{name}{HISTORY}[3650d]")
        return {
            (series(name, _plain(item["metric"])), round(at * 1000)): float(value)
            for item in found
            for at, value in item["values"]
        }

    def everything(self) -> Points:
        """All raw samples of histories."""
        names = self.get("/api/v1/label/__name__/values", params={"match[]": HISTORY}).json()["data"]
        return {key: value for name in names for key, value in self.points(name).items()}


def backfilled(folder: Path, history: bytes, *, binary: Path, promtool: Path) -> Server:
    """A Prometheus that has nothing but OpenMetrics that promtool has made blocks of, and scrapes nobody."""
    file, config, data, port = folder / "history.om", folder / "prometheus.yml", folder / "data", free_port()
    file.write_bytes(history)
    config.write_text("{}")
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", file, data], check=True)
    command: list[str | Path] = [
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    return Server(command, port)


class VictoriaMetrics(Server):
    """A VictoriaMetrics with its own empty storage, that takes and shows what Prometheus does."""

    def __init__(self, folder: Path, binary: Path, *options: str) -> None:
        port = free_port()
        command: list[str | Path] = [
            binary,
            f"-storageDataPath={folder}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=10y",
            *options,
        ]
        super().__init__(command, port)

    @property
    def write_url(self) -> str:
        """Where it takes remote write."""
        return f"{self.url}/api/v1/write"

    def kill(self) -> int:
        """End it in order: it says yes seconds before it writes to the disk, and a kill loses that."""
        return self.terminate()

    def points(self, name: str) -> Points:
        """All raw samples of the history of one metric."""
        return {key: value for key, value in self.everything().items() if key[0].partition("{")[0] == name}

    def everything(self) -> Points:
        """All raw samples of histories."""
        found: Points = {}
        params = {"match[]": HISTORY, "reduce_mem_usage": "1"}
        self.get("/internal/force_flush")
        for line in self.get("/api/v1/export", params=params).text.splitlines():
            item = json.loads(line)
            name = series(item["metric"]["__name__"], _plain(item["metric"]))
            for at, value in zip(item["timestamps"], item["values"], strict=True):
                found[name, at] = float(value if value is not None else "nan")
        return found


class VmAgent(Server):
    """A vmagent that scrapes one exporter and writes what it says to a store."""

    def __init__(self, folder: Path, scrape_target: str, write_url: str, *, binary: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        command: list[str | Path] = [
            binary,
            f"-promscrape.config={_write_yaml(folder / 'vmagent.yml', _scraping(scrape_target))}",
            f"-remoteWrite.url={write_url}",
            f"-remoteWrite.tmpDataPath={folder / 'waiting'}",
            f"-httpListenAddr=127.0.0.1:{port}",
        ]
        super().__init__(command, port)


class PrometheusAgent(Server):
    """A Prometheus in agent mode, which does the same."""

    def __init__(self, folder: Path, scrape_target: str, write_url: str, *, binary: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        config = {**_scraping(scrape_target), "remote_write": [{"url": write_url}]}
        old = " 2." in subprocess.run([binary, "--version"], capture_output=True, text=True).stdout[:30]
        mode = "--enable-feature=agent" if old else "--agent"
        command: list[str | Path] = [
            binary,
            mode,
            f"--config.file={_write_yaml(folder / 'agent.yml', config)}",
            f"--storage.agent.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        super().__init__(command, port)


class VmAlert(Server):
    """A vmalert with the rules of a folder, which asks and writes to a VictoriaMetrics, and tells nobody."""

    def __init__(self, rules: Path, store_url: str, *, binary: Path) -> None:
        port = free_port()
        command: list[str | Path] = [
            binary,
            f"-rule={rules}/*.yml",
            f"-datasource.url={store_url}",
            f"-remoteWrite.url={store_url}",
            f"-remoteRead.url={store_url}",
            "-remoteWrite.flushInterval=200ms",
            "-notifier.blackhole",
            f"-httpListenAddr=127.0.0.1:{port}",
        ]
        super().__init__(command, port)

    def firing(self) -> dict[str, list[dict[str, Any]]]:
        """The alerts that fire, by their names."""
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in self.get("/api/v1/alerts").json()["data"]["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["name"], []).append(alert)
        return found


class Alertmanager(Server):
    """A real Alertmanager, alone, with the given configuration and its own empty storage under `folder`."""

    def __init__(self, folder: Path, config_file: Path, *, binary: Path) -> None:
        port = free_port()
        super().__init__(
            [
                binary,
                f"--config.file={config_file}",
                f"--storage.path={folder / 'alertmanager-data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            port,
        )

    def look_again(self, groups: int = 1) -> None:
        """Until all has been told that there is to tell of so many groups, which are all that fire."""
        # It asks for what was told before at the beginning of each look at a group; the second look begins
        # when the first one's notification is over.
        self.wait_for_more(FLUSHES, 2 * groups)

    def wait_for_the_end(self) -> None:
        """Until it has no group left to tell of, which it notices within half a minute."""
        eventually(lambda: self.total("alertmanager_dispatcher_aggregation_groups") == 0)


def clustered(folder: Path, config: Path, own: int, peer: int, binary: str | Path, *options: str) -> Server:
    """An Alertmanager that talks to another one, by their ports of the cluster."""
    port = free_port()
    command = [
        binary,
        f"--config.file={config}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--cluster.listen-address=127.0.0.1:{own}",
        f"--cluster.advertise-address=127.0.0.1:{own}",
        f"--cluster.peer=127.0.0.1:{peer}",
        *options,
    ]
    return Server(command, port)


def _static(target: str) -> dict[str, Any]:
    return {"static_configs": [{"targets": [target]}]}


def _scraping(target: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "llmtrain", **_static(target)}],
    }


def _write_yaml(path: Path, content: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False))
    return path


def _plain(metric: dict[str, str]) -> dict[str, str]:
    return {label: value for label, value in metric.items() if label not in ("__name__", "job")}
