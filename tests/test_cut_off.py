"""A run that was silent for days while it was watched: what is told of it changes with time alone."""

from __future__ import annotations

import re
from pathlib import Path

from llmtrain_exporter.knowledge.pace import CUT_OFF_SECONDS
from llmtrain_exporter.serve.finished_runs import FILE
from llmtrain_exporter.serve.pages.run_answers import RunAnswers
from llmtrain_exporter.serve.read_again import ReadAgain
from llmtrain_exporter.watching.sleeping import SleepingRun

from tests.test_restart_finished import Restarted
from tests.test_watch import DAY, Loop
from tests.test_watch_command import NOW, Stage
from tests.training import append, swift, touch

LOG = "run/logging.jsonl"
HANGS, ENDED = ("hung_process", "inspect_process"), ("cut_off", "see_how_it_ended")


def led_by(loop: Loop) -> tuple[str, str]:
    """The cause and the remedy with which lists and Grafana lead."""
    (told,) = (name for name in loop.values() if name.startswith("llmtrain_run_headline{"))
    labels = dict(re.findall(r'(\w+)="([^"]*)"', told))
    return labels["cause"], labels["remedy"]


def on_the_page(loop: Loop, answers: RunAnswers) -> bool:
    """Whether the page says that the run was ended."""
    (shown,) = loop.fleet.shown()
    return answers.whole(shown).cut_off


def hung(loop: Loop, days: float) -> None:
    """A run that has written nothing for so long."""
    log = loop.append(LOG, *map(swift, range(1, 41)))
    loop.scan(2)
    loop.now += days * DAY
    loop.pass_time(2)
    assert log.stat().st_mtime == loop.run("run").last_record


def test_a_run_that_sleeps_is_told_otherwise_once_it_was_most_likely_ended(tmp_path: Path) -> None:
    """Lists, Grafana and its page alike, though nothing was written; then it sleeps again."""
    loop = Restarted(tmp_path / "logs", None)
    answers = RunAnswers(loop.fleet, ReadAgain(loop.settings, lambda: loop.now))
    hung(loop, 1)
    counters = loop.value("run", "records_total{kind=train}")
    assert (led_by(loop), on_the_page(loop, answers)) == (HANGS, False)
    loop.now += CUT_OFF_SECONDS
    loop.pass_time(2)
    assert (led_by(loop), on_the_page(loop, answers)) == (ENDED, True)
    assert loop.value("run", "records_total{kind=train}") == counters
    (run,) = loop.watcher._runs
    read = loop.read
    loop.pass_time(2)
    assert isinstance(run, SleepingRun)
    assert loop.read == read


def test_a_restart_knows_until_when_a_run_may_hang(tmp_path: Path) -> None:
    """And of one that was cut off that it was, without reading its log."""
    file = tmp_path / FILE
    first = Restarted(tmp_path / "logs", file)
    hung(first, 1)
    first.end()
    loop = Restarted(tmp_path / "logs", file)
    loop.now = first.now
    loop.scan(4)
    assert (led_by(loop), loop.read) == (HANGS, 0)
    loop.now += CUT_OFF_SECONDS
    loop.pass_time(2)
    assert led_by(loop) == ENDED
    loop.end()
    again = Restarted(tmp_path / "logs", file)
    again.now = loop.now
    again.scan(4)
    assert (led_by(again), again.read) == (ENDED, 0)


def test_a_clock_that_is_behind_makes_no_run_old(tmp_path: Path) -> None:
    """A page goes by when the run was seen to grow, as lists do, and not by the time of its file."""
    loop = Restarted(tmp_path / "logs", None)
    log = loop.append(LOG, *map(swift, range(1, 41)))
    loop.scan(2)
    loop.append(LOG, swift(41))
    touch(log, loop.now - 5 * DAY)
    loop.look()
    loop.now += DAY / 2
    loop.pass_time(2)
    assert led_by(loop) == HANGS
    assert not on_the_page(loop, RunAnswers(loop.fleet, ReadAgain(loop.settings, lambda: loop.now)))


def test_who_watches_a_terminal_is_told_so_too(tmp_path: Path) -> None:
    """Though nothing has come since; and asks no clock again and again of a run that may still hang."""
    append(tmp_path / LOG, *map(swift, range(1, 41)), modified=NOW)
    stage = Stage(tmp_path)
    for days, cut_off in ((2.0, False), (0.9, False), (0.2, True)):
        stage.look(days * DAY)
        (status,) = stage.scene.runs
        assert status.run.cut_off is cut_off
    snapshot = status.run
    stage.look(DAY)
    (status,) = stage.scene.runs
    assert status.run is snapshot
