"""A start in front of many finished runs, and of runs that are too old to matter."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from benchmarks import catch_up, generate, watchers
from benchmarks.bench import Bench
from benchmarks.measure import ContestantError, Server, run
from benchmarks.peers import mtail
from benchmarks.report import Compared, Row, Table, Target, rates
from benchmarks.watchers import MTAIL, OURS, PLAIN

TO_MTAIL, TO_PLAIN = Target(2.0), Target(3.0)
TO_CATCH_UP = Target(0.9)  # a tenth for opening a thousand logs, each with its arguments and its summary
OLD_RUNS, FRESH_RUNS, ROWS = 50, 5, 100
IGNORE_OLDER, DAY = "7d", 86400.0
READ_BYTES = "llmtrain_exporter_read_bytes_total"


@dataclass(frozen=True, slots=True)
class Start:
    """A start until it was ready."""

    cpu: float
    wall: float


def measure(bench: Bench) -> tuple[Table, ...]:
    """The tables of finished runs and of old ones."""
    return _finished(bench), _old(bench)


def _finished(bench: Bench) -> Table:
    runs, rows = bench.sizes.start_runs, bench.sizes.start_rows
    with bench.runs(runs, rows, finished=True) as root:
        mine = _start(root, runs, rows)
        peers = _peers(root, bench.folder)
    total = runs * rows
    others: list[Compared] = [
        ("one long log: exporter check", catch_up.whole(bench)[catch_up.WHOLE], TO_CATCH_UP),
        (MTAIL, total / peers[MTAIL] if MTAIL in peers else None, TO_MTAIL),
        (PLAIN, total / peers[PLAIN], TO_PLAIN),
    ]
    found = rates("rows/s", (OURS, total / mine.cpu), others)
    note = f"Ready and complete after {mine.wall:.1f} s by the clock."
    return Table(f"{runs:,} finished runs of {rows:,} rows, until ready", found, (note,))


def _start(root: Path, runs: int, rows: int) -> Start:
    started = time.monotonic()
    with watchers.ours().watch(root, runs) as server:
        start = Start(server.cpu, time.monotonic() - started)
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


def _peers(root: Path, folder: Path) -> dict[str, float]:
    """Processor seconds of the others for the same logs."""
    taken = {PLAIN: run(watchers.plain(root)).cpu}
    if mtail.installed():
        taken[MTAIL] = run(mtail.one_shot(root, mtail.write_program(folder / "programs")), mtail.ONE_CORE).cpu
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
