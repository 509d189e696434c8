"""Ten times the runs cost hardly more than ten times as much."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import scrape, watchers
from benchmarks.bench import Bench
from benchmarks.life import life
from benchmarks.memory import MB, per_run
from benchmarks.report import Row, Table, Target, ratio

GROWTH = Target(11.0, at_most=True)


def measure(bench: Bench) -> tuple[Table, ...]:
    """One table: each cost at few and at many runs."""
    runs = bench.sizes.few_runs, bench.sizes.many_runs
    rows = [
        row for what, unit, cost in COSTS for row in _rows(what, unit, runs, [cost(bench, n) for n in runs])
    ]
    note = "Ratio: what many runs cost to what few cost. Catch-up and memory without what no runs cost."
    return (Table(f"from {runs[0]:,} to {runs[1]:,} runs", tuple(rows), (note,)),)


def _rows(what: str, unit: str, runs: tuple[int, int], costs: list[float]) -> tuple[Row, Row]:
    few, many = (f"{what}, {number:,} runs" for number in runs)
    return Row(few, costs[0], unit), Row(many, costs[1], unit, ratio(costs[1], costs[0]), GROWTH)


def _catch_up(bench: Bench, runs: int) -> float:
    return life(bench, watchers.ours(), runs).catch_up - life(bench, watchers.ours(), 0).catch_up


def _scrape(bench: Bench, runs: int) -> float:
    return 1e3 * scrape.ours(bench, runs)


def _idle(bench: Bench, runs: int) -> float:
    return 100 * life(bench, watchers.ours(), runs).idle


def _memory(bench: Bench, runs: int) -> float:
    return per_run(bench, watchers.ours(), runs) * runs / MB


COSTS: tuple[tuple[str, str, Callable[[Bench, int], float]], ...] = (
    ("catch-up", "s of a core", _catch_up),
    ("scrape, a tenth changed", "ms of a core", _scrape),
    ("idle", "% of a core", _idle),
    ("memory", "MB", _memory),
)
