"""`python -m benchmarks.diagnosis`: the tables; exits 1 where a target is missed."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.ingest.dialects import trainer_state

from benchmarks.detection.score import analyse
from benchmarks.diagnosis.planted import Planted, planted_runs
from benchmarks.report import Row, Table, Target

TUNED = (1, 2, 3)
"""Seeds that the weights were looked at with; never reported."""
HELD_OUT = 11
RUNS = 700


def main() -> int:
    """Measure, print, and say whether every target was met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    parser.add_argument("--seed", type=int, default=HELD_OUT, help=f"of the random runs; not {TUNED}")
    parser.add_argument("--runs", type=int, default=RUNS, help="how many random runs")
    parser.add_argument("--misses", action="store_true", help="also name each run that was told otherwise")
    options = parser.parse_args()
    table = measured(options.seed, options.runs, options.misses)
    print(table.text())
    return int(table.failed(require_real=False))


def measured(seed: int, runs: int, misses: bool = False) -> Table:
    """How often the planted cause leads, and how often the advice would have done harm."""
    total, right, harm = Counter[str](), Counter[str](), Counter[str]()
    notes: list[str] = []
    for number, run in enumerate(planted_runs(seed, runs)):
        leading, remedies = told(run)
        total[run.plant] += 1
        right[run.plant] += leading in run.causes
        worse = sorted(run.never & remedies)
        harm[run.plant] += bool(worse)
        if misses and (leading not in run.causes or worse):
            notes.append(f"run {number}, {run.plant}: told {leading}, {worse or 'no harm'}")
    rows = [
        Row("leading cause is the planted one", right.total() / total.total(), "", target=Target(0.9)),
        Row("advice that would have done harm", float(harm.total()), "runs", target=Target(0, at_most=True)),
        *(Row(f"the same of {plant}", right[plant] / count, f"of {count}") for plant, count in total.items()),
    ]
    return Table(f"{runs} random runs with a planted cause, seed {seed}", tuple(rows), tuple(notes))


def told(run: Planted) -> tuple[str | None, frozenset[str]]:
    """The leading cause that is told of a run, and all remedies."""
    arguments = json.dumps(run.arguments).encode()
    snapshot, _ = analyse(run.log, trainer_state.DIALECT, arguments)
    found = diagnose(snapshot)
    leading = found.causes[0].cause if found.causes else None
    return leading, frozenset(remedy.remedy for remedy in found.remedies)


if __name__ == "__main__":
    sys.exit(main())
