"""The scores that the analysis has to keep: real logs, the demo, random runs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.detection import calibrating, others
from benchmarks.detection import corpus as labelled
from benchmarks.detection.__main__ import _demo
from benchmarks.detection.check import in_process
from benchmarks.detection.generator import DEMO_EVENTS, cases, write_demo
from benchmarks.detection.score import score


def test_every_label_of_the_real_logs_is_kept(corpus: Path) -> None:
    """Signals in their windows, nothing critical where all is well, verdicts as a careful reader's."""
    found = labelled.judge(corpus, in_process)
    assert found.complaints == ()
    assert found.musts >= 20
    assert found.warnings <= found.healthy_records / 1000
    assert found.incidents == found.collapsed_runs + 1  # one of them collapses, recovers, and collapses again


def test_the_demo_tells_its_events_and_nothing_else() -> None:
    """Each event of the guide's table, the chain in its order, no other critical signal."""
    assert not _demo(in_process).failed(require_real=True)


def test_the_demo_is_the_same_every_time(tmp_path: Path) -> None:
    """Its seed is fixed; 1,200 rows of 31 numbers each, with the guide's values at the guide's steps."""
    log = write_demo(tmp_path / "one").read_bytes()
    assert log == write_demo(tmp_path / "other").read_bytes()
    rows = {row["global_step/max_steps"]: row for row in map(json.loads, log.splitlines())}
    assert len(rows) == 1200
    for event in DEMO_EVENTS:
        row = rows[f"{event.step}/5995"]
        assert row["kl"] == event.kl
        assert math.isclose(row["grad_norm"], event.grad_norm)
        assert sum(isinstance(value, (int, float)) for value in row.values()) == 31


def test_random_runs_are_scored_as_they_should_be() -> None:
    """Every twentieth of the collapses may be missed, and one alarm in 100,000 healthy records made up."""
    ours = score(cases(seed=7, count=40))
    assert ours.recall >= 0.95
    assert ours.false_critical <= 1
    assert ours.incidents_per_event <= 1.05
    assert ours.healthy > 10_000


def test_the_same_seed_makes_the_same_runs() -> None:
    """A score can be had again."""
    assert [case.log for case in cases(1, 3)] == [case.log for case in cases(1, 3)]


@pytest.mark.parametrize("rule", [others.olmo, others.three_sigma, others.zclip])
def test_the_rules_of_others_find_a_spike(rule: others.Rule) -> None:
    """They are given a fair chance: a lone spike in noise is found, where it is."""
    values = [1.0 + 0.01 * (at % 7) for at in range(200)]
    values[150] = 9.0
    assert 150 in rule(values)


def test_learned_limits_are_scored_on_other_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is scored is not what was learned from, with the limits so far and with the new ones."""
    monkeypatch.setattr(calibrating, "LEARNED_FROM", 4)
    monkeypatch.setattr(calibrating, "SCORED_ON", 3)
    [table] = calibrating.tables(5, tmp_path)
    figures = {row.who: row for row in table.rows}
    others = score(cases(5 + calibrating.APART, 3))
    assert figures["other runs: warnings before"].figure == others.warnings_per_1k
    assert figures["recall of collapses before"].unit == f"of {others.events}"
