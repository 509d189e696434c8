"""How many rows of one long log a second of one core takes in, from a fresh process to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import floors, generate, watchers
from benchmarks.bench import Bench
from benchmarks.measure import ContestantError, Ran, cpu_of, interleave, run
from benchmarks.peers import mtail
from benchmarks.report import Row, Table, Target, rates
from benchmarks.watchers import MTAIL, PLAIN

WHOLE_TO_MTAIL, WHOLE_TO_PLAIN, WHOLE_TO_PARSED = Target(4.0), Target(6.0), Target(0.25)
PARSING_TO_MTAIL = Target(4.0)

WHOLE = "whole analysis: exporter check"
PARSING = "parse, normalise and expose only"
LINES, PARSED = "floor: count newlines", "floor: orjson, row by row"


def measure(bench: Bench) -> tuple[Table, ...]:
    """The tables of the whole analysis, and of its first part alone."""
    rate = whole(bench)
    title = f"rows per second of one core, {bench.sizes.catch_up_rows:,} rows"
    return (
        Table(title, _rows(rate, WHOLE, WHOLE_TO_MTAIL, WHOLE_TO_PLAIN, WHOLE_TO_PARSED)),
        Table(f"{title}, without the analysis", _rows(rate, PARSING, PARSING_TO_MTAIL)),
    )


def whole(bench: Bench) -> Mapping[str, float]:
    """Rows per second of processor time, by contestant."""
    return bench.once(("catch_up",), lambda: _race(bench))


def _race(bench: Bench) -> dict[str, float]:
    rows = bench.sizes.catch_up_rows
    with bench.runs(1, rows) as root:
        seconds = interleave(_contestants(root, rows, bench.folder), bench.sizes.rounds)
    return {name: rows / taken for name, taken in seconds.items()}


def _contestants(root: Path, rows: int, folder: Path) -> dict[str, Callable[[], float]]:
    log, programs = generate.log_path(root, 0), mtail.write_program(folder / "programs")
    last = next(generate.rows(1, first=rows))
    found: dict[str, Callable[[], float]] = {
        WHOLE: lambda: _analysed(run(watchers.check(log), accept=watchers.VERDICTS), rows),
        PARSING: lambda: _to_the_end(run(watchers.ingest(log)), last),
        PLAIN: lambda: _to_the_end(run(watchers.plain(root)), last),
        LINES: lambda: cpu_of(lambda: floors.newlines(log)),
        PARSED: lambda: cpu_of(lambda: floors.parsed(log)),
    }
    if mtail.installed():
        found[MTAIL] = lambda: _to_the_end(run(mtail.one_shot(root, programs), mtail.ONE_CORE), last)
    return found


def _analysed(ran: Ran, rows: int) -> float:
    """Processor seconds of `check`, which must have read every row."""
    try:
        (found,) = json.loads(ran.output)["runs"]
    except ValueError:
        raise ContestantError("`exporter check` gave no verdict on the log") from None
    if found["records"]["train"] != rows:
        raise ContestantError(f"`exporter check` read {found['records']['train']} of {rows} rows")
    return ran.cpu


def _to_the_end(ran: Ran, last: str) -> float:
    """Processor seconds of a contestant, which must show the last row's kl."""
    if f" {json.loads(last)['kl']!r}\n".encode() not in ran.output:
        raise ContestantError("a contestant did not read the log to its end")
    return ran.cpu


def _rows(
    rate: Mapping[str, float],
    ours: str,
    mtails: Target,
    plains: Target | None = None,
    parseds: Target | None = None,
) -> tuple[Row, ...]:
    others = [
        (MTAIL, rate.get(MTAIL), mtails),
        (PLAIN, rate[PLAIN], plains),
        (PARSED, rate[PARSED], parseds),
        (LINES, rate[LINES], None),
    ]
    return rates("rows/s", (ours, rate[ours]), others)
