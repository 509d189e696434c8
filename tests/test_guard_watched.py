"""A guard's file beside a log that is watched: what it says is there at once, also when the run is over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.guard.guard_file import guard_path, write_guard_file
from llmtrain_exporter.knowledge import guard_metrics as g
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import State
from llmtrain_exporter.model.guarded import GuardFile
from llmtrain_exporter.notify.card import Tone
from llmtrain_exporter.story.run_object import full_object
from llmtrain_exporter.watching.sleeping import GUARD_SECONDS, SleepingRun, asleep
from llmtrain_exporter.watching.tracked_log import CHECK_SECONDS

from tests.relaying import alert
from tests.test_guard_told import GAVE_UP, GUARDED, LASTING, RESCUED, STOPPED, training
from tests.test_relay_cards import card, text
from tests.test_watch import Loop
from tests.test_watching import NOW, live, read
from tests.training import append, swift


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    """A folder that is watched."""
    return Loop(tmp_path)


def test_what_the_guard_does_is_seen_with_the_next_look(tmp_path: Path) -> None:
    """The log need not grow; a file that did not change is not read again."""
    run = read(live(training(tmp_path)))
    assert run.snapshot(NOW).guard is None
    write_guard_file(guard_path(tmp_path), STOPPED)
    run.check_path(NOW + CHECK_SECONDS)
    assert run.changes_at < NOW
    snapshot = run.snapshot(NOW)
    assert snapshot.guard is not None
    assert snapshot.guard.state == "stopped"
    assert {key.metric for key in snapshot.samples} >= {g.STATE, g.STOPS, g.STOP_STEP}
    assert run.guard is not None
    assert not run.guard.look()


def test_a_log_without_a_guard_is_not_looked_beside(tmp_path: Path) -> None:
    """Not even a stat is spent on it; one that has the file when it is met is."""
    assert live(append(tmp_path / "logging.jsonl", swift(1))).guard is None
    write_guard_file(guard_path(tmp_path), STOPPED)
    assert live(tmp_path / "logging.jsonl").guard is not None


def test_a_run_that_is_over_wakes_when_its_guard_gives_up(loop: Loop) -> None:
    """Who looks at it then is told; what is final is not looked at any more."""
    log = training(loop.root)
    write_guard_file(guard_path(loop.root), STOPPED)
    append(log, modified=loop.now - 7200)
    loop.scan(times=4)
    (name,) = loop.runs
    assert [type(run) for run in loop.watcher._runs] == [SleepingRun]
    assert loop.value(name, "guard_state{state=stopped}") == 1
    write_guard_file(guard_path(loop.root), GAVE_UP)
    loop.look(GUARD_SECONDS + CHECK_SECONDS)
    loop.look()
    guard = loop.run(name).guard
    assert guard is not None
    assert (guard.state, loop.value(name, "guard_state{state=gave_up}")) == ("gave_up", 1)
    assert loop.value(name, "guard_stops_total") == 2


@pytest.mark.parametrize(("guard", "awaited"), [(STOPPED, True), (GuardFile("ended"), False), (None, False)])
def test_only_a_guard_that_may_go_on_is_waited_for(
    tmp_path: Path, guard: GuardFile | None, awaited: bool
) -> None:
    """Of ten thousand runs that are over most cost nothing."""
    log = training(tmp_path)
    if guard is not None:
        write_guard_file(guard_path(tmp_path), guard)
    run = read(live(log))
    run.check_path(NOW)
    assert (asleep(run).check_at < NOW * 2) is awaited


def test_the_card_of_a_rescued_run_says_so() -> None:
    """In its headline, and at its end what the guard did."""
    one = card(alert(firing=False), said=full_object(GUARDED, Lang.EN))
    assert one.tone is Tone.GOOD
    assert "Rescued at step 43, back to step 25" in one.title
    assert "rescue 1: went on from step 25 (checkpoint-25)" in text(one)
    assert "18 steps trained in vain, about 1.2 GPU hours" in text(one)


def test_the_card_of_a_stopped_run_ends_with_what_is_next() -> None:
    """While the incident lasts, and of the alert on the stop itself."""
    run = replace(GUARDED, guard=STOPPED, incidents=(LASTING,), state=State.FINISHED)
    for name in ("LlmTrainIncident", "LlmTrainGuardStopped"):
        said = text(card(alert(name), said=full_object(run, Lang.EN)))
        after = said.partition("What the guard did\n")[2].partition("\n\n")[0].splitlines()
        assert after[0].endswith("stopped the training: Policy collapse (kl = 12.5)")
        assert after[-1] == f"Next: {STOPPED.next}"
    assert RESCUED.next == ""
