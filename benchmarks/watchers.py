"""The contestants as programs: how each reads a log once, and how it watches a folder."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import generate
from benchmarks.measure import Server, free_port, serving
from benchmarks.peers import mtail

VERDICTS = (0, 1, 2)  # exit codes of `check` that say that a log was read

OURS, MTAIL, PLAIN = "llmtrain-exporter", "mtail", "plain exporter"


def check(log: Path) -> list[str]:
    """Our whole analysis of a log; exit codes VERDICTS."""
    return [sys.executable, "-m", "llmtrain_exporter", "check", str(log), "--format", "json"]


def ingest(log: Path) -> list[str]:
    """Our parsing, normalising and exposing of a log, without the analysis."""
    return [sys.executable, "-m", "benchmarks.ingest", str(log)]


def plain(root: Path) -> list[str]:
    """The plain exporter, once to the end of the logs below `root`."""
    return [sys.executable, "-m", "benchmarks.peers.plain", str(root)]


@dataclass(frozen=True)
class Watcher:
    """A contestant that watches a folder."""

    name: str
    command: Callable[[Path, int], list[str]]
    caught_up: Callable[[Server, int], bool]  # with so many runs
    tails: bool = False  # reads only what is added after its start
    environment: tuple[tuple[str, str], ...] = ()

    @contextlib.contextmanager
    def watch(self, root: Path, runs: int, *options: str) -> Iterator[Server]:
        """Runs it until the end of the block, which begins when it has every run. Raises ContestantError."""
        port = free_port()
        with serving([*self.command(root, port), *options], port, dict(self.environment)) as server:
            if self.tails:
                self._feed(server, root, runs)
            server.until(lambda: self.caught_up(server, runs))
            yield server

    def _feed(self, server: Server, root: Path, runs: int) -> None:
        """A row for each log once all are open, or it would know of none."""
        server.until(lambda: _variable(server, "log_count") >= runs)
        row = next(generate.rows(1))
        for run in range(runs):
            generate.append(generate.log_path(root, run), row)


def state_folder(root: Path) -> Path:
    """Where this exporter keeps what it knows of the runs below `root` for its next start."""
    return root.with_name(f"{root.name}-state")


def ours() -> Watcher:
    """This exporter."""

    def command(root: Path, port: int) -> list[str]:
        return [
            sys.executable,
            "-m",
            "llmtrain_exporter",
            "serve",
            str(root),
            "--listen",
            f"127.0.0.1:{port}",
            "--state-dir",
            str(state_folder(root)),
        ]

    return Watcher(OURS, command, lambda server, _: bool(server.get("/-/ready")))


def peers(folder: Path) -> tuple[Watcher, ...]:
    """The others that are installed; `folder` is for what they need."""

    def command(root: Path, port: int) -> list[str]:
        return [*plain(root), "--port", str(port)]

    def caught_up(server: Server, runs: int) -> bool:
        return server.get("/metrics?name[]=plain_loss").count(b"plain_loss{") >= runs

    one = Watcher(PLAIN, command, caught_up)
    return (tailing(folder), one) if mtail.installed() else (one,)


def tailing(folder: Path) -> Watcher:
    """mtail; its program is put into `folder`."""
    programs = mtail.write_program(folder / "programs")
    return Watcher(
        MTAIL,
        lambda root, port: mtail.serve(root, programs, port),
        lambda server, runs: _variable(server, "lines_total") >= runs,
        tails=True,
    )


def _variable(server: Server, name: str) -> int:
    """A number among mtail's own variables."""
    found = re.search(rf'^"{name}": (\d+)', server.get("/debug/vars").decode(), re.MULTILINE)
    return int(found[1]) if found else 0
