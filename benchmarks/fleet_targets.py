"""A hundred exporters in one program: targets of their own, whose runs truly grow.

    python -m benchmarks.fleet_targets --port 9848 --targets 100 --runs 100 --live 1

The samples are those of the package for logs of `generate.py`, record after record, and each target has the
package's own exposition. Target n is 127.0.1.n, so that an address is one exporter. Each live run writes a
record each 12 seconds at a moment of its own; the first of each target breaks after a while. `/breaks` says
when: Unix times by instance.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from llmtrain_exporter.analyse.checks import check_samples
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialects.swift import Swift
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.model import HyperParameters, Record, Series
from llmtrain_exporter.serve.deflate import gzip_pieces
from llmtrain_exporter.serve.exposition import Exposition

from benchmarks import generate

KINDS = 8  # of runs whose logs differ; others of a kind write the same at other times
KNOWN = 40  # records that a log has when everything begins
FINISHED_ROWS = 100
STEP = generate.STEP_SECONDS
TIMES = "_timestamp_seconds"
BROKEN = {"kl": 40.0, "grad_norm": 90.0, "reward": 0.1, "completions/mean_length": 1000.0}
"""What a run that breaks writes from then on."""

Samples = Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class Size:
    """How many targets, runs of each, the share of runs that train, and for how long it lasts.

    `breaks`: seconds after the start at which a run of each target breaks.
    """

    targets: int
    runs: int
    live: float
    seconds: float
    breaks: float

    @property
    def living(self) -> int:
        """Runs of a target that train."""
        return max(1, round(self.runs * self.live))


class Life:
    """The samples of a run after each record, from the `KNOWN`th on; times are seconds since it began."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._run = Run(RunOptions(), HyperParameters())
        self._reader = Swift(Normaliser())
        self.states = [
            state for at, line in enumerate(lines, 1) if (state := self._state(at, line)) and at >= KNOWN
        ]

    def _state(self, at: int, line: str) -> Samples:
        for one in self._reader.read(line.encode()):
            if isinstance(one, Record):
                self._run.fold(one, at * STEP)
        snapshot = self._run.snapshot("", "", SWIFT, at * STEP)
        return {**snapshot.samples, **check_samples(snapshot)}

    def after(self, records: int, began: float) -> Samples:
        """What is exposed when so many more records have come, of a run that began at a Unix time."""
        state = self.states[min(records, len(self.states) - 1)]
        return {one: value + began if _is_time(one.metric) else value for one, value in state.items()}


@cache
def _is_time(metric: Metric) -> bool:
    return metric.name.endswith(TIMES)


@cache
def life(kind: int, records: int, broken_from: int | None = None) -> Life:
    """A log of that kind with so many records, which breaks behind one of them."""
    rows = generate.rows(records, seed=kind)
    return Life(_broken(row) if broken_from and at > broken_from else row for at, row in enumerate(rows, 1))


@cache
def finished(kind: int) -> Life:
    """A log that has come to its end."""
    return Life(generate.rows(FINISHED_ROWS, seed=kind, total=FINISHED_ROWS))


def _broken(row: str) -> str:
    return json.dumps({**json.loads(row), **BROKEN})


class Exporter:
    """One target: its runs, and what a scrape of it answers."""

    def __init__(self, number: int, size: Size, started: float) -> None:
        self.number = number
        self._started = started
        self._exposition = Exposition()
        self._shown: dict[int, int] = {}  # records of each run that were published
        self._lock = threading.Lock()  # one scrape at a time lets runs grow
        records = KNOWN + int(size.seconds / STEP) + 2
        breaks = KNOWN + int(size.breaks / STEP)
        self._lives = [life(run % KINDS, records, None if run else breaks) for run in range(size.living)]
        self.breaks_at = started + (breaks - KNOWN + 1) * STEP - self._phase(0)
        for run in range(size.living, size.runs):
            samples = finished(run % KINDS).after(FINISHED_ROWS, started - 86400 - FINISHED_ROWS * STEP)
            self._exposition.publish(self._name(run), samples, shrunk=True)

    def scrape(self, now: float) -> bytes:
        """The body, as OpenMetrics in gzip, at a Unix time."""
        with self._lock:
            for run, lived in enumerate(self._lives):
                records = int((now - self._started + self._phase(run)) / STEP)
                if self._shown.get(run) != records:
                    self._shown[run] = records
                    began = self._started - self._phase(run) - KNOWN * STEP
                    self._exposition.publish(self._name(run), lived.after(records, began))
            return b"".join(gzip_pieces(self._exposition.deflated(openmetrics=True), b"# EOF\n"))

    def _name(self, run: int) -> str:
        return generate.log_path(Path(), run).parent.as_posix()

    def _phase(self, run: int) -> float:
        """Seconds since its last record at the start: each run has its own."""
        return (self.number * 7 + run * 5) % int(STEP)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Target

    def do_GET(self) -> None:
        if self.path == "/breaks":
            self._answer(json.dumps(self.server.breaks).encode(), "application/json", {})
        else:
            body = self.server.exporter.scrape(time.time())
            kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
            self._answer(body, kind, {"Content-Encoding": "gzip"})

    def _answer(self, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Target(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, exporter: Exporter, port: int, breaks: Mapping[str, float]) -> None:
        super().__init__((address(exporter.number), port), _Handler)
        self.exporter = exporter
        self.breaks = breaks


def address(number: int) -> str:
    """Where a target listens."""
    return f"127.0.1.{number + 1}"


def instance(number: int) -> str:
    """What a target is called."""
    return f"gpu-{number:03d}:9848"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the program is ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_targets", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--runs", type=int, default=100, help="of each target")
    parser.add_argument(
        "--live", type=float, default=1.0, help="share of the runs that train; others have ended"
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--breaks", type=float, default=360.0)
    chosen = parser.parse_args(arguments)
    size = Size(chosen.targets, chosen.runs, chosen.live, chosen.seconds, chosen.breaks)
    started = time.time()
    exporters = [Exporter(number, size, started) for number in range(size.targets)]
    breaks = {instance(exporter.number): exporter.breaks_at for exporter in exporters}
    for exporter in exporters:
        target = _Target(exporter, chosen.port, breaks)
        threading.Thread(target=target.serve_forever, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
