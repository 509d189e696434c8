"""`python -m benchmarks.guard RESULTS`: the experiment, then its table.

It takes hours, and goes on where it was ended: what is in RESULTS is not trained again. Needs
LLMTRAIN_TRAINER_TRL (scripts/trainers-lab).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.guard import cost, table
from benchmarks.guard.experiment import Planned, planned
from benchmarks.guard.running import Outcome, carry_out, outcome_of, write
from tests import trainers


def main() -> int:
    """Train what is missing, print the tables; 1 where a target was missed."""
    options = _arguments()
    options.results.mkdir(parents=True, exist_ok=True)
    model = options.results / "made"
    if not model.exists():
        trainers.made(trainers.TRL, model)
    if not options.tables:
        for one in planned(options.seeds):
            if _wanted(one, options.only):
                _train_unless_done(one, model, options.results)
    outcomes = table.scored([outcome_of(file) for file in sorted(options.results.glob("*.json"))])
    for outcome in outcomes:
        write(outcome, _file(options.results, f"{outcome.training}-{outcome.treatment}-{outcome.seed}"))
    print(table.markdown(outcomes), end="\n\n")
    tables = [table.false_rescues(outcomes), *(cost.tables(options.results) if options.cost else ())]
    print(*(each.text() for each in tables), sep="\n\n")
    return int(any(each.failed(require_real=False) for each in tables))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("results", type=Path, help="folder of results")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", action="append", metavar="NAME", help="a training, a treatment; repeatable")
    parser.add_argument("--tables", action="store_true", help="train nothing")
    parser.add_argument("--cost", action="store_true", help="measure what the guard costs, too")
    return parser.parse_args()


def _wanted(one: Planned, only: list[str] | None) -> bool:
    names = {one.training.name, one.treatment.name, f"{one.training.name}/{one.treatment.name}"}
    return only is None or bool(names & set(only))


def _train_unless_done(one: Planned, model: Path, results: Path) -> None:
    file = _file(results, one.name)
    if file.exists():
        return
    outcome = carry_out(one, model, results)
    write(outcome, file)
    print(_told(outcome), file=sys.stderr, flush=True)


def _file(results: Path, name: str) -> Path:
    return results / f"{name.replace(' ', '-')}.json"


def _told(one: Outcome) -> str:
    return (
        f"{one.training}, {one.treatment}, seed {one.seed}: exit code {one.code} after {one.seconds:.0f} s, "
        f"step {one.last_step}; {one.state or 'no guard'}, {one.rescues} rescues, {one.wasted} steps wasted"
    )


if __name__ == "__main__":
    sys.exit(main())
