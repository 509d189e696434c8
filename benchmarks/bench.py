"""What every benchmark is given: a folder, the sizes, and what was measured before in the same run."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import generate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    rounds: int
    catch_up_rows: int
    few_runs: int
    many_runs: int
    rows_per_run: int  # of a run that is watched
    scrape_series: int  # of a run that is scraped
    wide_series: int  # of one that logs all that can be logged
    appends: int  # for each contestant, among few files
    appends_among_many: int  # where each scrape takes as long as a hundred of them: the p99 is the slowest
    settle_seconds: float  # after a scrape, before anything is called idle
    idle_seconds: float
    start_runs: int
    start_rows: int  # of each of them
    log_bytes: tuple[int, int]  # of a small and of a large log


FULL = Sizes(
    rounds=3,
    catch_up_rows=200_000,
    few_runs=1_000,
    many_runs=10_000,
    rows_per_run=100,
    scrape_series=60,
    wide_series=180,
    appends=120,
    appends_among_many=40,
    settle_seconds=3.0,
    idle_seconds=30.0,
    start_runs=1_000,
    start_rows=1_000,
    log_bytes=(1_000_000, 100_000_000),
)
QUICK = Sizes(
    rounds=1,
    catch_up_rows=50_000,
    few_runs=300,
    many_runs=3_000,
    rows_per_run=100,
    scrape_series=60,
    wide_series=180,
    appends=20,
    appends_among_many=10,
    settle_seconds=3.0,
    idle_seconds=20.0,
    start_runs=200,
    start_rows=500,
    log_bytes=(1_000_000, 20_000_000),
)


@dataclass(frozen=True)
class Bench:
    """One run of the benchmarks, alone in `folder`."""

    folder: Path
    sizes: Sizes
    _found: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def once(self, key: tuple[object, ...], measure: Callable[[], T]) -> T:
        """What `measure` found the first time that it was asked for by this key."""
        if key not in self._found:
            self._found[key] = measure()
        found: T = self._found[key]
        return found

    @contextlib.contextmanager
    def runs(self, runs: int, rows: int, *, finished: bool = False, name: str = "runs") -> Iterator[Path]:
        """A folder with so many runs of so many rows, for as long as the block lasts."""
        root = self.folder / name
        root.mkdir()
        try:
            generate.write_runs(root, runs, rows, finished=finished)
            yield root
        finally:
            shutil.rmtree(root)
