"""What the guard costs inside a training, and what that is of a step."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measure import ROOT
from benchmarks.report import Row, Table, Target
from tests import trainers

PROCESSES, ROWS = 5, 2000
FASTEST_STEP = 0.2
"""Seconds of the quickest step of those small trainings that the share is told of."""


def tables(folder: Path) -> list[Table]:
    """The median of several processes."""
    found = [_measured(folder / "cost" / str(at)) for at in range(PROCESSES)]
    middle = {name: statistics.median(each[name] for each in found) for name in found[0]}
    kept = Target(1.0, at_most=True)
    return [
        Table(
            f"the guard inside a training, {ROWS:,} GRPO records, {PROCESSES} processes",
            (
                Row("import", 1e3 * middle["import"], "ms of a core", None, Target(150.0, at_most=True)),
                Row("first record", 1e3 * middle["first"], "ms of a core"),
                Row("record, median", 1e3 * middle["record"], "ms of a core", None, kept),
                Row("record, mean", 1e3 * middle["record_mean"], "ms of a core", None, kept),
                Row("record, p99", 1e3 * middle["record_p99"], "ms of a core"),
                Row("step without a record", 1e3 * middle["step"], "ms of a core"),
                Row("record and step, of a step of 200 ms", _share(middle), "%"),
                Row("resident memory", middle["memory"] / 1e6, "MB"),
            ),
            ("Transformers and TRL are loaded before, and with them what the guard needs of Python's own.",),
        )
    ]


def _share(middle: Mapping[str, float]) -> float:
    return 100 * (middle["record_mean"] + middle["step"]) / FASTEST_STEP


def _measured(folder: Path) -> dict[str, float]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(trainers.TRL.python), "-m", "benchmarks.guard.inside", str(folder), str(ROWS)]
    paths = f"{ROOT / 'exporter'}:{ROOT}"
    environment = trainers.surroundings(PYTHONPATH=paths)
    answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found
