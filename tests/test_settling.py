"""Runs that have been over for a while: a dozen series in a scrape, everything everywhere else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import METRICS
from llmtrain_exporter.knowledge.lasting import LASTING, LASTING_UNLESS_ZERO
from llmtrain_exporter.knowledge.metric import Metric, Type
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import series
from llmtrain_exporter.serve.exposition import Exposition

from tests import dashboard_rules, promql
from tests.conftest import ROOT
from tests.test_exposition import Samples, expected, parsed
from tests.test_watch import Loop
from tests.training import append, swift, swift_summary, touch

HOUR = 3600.0

LOSS = series(c.LOSS, ("split", "train"))
RECORDS = series(c.RECORDS, ("kind", "train"))
INCIDENTS = series(a.INCIDENTS)
RUNNING, FINISHED = (series(c.RUN_STATE, ("state", state)) for state in ("running", "finished"))
OVER = {LOSS: 0.25, RUNNING: 0.0, FINISHED: 1.0, RECORDS: 9.0, INCIDENTS: 1.0}
LASTS = {LOSS: 0.25, FINISHED: 1.0, INCIDENTS: 1.0}

ASKED_OF_LIVE_RUNS = {
    "llmtrain_records_total": "of its growth",
    "llmtrain_signal_records_total": "of its growth",
    "llmtrain_skipped_lines_total": "of its growth",
    "llmtrain_remaining_seconds": "of runs that go on",
    "llmtrain_recent_seconds_per_step": "of runs that go on",
    "llmtrain_seconds_per_step": "of runs that go on",
    "llmtrain_step_time_seconds": "of runs that go on",
    "llmtrain_gpus": "of runs that go on",
    "llmtrain_dropped_series_total": "of its growth",
}
"""What rules and the dashboard of all runs ask for, and not of runs that are over."""


def shown(exposition: Exposition) -> object:
    """What a scrape reads."""
    return parsed(exposition.render(False), False)


def test_a_run_that_shrinks_exposes_what_lasts_and_tells_all() -> None:
    """Of flags those that are set; who asks for the run's samples gets every one."""
    exposition = Exposition()
    exposition.publish("run", OVER, shrunk=True)
    assert shown(exposition) == expected({"run": LASTS})
    assert exposition.samples("run") == OVER
    assert exposition.series == len(LASTS)


def test_a_run_shrinks_where_it_stands_and_comes_back() -> None:
    """Both ways, twice or not; a run that is not there is no error."""
    exposition = Exposition()
    exposition.publish("run", OVER)
    for shrunk, wanted in ((True, LASTS), (True, LASTS), (False, OVER), (False, OVER)):
        exposition.shrink("run", shrunk)
        exposition.shrink("nobody", shrunk)
        assert shown(exposition) == expected({"run": wanted})
        assert exposition.samples("run") == OVER


def test_what_a_shrunk_run_adds_is_an_increase() -> None:
    """Its counters come back as they were before, for as long as those of a new run stay at 0."""
    exposition = Exposition()
    strange = series(c.RECORDS, ("kind", "x" * 300))
    exposition.publish("run", {**OVER, strange: 4.0}, shrunk=True)
    new = series(a.SPIKES, ("metric", "loss"))
    more: Samples = {LOSS: 0.5, RECORDS: 12.0, INCIDENTS: 2.0, strange: 5.0, new: 3.0}
    exposition.publish("run", more)
    exposition.scraped(0.0, 30.0)
    before = {LOSS: 0.5, RECORDS: 9.0, INCIDENTS: 1.0, strange: 4.0, new: 0.0}
    assert shown(exposition) == expected({"run": before})
    exposition.scraped(31.0, 30.0)
    assert shown(exposition) == expected({"run": more})


def test_a_run_that_leaves_takes_what_was_packed_along() -> None:
    """Another run gets its place and is none that comes back."""
    exposition = Exposition()
    exposition.publish("run", OVER, shrunk=True)
    exposition.remove("run")
    assert exposition.samples("run") == {}
    exposition.publish("other", OVER)
    assert shown(exposition) == expected({"other": OVER})


def ended(folder: Path, *, since: float, fixture: str = "swift-sft") -> str:
    """A finished run below a folder, whose last line was written at that Unix time."""
    run = folder / "ended"
    shutil.copytree(ROOT / "tests/fixtures" / fixture, run)
    touch(run / "logging.jsonl", since)
    return run.name


def exposed(loop: Loop, run: str) -> list[str]:
    """The series of that run in a scrape."""
    return [name for name in loop.values() if f'run="{run}"' in name]


