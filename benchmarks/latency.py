"""How long after a row was appended a scrape shows it, among one and among many files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from benchmarks import watchers
from benchmarks.bench import Bench
from benchmarks.peers import mtail
from benchmarks.probe import Probe
from benchmarks.report import Row, Table, Target, costs
from benchmarks.watchers import MTAIL, OURS, Watcher

NO_LATER = Target(1.0)
ROWS = 10  # of each log before anything is appended


def measure(bench: Bench) -> tuple[Table, ...]:
    """A table for one file, for many and for very many."""
    sizes = bench.sizes
    appends = {1: sizes.appends, sizes.few_runs: sizes.appends, sizes.many_runs: sizes.appends_among_many}
    return tuple(_table(bench, runs, count) for runs, count in appends.items())


def _table(bench: Bench, runs: int, appends: int) -> Table:
    found = _race(bench, runs, appends)
    rows: list[Row] = []
    for share, at, target in (("p99", 0.99, NO_LATER), ("p50", 0.5, None)):
        mine, *other = (1e3 * quantile(figures, at) for figures in found.values())
        rival = (f"{MTAIL}, {share}", other[0] if other else None, target)
        rows += costs("ms", (f"{OURS}, {share}", mine), [rival])
    note = f"By the clock, {appends} appends each; every scrape shows all files."
    return Table(f"append to visible, {runs:,} watched files", tuple(rows), (note,))


def _race(bench: Bench, runs: int, appends: int) -> dict[str, list[float]]:
    """Seconds of each append, by contestant, ours first. Each has its own files: only one is at work."""
    contestants = [watchers.ours(), *([watchers.tailing(bench.folder)] if mtail.installed() else [])]
    with ExitStack() as stack:
        probes = {one.name: _probe(bench, stack, one, runs) for one in contestants}
        found: dict[str, list[float]] = {name: [] for name in probes}
        for _ in range(appends):
            for name, probe in probes.items():
                found[name].append(probe())
    return found


def _probe(bench: Bench, stack: ExitStack, one: Watcher, runs: int) -> Callable[[], float]:
    root = stack.enter_context(bench.runs(runs, ROWS, name=one.name))
    probe = Probe(stack.enter_context(one.watch(root, runs)), root, runs, ROWS)
    stack.callback(probe.close)
    return probe


def quantile(figures: Sequence[float], share: float) -> float:
    """The smallest figure that so large a share of them does not exceed."""
    return sorted(figures)[math.ceil(share * len(figures)) - 1]
