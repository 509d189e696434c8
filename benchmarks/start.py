"""A start in front of many finished runs, the first and the next, and of runs that are too old to matter."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmtrain_exporter.serve.reading_processes import cores
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import catch_up, generate, watchers
from benchmarks.bench import Bench
from benchmarks.measure import ContestantError, Server, run
from benchmarks.peers import mtail
from benchmarks.report import Compared, Row, Table, Target, rates
from benchmarks.watchers import MTAIL, OURS, PLAIN

TO_MTAIL, TO_PLAIN = Target(2.0), Target(3.0)
BY_THE_CLOCK = Target(3.0)
RESTART_SECONDS, RESTARTED_RUNS = 5.0, 10_000
TO_CATCH_UP = Target(0.9)  # a tenth for opening a thousand logs, each with its arguments and its summary
OLD_RUNS, FRESH_RUNS, ROWS = 50, 5, 100
IGNORE_OLDER, DAY = "7d", 86400.0
SILENT_SECONDS = 60.0
READ_BYTES = "llmtrain_exporter_read_bytes_total"


@dataclass(frozen=True, slots=True)
class Start:
    """A start until it was ready."""

    cpu: float
    wall: float
    read: float = 0.0  # bytes of logs


def measure(bench: Bench) -> tuple[Table, ...]:
    """The tables of finished runs, of a restart in front of them, and of old ones."""
    return *_finished(bench), _restart(bench), _old(bench)


def _finished(bench: Bench) -> tuple[Table, Table]:
    runs, rows = bench.sizes.start_runs, bench.sizes.start_rows
    with bench.runs(runs, rows, finished=True) as root:
        shutil.rmtree(watchers.state_folder(root), ignore_errors=True)
        _let_pass(root, runs)
        mine = _start(root, runs, rows)
        peers = _peers(root, bench.folder)
    total = runs * rows
    plain = peers[PLAIN]
    others: list[Compared] = [
        ("one long log: exporter check", catch_up.whole(bench)[catch_up.WHOLE], TO_CATCH_UP),
        (MTAIL, total / peers[MTAIL].cpu if MTAIL in peers else None, TO_MTAIL),
        (PLAIN, total / plain.cpu, TO_PLAIN),
    ]
    found = rates("rows/s", (OURS, total / mine.cpu), others)
    clock = rates("rows/s", (OURS, total / mine.wall), [(PLAIN, total / plain.wall, BY_THE_CLOCK)])
    title = f"{runs:,} finished runs of {rows:,} rows, until ready"
    note = f"Ready and complete after {mine.wall:.1f} s; {cores()} cores."
    return Table(title, found), Table(f"{title}, by the clock", clock, (note,))


def _restart(bench: Bench) -> Table:
    """How long their logs are makes no difference: none is read."""
    runs, rows = bench.sizes.many_runs, bench.sizes.rows_per_run
    with bench.runs(runs, rows, finished=True) as root:
        shutil.rmtree(watchers.state_folder(root), ignore_errors=True)
        _let_pass(root, runs)
        with watchers.ours().watch(root, runs):
            pass
        again = _start(root, runs, rows)
    seconds = RESTART_SECONDS * runs / RESTARTED_RUNS
    found = (
        Row("ready, by the clock", again.wall, "s", target=Target(seconds, at_most=True)),
        Row("processor time", again.cpu, "s"),
        Row("bytes of logs read", again.read, "bytes", target=Target(0.0, at_most=True)),
    )
    return Table(f"{runs:,} finished runs, after a restart", found)


def _let_pass(root: Path, runs: int) -> None:
    """A run is over when its log has been silent for a while."""
    a_while_ago = time.time() - SILENT_SECONDS
    for number in range(runs):
        os.utime(generate.log_path(root, number), (a_while_ago, a_while_ago))


def _start(root: Path, runs: int, rows: int) -> Start:
    started = time.monotonic()
    with watchers.ours().watch(root, runs) as server:
        wall = time.monotonic() - started
        start = Start(server.cpu, wall, _value(server, READ_BYTES))
        found = _records(server)
        wrong = [name for name, count in found.items() if count != rows]
        if len(found) != runs or wrong:
            raise ContestantError(f"ready with {len(found)} of {runs} runs, {len(wrong)} of them incomplete")
        return start


def _records(server: Server) -> Mapping[str, float]:
    """Training rows by run, as exposed."""
    wanted = ("llmtrain_records_total", "# TYPE llmtrain_records_total")
    lines = [line for line in _metrics(server).splitlines() if line.startswith(wanted)]
    families = text_string_to_metric_families("\n".join(lines) + "\n")
    samples = [sample for family in families for sample in family.samples]
    return {one.labels["run"]: one.value for one in samples if one.labels.get("kind") == "train"}


def _peers(root: Path, folder: Path) -> dict[str, Start]:
    """What the others take for the same logs."""
    started = time.monotonic()
    cpu = run(watchers.plain(root)).cpu
    taken = {PLAIN: Start(cpu, time.monotonic() - started)}
    if mtail.installed():
        started = time.monotonic()
        cpu = run(mtail.one_shot(root, mtail.write_program(folder / "programs")), mtail.ONE_CORE).cpu
        taken[MTAIL] = Start(cpu, time.monotonic() - started)
    return taken


def _old(bench: Bench) -> Table:
    with bench.runs(OLD_RUNS + FRESH_RUNS, ROWS) as root:
        logs = [generate.log_path(root, number) for number in range(OLD_RUNS + FRESH_RUNS)]
        long_ago = time.time() - 30 * DAY
        for log in logs[:OLD_RUNS]:
            os.utime(log, (long_ago, long_ago))
        fresh = sum(log.stat().st_size for log in logs[OLD_RUNS:])
        with watchers.ours().watch(root, FRESH_RUNS, "--ignore-older", IGNORE_OLDER) as server:
            read = _value(server, READ_BYTES)
    rows = (
        Row("fresh logs, bytes written", fresh, "bytes"),
        Row("fresh logs, bytes read", read, "bytes", read / fresh, Target(1.0)),
        Row("old logs, bytes read", max(0.0, read - fresh), "bytes", target=Target(0.0, at_most=True)),
    )
    return Table(
        f"{OLD_RUNS} runs older than {IGNORE_OLDER}, which are ignored, and {FRESH_RUNS} fresh ones", rows
    )


def _value(server: Server, name: str) -> float:
    for line in _metrics(server).splitlines():
        if line.startswith((name + " ", name + "{")):
            return float(line.rpartition(" ")[2])
    raise ContestantError(f"/metrics has no {name}")


def _metrics(server: Server) -> str:
    return server.get("/metrics", Accept="text/plain").decode()