def watched(folder: Path, **settings: Any) -> Loop:
    """A loop that has seen a run end in that folder just now."""
    loop = Loop(folder, **settings)
    ended(folder, since=loop.now)
    loop.scan(4)
    return loop


def test_a_finished_run_shrinks_after_an_hour(tmp_path: Path) -> None:
    """To the dozen that lasts; what is published of it for pages and API stays."""
    loop = watched(tmp_path)
    all_of_it = exposed(loop, "ended")
    samples = loop.fleet.with_samples(loop.run("ended")).samples
    assert len(all_of_it) > 90
    loop.now += HOUR - 60
    loop.look()
    assert exposed(loop, "ended") == all_of_it
    loop.now += 60
    loop.look()
    assert 10 <= len(exposed(loop, "ended")) <= 16
    assert loop.value("ended", "run_state{state=finished}") == 1
    assert loop.value("ended", "step") == 100
    assert loop.fleet.with_samples(loop.run("ended")).samples == samples


def test_a_run_that_ended_long_ago_is_never_exposed_in_full(tmp_path: Path) -> None:
    """An exporter that starts among ten thousand of them shows a dozen series of each at once."""
    loop = Loop(tmp_path)
    ended(tmp_path, since=loop.now - 2 * HOUR)
    loop.scan()
    assert len(exposed(loop, "ended")) <= 16


@pytest.mark.parametrize(("settle", "many"), [(None, True), (10 * HOUR, True), (60.0, False)])
def test_the_time_can_be_set(tmp_path: Path, settle: float | None, many: bool) -> None:
    """Never, later, sooner."""
    loop = watched(tmp_path, settle=settle)
    loop.now += 2 * HOUR
    loop.look()
    assert (len(exposed(loop, "ended")) > 90) == many


def test_another_time_holds_for_runs_that_have_shrunk(tmp_path: Path) -> None:
    """Settings that are read again give their series back."""
    loop = watched(tmp_path)
    loop.now += 2 * HOUR
    loop.look()
    loop.change(settle=None)
    loop.look(2)
    assert len(exposed(loop, "ended")) > 90
    loop.change(settle=HOUR)
    loop.look(2)
    assert len(exposed(loop, "ended")) <= 16


def test_a_run_that_goes_on_is_exposed_in_full_again(tmp_path: Path) -> None:
    """A resumed run has all of its series, and what its first records counted grows before Prometheus."""
    loop = watched(tmp_path)
    before = loop.value("ended", "records_total{kind=train}")
    loop.now += 2 * HOUR
    loop.look()
    assert loop.value("ended", "records_total{kind=train}") is None
    append(tmp_path / "ended/logging.jsonl", swift(101, 200), swift(102, 200), modified=loop.now)
    loop.pass_time(4)
    assert before
    assert loop.value("ended", "records_total{kind=train}") == before
    assert loop.value("ended", "records_total{kind=train}") == before + 2
    assert loop.value("ended", "run_state{state=running}") == 1


def test_a_failed_run_shrinks_and_a_silent_one_does_not(tmp_path: Path) -> None:
    """A run that only stalls may go on."""
    loop = Loop(tmp_path)
    append(tmp_path / "failed/logging.jsonl", swift(1), swift(2), swift_summary(2), modified=loop.now)
    append(tmp_path / "stalled/logging.jsonl", swift(1), swift(2), modified=loop.now)
    loop.scan(4)
    loop.now += 3 * HOUR
    loop.look()
    assert loop.value("failed", "run_state{state=failed}") == 1
    assert loop.value("failed", "records_total{kind=train}") is None
    assert loop.value("stalled", "records_total{kind=train}") == 2


def test_what_rules_and_the_dashboard_of_all_runs_ask_for_lasts() -> None:
    """But for what they ask of runs that go on."""
    board = dashboard_rules.load(Lang.EN)["llmtrain-fleet"]
    asked = [query for _, query in dashboard_rules.queries(board)]
    files = [yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / "alerts/rules").glob("*.yml")]
    rules = [rule["expr"] for file in files for group in file["groups"] for rule in group["rules"]]
    exposed = {_exposed(metric) for metric in (*METRICS, *a.METRICS)}
    wanted = {name for name in promql.metrics_of((*asked, *rules)) if name in exposed}
    lasting = {_exposed(metric) for metric in LASTING | LASTING_UNLESS_ZERO}
    assert wanted - lasting == ASKED_OF_LIVE_RUNS.keys()


def _exposed(metric: Metric) -> str:
    return f"{metric.name}_info" if metric.type is Type.INFO else metric.name
