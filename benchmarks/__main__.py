"""`python -m benchmarks`: runs the benchmarks, prints their tables, exits with 1 if a target is missed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import catch_up, footprint, growth, idle, latency, memory, scrape, start
from benchmarks.bench import FULL, QUICK, Bench
from benchmarks.measure import ContestantError, allow_open_files
from benchmarks.peers import mtail
from benchmarks.report import Result, Table, fill_in

BENCHMARKS: dict[str, Callable[[Bench], tuple[Table, ...]]] = {
    "catch_up": catch_up.measure,
    "scrape": scrape.measure,
    "latency": latency.measure,
    "idle": idle.measure,
    "memory": memory.measure,
    "start": start.measure,
    "growth": growth.measure,
    "footprint": footprint.measure,
}
README = Path(__file__).parent / "README.md"
DESCRIPTORS_SPARED = 500


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; its exit code."""
    chosen = _parser().parse_args(arguments)
    sizes = QUICK if chosen.quick else FULL
    where = _where(chosen.quick)
    print(where, flush=True)
    if not mtail.installed():
        print(mtail.INSTALL, flush=True)
    if allow_open_files() < sizes.many_runs + DESCRIPTORS_SPARED:
        print(f"The limit of open files is too low for {sizes.many_runs:,} logs: mtail will not see all.")
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=chosen.folder) as folder:
        bench = Bench(Path(folder), sizes)
        results = [_run(bench, name) for name in chosen.only or BENCHMARKS]
    if chosen.json:
        _write_json(Path(chosen.json), where, results)
    if chosen.markdown:
        README.write_text(fill_in(README.read_text("utf-8"), results, where), "utf-8")
    required = os.environ.get("REQUIRE_REAL") == "1"
    return int(any(result.failed(required) for result in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="small sizes: a look, not a verdict")
    names = ", ".join(BENCHMARKS)
    add("--only", action="append", choices=BENCHMARKS, metavar="NAME", help=f"{names}; can be given again")
    add("--json", metavar="FILE", help="also write the figures there")
    add("--markdown", action="store_true", help="also put the tables into benchmarks/README.md")
    add("--folder", metavar="DIR", help="where to put generated logs, 3 GB (default: the temporary folder)")
    return parser


def _run(bench: Bench, name: str) -> Result:
    try:
        result = Result(name, BENCHMARKS[name](bench))
    except ContestantError as error:
        result = Result(name, (), str(error))
    print("\n" + result.text(), end="", flush=True)
    return result


def _where(quick: bool) -> str:
    """What it runs on, as far as a ratio depends on it."""
    parts = [f"{os.cpu_count()} cores", f"Python {platform.python_version()}"]
    if mtail.installed():
        said = subprocess.run(["mtail", "--version"], capture_output=True, text=True, check=False)
        parts.append(" ".join((said.stdout or said.stderr).split()[:3]))
    return ", ".join([*parts, *(["small sizes"] if quick else [])])


def _write_json(path: Path, where: str, results: Iterable[Result]) -> None:
    content = {"where": where, "benchmarks": [result.json() for result in results]}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
