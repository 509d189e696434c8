"""The benchmark of the dashboard on all runs: what it writes, and that each panel gets an answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import dashboards
from benchmarks.dashboards import History
from benchmarks.report import Verdict


def test_each_panel_of_the_fleet_is_timed(real_tool: Callable[[str], Path], tmp_path: Path) -> None:
    """A real Prometheus with a few runs answers every query of every panel, far below the limit."""
    assert real_tool("prometheus")
    assert real_tool("promtool")
    table = dashboards.measure(30, 900, tmp_path)
    assert {row.verdict for row in table.rows} == {Verdict.PASS}
    assert len(table.rows) == len(dashboards.fleet_panels(900)) > 10


def test_no_two_series_are_the_same() -> None:
    """Prometheus would refuse the second; and all have a value for each moment."""
    history = History(250, 0, 600)
    names = [name for name, values in history.samples() if len(values) == 40]
    assert len(names) == len(set(names)) == len(list(history.samples()))


def test_series_grow_with_the_runs() -> None:
    """Twice the runs are twice the series: what is measured at two sizes can be compared."""
    one, two = (len(list(History(runs, 0, 60).samples())) for runs in (1200, 2400))
    assert two == 2 * one


def test_a_missing_program_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Prometheus the benchmark says what is missing and how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dashboards.main(["--folder", str(tmp_path)]) == 1
