"""What it costs to watch runs that write nothing, the search for new runs included."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import floors, generate, watchers
from benchmarks.bench import Bench
from benchmarks.life import life
from benchmarks.measure import cpu_of
from benchmarks.report import Compared, Table, Target, costs
from benchmarks.watchers import MTAIL, OURS, PLAIN

LIMITS = {1_000: Target(0.8, at_most=True), 10_000: Target(4.0, at_most=True)}  # up to so many runs
LOOKS = 20  # for one figure
LOOK_SECONDS, WALK_SECONDS = 1.0, 10.0  # intervals of the floor: slower than this would be felt


def measure(bench: Bench) -> tuple[Table, ...]:
    """A table for few and for many runs."""
    return tuple(_table(bench, runs) for runs in (bench.sizes.few_runs, bench.sizes.many_runs))


def _table(bench: Bench, runs: int) -> Table:
    mine = 100 * life(bench, watchers.ours(), runs).idle
    found = {peer.name: 100 * life(bench, peer, runs).idle for peer in watchers.peers(bench.folder)}
    others: list[Compared] = [(name, found.get(name), None) for name in (MTAIL, PLAIN)]
    others.append(("floor: seeks and walks", 100 * _floor(bench, runs), None))
    rows = costs("% of a core", (OURS, mine), others, _limit(runs))
    note = (
        f"Floor: a seek in each log every {LOOK_SECONDS:g} s, a walk of the folders every {WALK_SECONDS:g} s."
    )
    return Table(f"{runs:,} quiet runs, {bench.sizes.idle_seconds:g} s", rows, (note,))


def _limit(runs: int) -> Target:
    return next(limit for most, limit in LIMITS.items() if runs <= most)


def _floor(bench: Bench, runs: int) -> float:
    with bench.runs(runs, 1) as root, ExitStack() as stack:
        logs = [stack.enter_context(generate.log_path(root, run).open("rb")) for run in range(runs)]
        descriptors = [log.fileno() for log in logs]
        look = cpu_of(lambda: [floors.looked_at(descriptors) for _ in range(LOOKS)]) / LOOKS
        walk = cpu_of(lambda: [floors.walked(str(root)) for _ in range(LOOKS)]) / LOOKS
    return look / LOOK_SECONDS + walk / WALK_SECONDS
