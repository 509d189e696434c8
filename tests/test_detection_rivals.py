"""Random runs by kind, and the comparison with other run doctors, of which none is needed here."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.dialects import llamafactory, printed, swift, trainer_state

from benchmarks.detection.by_kind import score_kind
from benchmarks.detection.generator import cases
from benchmarks.detection.kinds import KINDS, of_kind
from benchmarks.detection.rivals import contest, judge, table
from benchmarks.detection.rivals.adapters import History, history
from benchmarks.detection.rivals.contest import Contested, Opinion

SEED = 3


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_kind_is_found_in_time(kind: object) -> None:
    """And nothing critical is made up; a warning now and then."""
    total = score_kind(of_kind(kind, SEED, 5))  # type: ignore[arg-type]
    assert total.in_time == total.faults
    assert total.false_critical == 0
    assert total.warnings <= 2 + total.healthy / 200  # of few runs; 1.5 per 1,000 of many


def test_the_same_seed_makes_the_same_runs_of_a_kind() -> None:
    """A score can be had again."""
    for kind in KINDS.values():
        first, second = ([made.case.log for made in of_kind(kind, SEED, 2)] for _ in range(2))
        assert first == second


@pytest.mark.parametrize(
    ("dialect", "log", "rows"),
    [
        (
            swift.DIALECT,
            b'{"loss": 0.5, "kl": 0.1, "global_step/max_steps": "5/20"}\n',
            ({"loss": 0.5, "kl": 0.1, "step": 5},),
        ),
        (
            llamafactory.DIALECT,
            b'{"current_steps": 5, "total_steps": 20, "loss": 0.5, "lr": 0.1}\n',
            ({"current_steps": 5.0, "total_steps": 20.0, "loss": 0.5, "learning_rate": 0.1, "step": 5},),
        ),
        (
            printed.DIALECT,
            b"{'loss': '0.5', 'grad_norm': nan, 'epoch': 0.1}\r  5%\n{'loss': 0.4, 'epoch': 0.2}\n",
            (2, 0.4),
        ),
        (
            trainer_state.DIALECT,
            b'{"log_history": [{"loss": 0.5, "step": 1}], "max_steps": 9}',
            ({"loss": 0.5, "step": 1},),
        ),
    ],
    ids=("swift", "llamafactory", "printed", "trainer_state"),
)
def test_any_log_becomes_a_history(dialect: Dialect, log: bytes, rows: tuple[object, ...]) -> None:
    """With the keys that it has, and the step of each row."""
    made = history(log, dialect)
    if dialect is printed.DIALECT:
        assert (len(made.rows), made.rows[-1]["loss"]) == rows
        assert made.rows[0]["grad_norm"] != made.rows[0]["grad_norm"]
    else:
        assert made.rows == rows
    assert len(made.train) == len(made.rows)


def _doctor(name: str, answer: object) -> ModuleType:
    """A doctor that prints an answer, or fails with it."""

    def main(arguments: list[str]) -> None:
        assert Path(arguments[0]).name == "trainer_state.json"
        if isinstance(answer, Exception):
            raise answer
        print(json.dumps(answer))

    module = ModuleType(name)
    module.main = main  # type: ignore[attr-defined]
    return module


def test_a_judge_counts_what_a_doctor_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At each look; what it does wrong is its result."""
    found = {
        "findings": [
            {"severity": "CRITICAL"},
            {"severity": "error"},
            {"severity": "warning"},
            {"severity": "OK"},
        ]
    }
    doctors = {"plain": found, "listed": [found, found], "broken": ValueError("no step column")}
    for name, answer in doctors.items():
        monkeypatch.setitem(sys.modules, f"doctor_{name}", _doctor(name, answer))
    monkeypatch.setattr(judge, "COMMANDS", {name: (f"doctor_{name}", ("{}",)) for name in doctors})
    asked = {"history": [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 1.0}], "max_steps": 2, "ends": [1, 2]}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(asked) + "\n"))
    judge.main()
    answers = json.loads(capsys.readouterr().out)
    assert answers["plain"] == [[2, 1], [2, 1]]
    assert answers["listed"] == [[4, 2], [4, 2]]
    assert answers["broken"] == ["ValueError: no step column"] * 2


def test_the_table_says_who_is_missing_and_who_came_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that cannot be had has a row that says why; ours is judged by the same rule."""
    rows = tuple({"step": step, "loss": 1.0} for step in range(1, 11))
    runs = [
        Contested(broken, History(rows, 10), Opinion(0, broken, 4 if broken else None))
        for broken in (True, False)
    ]
    opinions = [Opinion(2, critical=True, first_critical=6), Opinion(1, critical=False, first_critical=3)]
    monkeypatch.setattr(table, "install", lambda _: (tmp_path, {"losslint": "no index here"}))
    monkeypatch.setattr(table, "ask", lambda *_: dict.fromkeys(judge.COMMANDS, opinions))
    lines = {line[0].split()[0]: line for line in table.compare("runs", runs, tmp_path, 10).lines}
    assert lines["llmtrain-exporter"][1:6] == ("1 of 1", "0 of 1", "0 of 1", "0.00", "4")
    assert lines["runmedic"][1:7] == ("1 of 1", "0 of 1", "1 of 1", "100.00", "6", "0 / 0 / 1")
    assert lines["losslint"][1] == "not installed: no index here"


def test_random_runs_can_be_contested() -> None:
    """Ours is asked by the records of the run."""
    made = list(contest.generated(cases(SEED, 3)))
    assert all(run.broken == (run.ours.first_critical is not None) for run in made)
