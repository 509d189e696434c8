"""Memory: of a watched run, of a finished one, and of a long log beside a short one."""

from __future__ import annotations

from benchmarks import generate, watchers
from benchmarks.bench import Bench
from benchmarks.life import life
from benchmarks.report import Compared, Row, Table, Target, costs
from benchmarks.watchers import MTAIL, OURS, PLAIN, Watcher

LIVE, FINISHED = Target(40.0, at_most=True), Target(6.0, at_most=True)
SAME = Target(1.05, at_most=True)  # a twentieth is what two equal starts can differ by
NO_MORE = Target(1.0)
WINDOW, METRICS, SERIES = 100, 25, 60  # records, metrics and series in the floors
KB, MB = 1e3, 1e6


def measure(bench: Bench) -> tuple[Table, ...]:
    """The tables of live runs, of what each of their series takes, of finished runs and of long logs."""
    return _live(bench), _per_series(bench), _finished(bench), _long_log(bench)


def per_run(bench: Bench, watcher: Watcher, runs: int, *, finished: bool = False) -> float:
    """Resident bytes that each run adds."""
    return (life(bench, watcher, runs, finished=finished).rss - life(bench, watcher, 0).rss) / runs


def _live(bench: Bench) -> Table:
    runs = bench.sizes.many_runs
    found = {peer.name: per_run(bench, peer, runs) / KB for peer in watchers.peers(bench.folder)}
    others: list[Compared] = [(name, found.get(name), None) for name in (MTAIL, PLAIN)]
    others.append(("floor: window and last values", (WINDOW * METRICS * 4 + SERIES * 8) / KB, None))
    rows = costs("KB/run", (OURS, per_run(bench, watchers.ours(), runs) / KB), others, LIVE)
    note = f"Floor: {METRICS} metrics of {WINDOW} records as float32 and {SERIES} last values as float64."
    return Table(f"{runs:,} live runs of {bench.sizes.rows_per_run} rows", rows, (note,))


def _per_series(bench: Bench) -> Table:
    """A run that shows three times as much may take more, as long as each series takes no more."""
    runs = bench.sizes.many_runs
    contestants = (watchers.ours(), *watchers.peers(bench.folder))
    shown = {one.name: _series(bench, one, runs) for one in contestants}
    found = {one.name: per_run(bench, one, runs) / shown[one.name] for one in contestants}
    others: list[Compared] = [(name, found.get(name), NO_MORE) for name in (MTAIL, PLAIN)]
    rows = costs("bytes/series", (OURS, found[OURS]), others)
    note = "Series of a run: " + ", ".join(f"{name} {count:.0f}" for name, count in shown.items()) + "."
    return Table(f"{runs:,} live runs, by what is exposed of them", rows, (note,))


def _series(bench: Bench, watcher: Watcher, runs: int) -> float:
    """How many series a scrape has of each run."""
    return (life(bench, watcher, runs).series - life(bench, watcher, 0).series) / runs


def _finished(bench: Bench) -> Table:
    runs = bench.sizes.many_runs
    mine = per_run(bench, watchers.ours(), runs, finished=True) / KB
    rows = costs("KB/run", (OURS, mine), [("floor: last values", SERIES * 8 / KB, None)], FINISHED)
    return Table(f"{runs:,} finished runs of {bench.sizes.rows_per_run} rows", rows)


def _long_log(bench: Bench) -> Table:
    small, large = (_peak(bench, size) / MB for size in bench.sizes.log_bytes)
    names = [f"log of {size / MB:,.0f} MB" for size in bench.sizes.log_bytes]
    rows = Row(names[0], small, "MB"), Row(names[1], large, "MB", large / small, SAME)
    return Table("most memory ever in use", rows, ("Ratio: the long log's to the short log's.",))


def _peak(bench: Bench, size: int) -> float:
    row = len(next(generate.rows(1))) + 1
    with bench.runs(1, size // row) as root, watchers.ours().watch(root, 1) as server:
        return server.peak
