"""One life of a contestant: started on a folder that nobody writes to, scraped once, then left alone."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.measure import Server
from benchmarks.probe import Probe, plain
from benchmarks.watchers import Watcher


@dataclass(frozen=True, slots=True)
class Life:
    """What it took."""

    catch_up: float  # processor seconds from the start until every run was there
    idle: float  # share of a core, discovery of new runs included; not measured without any run
    rss: int  # resident bytes at the end, after a scrape
    series: int  # in that scrape


def life(bench: Bench, watcher: Watcher, runs: int, *, finished: bool = False) -> Life:
    """The life of a contestant with so many runs, lived once for all who ask. Raises ContestantError."""
    return bench.once(("life", watcher.name, runs, finished), lambda: _live(bench, watcher, runs, finished))


def _live(bench: Bench, watcher: Watcher, runs: int, finished: bool) -> Life:
    rows = bench.sizes.rows_per_run
    with bench.runs(runs, rows, finished=finished) as root, watcher.watch(root, runs) as server:
        catch_up = server.cpu
        series = _samples(server.get("/metrics", **{"Accept-Encoding": "gzip"}))
        if not runs:
            return Life(catch_up, 0.0, server.rss, series)
        # Who does not see a new row after its start is not idle but blind.
        with closing(Probe(server, root, runs, rows)) as probe:
            probe()
        time.sleep(bench.sizes.settle_seconds)
        return Life(catch_up, _share(server, bench.sizes.idle_seconds), server.rss, series)


def _samples(body: bytes) -> int:
    """How many lines of a scrape are samples."""
    text = plain(body)
    return text.count(b"\n") - (b"\n" + text).count(b"\n#")


def _share(server: Server, seconds: float) -> float:
    """The share of a core that a program takes while the clock goes on by so many seconds."""
    cpu, clock = server.cpu, time.monotonic()
    time.sleep(seconds)
    return (server.cpu - cpu) / (time.monotonic() - clock)
