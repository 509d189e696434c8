"""The loop that watches: what it takes in, publishes, keeps and lets go. Time is moved by hand."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest import discover, stirrings
from llmtrain_exporter.ingest.readable import explain
from llmtrain_exporter.ingest.source import LineSource
from llmtrain_exporter.knowledge.pace import STALL_SECONDS_UNKNOWN
from llmtrain_exporter.model import Snapshot, State
from llmtrain_exporter.serve import watcher as watching_loop
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.idle_poll import IdlePoll
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watcher import Watcher
from llmtrain_exporter.serve.watchers import Watchers
from llmtrain_exporter.watching import run_set
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import rules_for_reading
from llmtrain_exporter.watching.run_set import DESCRIPTORS_SPARED, SCANS_MISSING
from prometheus_client.parser import text_string_to_metric_families

from tests.rounds import read_all
from tests.servers import series
from tests.training import (
    append,
    llamafactory,
    printed,
    swift,
    swift_eval,
    swift_summary,
    touch,
    trainer_state,
)

START = 1_800_000_000.0
DAY = 86400.0
TRAIN = "records_total{kind=train}"
STALLED = "signal_active{signal=stalled,severity=critical}"


class Loop:
    """What watches a folder, whose clocks stand still until they are moved."""

    def __init__(self, root: Path, **settings: Any) -> None:
        exposition = Exposition()
        paths = settings.pop("paths", (str(root),))
        self.root = root
        self.fleet = Fleet(exposition, paths)
        self.telemetry = Telemetry("0", self.fleet, exposition)
        self.settings = Settings(paths=paths, poll_interval=0.2, scan_interval=5.0, **settings)
        self.now = START
        self._exposition = exposition
        self.restart()

    def restart(self) -> None:
        """Watch as one that knows nothing yet."""
        self._watchers = Watchers(self.settings, self.fleet, self.telemetry)
        self._watching = list(self._watchers.all)

    @property
    def watcher(self) -> Watcher:
        """The one of the only folder."""
        (watcher,) = self._watchers.all
        return watcher

    def change(self, **settings: Any) -> None:
        """Go by other settings, and read what there is."""
        known = list(self._watching)
        self._watchers.change(Settings(**{"paths": (str(self.root),), **settings}))
        for watcher in known:
            watcher.take_changes(self.now)
        for watcher in self._watchers.all:
            if watcher not in known:
                watcher.scan(self.now)
                self._watching.append(watcher)
        self.look()

    def append(self, path: str, *lines: str) -> Path:
        """Write lines below the root, now."""
        return append(self.root / path, *lines, modified=self.now)

    def scan(self, times: int = 1) -> None:
        """Search, five seconds apart, and read what there is."""
        for _ in range(times):
            self.now += 5
            for watcher in self._watching:
                watcher.scan(self.now)
            self.look()

    def look(self, seconds: float = 0.2) -> None:
        """Let time pass, then look until there is no more to read."""
        self.now += seconds
        for watcher in self._watching:
            read_all(watcher, self.now - START, self.now)

    def pass_time(self, seconds: float) -> None:
        """Look five times a second for so long."""
        for _ in range(round(seconds * 5)):
            self.look()

    @property
    def runs(self) -> list[str]:
        """The names of the runs that are published."""
        return [snapshot.run for snapshot in self.fleet.snapshots()]

    def run(self, name: str) -> Snapshot:
        """What is published of a run."""
        snapshot = self.fleet.get(name)
        assert snapshot, f"{name} is not among {self.runs}"
        return snapshot

    def value(self, run: str, metric: str) -> float | None:
        """A run's sample, by the metric's name without prefix, labels in braces."""
        name, _, labels = metric.rstrip("}").partition("{")
        wanted = dict(label.split("=") for label in labels.split(",") if label)
        return self.values().get(series(f"llmtrain_{name}", {"run": run, **wanted}))

    def own(self, metric: str, **labels: str) -> float:
        """A sample of the exporter's own metrics."""
        return self.values().get(series(f"llmtrain_exporter_{metric}", labels), 0.0)

    def exposed(self) -> bytes:
        """What a scrape says of runs, to the byte."""
        return self._exposition.render(False)

    def values(self) -> dict[str, float]:
        """Every sample of a scrape, the first of which shows a new run at 0."""
        self._exposition.scraped(self.now, 0.0)
        text = (self._exposition.render(False) + self.telemetry.render(False)).decode()
        families = text_string_to_metric_families(text)
        return {series(sample.name, sample.labels): sample.value for f in families for sample in f.samples}


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    """A loop over an empty folder."""
    return Loop(tmp_path)


def open_logs(root: Path) -> list[str]:
    """The files below a folder that this process holds open."""
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    targets = [os.readlink(link) for link in links if os.path.islink(link)]
    return [target for target in targets if target.startswith(str(root))]


# What comes, stays and goes.


def of_slime(step: int, whole: bool = True) -> list[str]:
    """What slime prints of a step."""
    rollout = f"m.py:1 - rollout {step}: {{'rollout/raw_reward': 0.5}}"
    return [rollout, *([f"m.py:2 - step {step}: {{'train/grad_norm': 0.25}}"] if whole else [])]


def test_a_row_that_was_begun_and_never_ended_is_told_in_silence(loop: Loop) -> None:
    """As `check` tells it; the run does not come to life by that. What was silent before has it at once."""
    lines = [line for step in range(1, 6) for line in of_slime(step)]
    log = loop.append("run/train.log", *lines)
    loop.scan()
    loop.append("run/train.log", *of_slime(6, whole=False))
    loop.pass_time(5)
    assert loop.run("run/train").last_step == 5
    loop.now += STALL_SECONDS_UNKNOWN
    loop.scan(2)
    assert loop.run("run/train").last_step == 6
    assert loop.run("run/train").state is State.STALLED
    [checked] = read_each(read_log, [str(log)], rules_for_reading(loop.settings), loop.now)
    assert isinstance(checked, Snapshot)
    assert loop.run("run/train").records == checked.records
    loop.restart()
    loop.scan(2)
    assert loop.run("run/train").last_step == 6


def test_a_new_run_is_found_at_the_next_scan(loop: Loop) -> None:
    """A run that appears later is published with its records at the next search, not before."""
    loop.scan()
    loop.append("new/logging.jsonl", swift(1), swift(2))
    loop.look()
    assert loop.runs == []
    loop.scan()
    assert loop.runs == ["new"]
    assert loop.value("new", "step") == 2


def test_a_run_that_begins_while_others_are_watched_counts_from_zero(loop: Loop) -> None:
    """Prometheus sees the first records of a new run as an increase: it is shown 0 first, then all."""
    loop.scan()
    loop.append("new/logging.jsonl", swift(1), swift(2))
    loop.scan()
    assert [loop.value("new", TRAIN) for _ in range(3)] == [0, 2, 2]


def test_a_new_run_that_was_empty_at_first_counts_from_zero(loop: Loop) -> None:
    """What the first records count is an increase too where the empty log was published before."""
    loop.scan()
    loop.append("new/logging.jsonl")
    loop.scan()
    assert loop.value("new", TRAIN) == 0
    loop.append("new/logging.jsonl", swift(1))
    loop.look()
    loop.values()
    loop.append("new/logging.jsonl", swift(2))
    loop.look()
    assert loop.value("new", TRAIN) == 2


@pytest.mark.parametrize("ready", [True, False])
def test_history_does_not_count_from_zero(loop: Loop, ready: bool) -> None:
    """A log that was there at the start, or is copied in with its old time, shows no increase."""
    if ready:
        loop.scan()
    loop.append("old/logging.jsonl", swift(1), swift(2))
    loop.now += DAY if ready else 0
    loop.scan()
    assert loop.value("old", TRAIN) == 2


def test_a_run_that_has_become_too_old_leaves_with_its_series(loop: Loop) -> None:
    """A run that is silent for longer than ignore_older is exposed no more, and counted as left out."""
    loop.append("old/logging.jsonl", swift(1))
    loop.scan()
    loop.now += 6 * DAY
    loop.append("young/logging.jsonl", swift(1))
    loop.scan()
    assert loop.runs == ["old", "young"]
    loop.now += 2 * DAY
    loop.scan(SCANS_MISSING)
    assert loop.runs == ["young"]
    assert not [name for name in loop.values() if 'run="old"' in name]
    assert loop.own("left_out_files", reason="too_old") == 1
    assert loop.own("files") == 1


def test_a_file_that_vanishes_for_a_moment_keeps_its_series(loop: Loop) -> None:
    """A path that is missing at two searches and comes back loses nothing and doubles nothing."""
    log = loop.append("run/logging.jsonl", swift(1), swift(2))
    loop.scan()
    hidden = log.rename(log.with_name("hidden"))
    loop.scan(SCANS_MISSING - 1)
    assert loop.value("run", TRAIN) == 2
    hidden.rename(log)
    loop.append("run/logging.jsonl", swift(3))
    loop.scan(SCANS_MISSING)
    assert loop.value("run", TRAIN) == 3
    assert loop.value("run", "resumes_total") == 0


def test_a_run_whose_folder_is_renamed_is_never_there_twice(loop: Loop) -> None:
    """The same file under another path; its counts go on there."""
    log = loop.append("old/logging.jsonl", swift(1), swift(2))
    loop.scan()
    log.parent.rename(loop.root / "new")
    loop.append("new/logging.jsonl", swift(3))
    loop.scan()
    assert loop.runs == ["new"]
    assert loop.value("new", TRAIN) == 3
    assert loop.value("new", "resumes_total") == 0


def test_a_log_of_a_training_that_another_one_shows_leaves_at_once(loop: Loop) -> None:
    """Two runs of one training are two of each alert: neither is waited for as for a path that vanished."""
    loop.append("train.log", *map(printed, range(1, 9)))
    loop.scan()
    assert loop.runs == ["train"]
    loop.append("out/logging.jsonl", *map(swift, range(1, 9)))
    loop.scan()
    assert loop.runs == ["out"]


def test_a_file_that_is_gone_for_good_leaves(loop: Loop) -> None:
    """A deleted run's series disappear, its file is closed, and it can come back as a new run."""
    log = loop.append("run/logging.jsonl", swift(1), swift(2))
    loop.scan()
    assert open_logs(loop.root)
    log.unlink()
    loop.scan(SCANS_MISSING)
    assert loop.runs == []
    assert open_logs(loop.root) == []
    loop.append("run/logging.jsonl", swift(1))
    loop.scan()
    assert loop.value("run", "step") == 1


def test_max_runs_are_watched_and_the_rest_is_counted(tmp_path: Path) -> None:
    """Of more runs than allowed the first by name are watched; the others are counted as left out."""
    loop = Loop(tmp_path, max_runs=2)
    for name in "abcd":
        loop.append(f"{name}/logging.jsonl", swift(1))
    loop.scan()
    assert loop.runs == ["a", "b"]
    assert loop.own("left_out_files", reason="max_runs") == 2


def test_a_root_that_comes_later_is_told_once(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    """What is wrong with a path is logged when it is new and not at each search; it is counted each time."""
    shutil.rmtree(loop.root)
    loop.scan(3)
    assert [record.getMessage() for record in caplog.records] == [
        f"{loop.root}: no such file or folder (yet)"
    ]
    assert loop.own("errors_total", kind="scan") == 3
    loop.append("run/logging.jsonl", swift(1))
    loop.scan()
    assert loop.runs == ["run"]


# Names.


def test_runs_that_a_rule_gives_the_same_name_stay_apart(tmp_path: Path) -> None:
    """Two runs renamed alike are published under different names, each with its own values."""
    loop = Loop(tmp_path, runs=({"regex": "(.*)/v.*", "name": r"\1"},))
    for number, name in enumerate(("qwen/v1", "qwen/v2", "qwen/v3", "other"), 1):
        loop.append(f"{name}/logging.jsonl", *map(swift, range(1, number + 1)))
    loop.scan(2)
    assert {name: loop.value(name, TRAIN) for name in loop.runs} == {
        "qwen": 1,
        "qwen (qwen/v2)": 2,
        "qwen (qwen/v3)": 3,
        "other": 4,
    }


def test_a_run_that_really_bears_the_name_of_a_collision_stays_apart(tmp_path: Path) -> None:
    """Not even the name that sets a collision apart may hide another run."""
    loop = Loop(tmp_path, runs=({"match": "[ab]", "name": "m"},))
    for number, name in enumerate(("a", "m (b)", "b"), 1):
        loop.append(f"{name}/logging.jsonl", *map(swift, range(1, number + 1)))
        loop.scan()
    assert sorted(loop.value(name, TRAIN) or 0 for name in loop.runs) == [1, 2, 3]


def test_a_run_keeps_its_name_when_another_looks_alike(loop: Loop) -> None:
    """When discovery has to tell two runs apart that look alike, the first one stays what it was."""
    first = "a\x01"
    loop.append(f"{first}/logging.jsonl", swift(1))
    loop.scan()
    assert loop.runs == ["a\ufffd"]
    loop.append("a\x02/logging.jsonl", swift(1), swift(2))
    loop.scan()
    assert sorted(loop.value(name, TRAIN) or 0 for name in loop.runs) == [1, 2]
    assert loop.value("a\ufffd", TRAIN) == 1


# Replay.


def test_a_run_is_published_when_its_replay_has_reached_the_end(loop: Loop) -> None:
    """A log of several readings shows nothing until its end, and then everything at once."""
    lines = [swift(step, text="x" * 1000) for step in range(1, 3001)]
    loop.append("long/logging.jsonl", *lines)
    loop.append("short/logging.jsonl", swift(1))
    loop.watcher.scan(loop.now)
    assert loop.watcher.round(0.0, loop.now)
    assert loop.runs == ["short"]
    assert not loop.fleet.ready
    loop.look()
    assert loop.value("long", TRAIN) == 3000


def test_zeros_in_the_middle_do_not_end_the_replay(loop: Loop) -> None:
    """What stands behind NUL bytes is history too: the run is published with it, not before."""
    log = loop.append("run/logging.jsonl", swift(1))
    with log.open("ab") as file:
        file.write(b"\0" * 4096)
    loop.append("run/logging.jsonl", swift(2), swift(3))
    loop.scan()
    assert loop.runs == []
    loop.pass_time(3)
    assert loop.value("run", TRAIN) == 3
    assert loop.value("run", "skipped_lines_total{reason=nul}") == 1


def test_ready_only_after_the_first_replay(loop: Loop) -> None:
    """Ready begins when every log that was there is read, and never ends."""
    loop.append("long/logging.jsonl", *[swift(step, text="x" * 1000) for step in range(1, 3001)])
    loop.watcher.scan(loop.now)
    seen = []
    while loop.watcher.round(0.0, loop.now):
        seen.append(loop.fleet.ready)
    assert seen
    assert not any(seen)
    assert loop.fleet.ready
    loop.append("more/logging.jsonl", *[swift(step, text="x" * 1000) for step in range(1, 3001)])
    loop.watcher.scan(loop.now)
    assert loop.watcher.round(0.0, loop.now)
    assert loop.fleet.ready


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logging.jsonl", f"{swift(1)}\n{swift(2)}"),
        ("trainer_state.json", trainer_state([1, 2])),
    ],
)
def test_a_log_that_cannot_be_read_holds_nobody_up(
    name: str,
    content: str,
    loop: Loop,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An unreadable log is told and counted once and not shown; the others get ready; it may come later."""
    loop.append(f"bad/{name}", content)
    loop.append("good/logging.jsonl", swift(1))
    really = os.open

    def refuse(path: Any, *rest: Any, **more: Any) -> int:
        if "bad" in os.fspath(path):
            raise PermissionError(13, "Permission denied", path)
        return really(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    loop.scan()
    loop.pass_time(10)
    assert loop.runs == ["good"]
    assert loop.fleet.ready
    assert loop.own("errors_total", kind="read") == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"{loop.root}/bad/{name}: {explain(PermissionError(13, 'Permission denied'))}"
    ]
    monkeypatch.undo()
    loop.pass_time(40)
    assert loop.value("bad", TRAIN) == 2


# States.


def test_states_change_as_records_come_and_by_time_alone(loop: Loop) -> None:
    """waiting, running, stalled, running, finished: the fleet shows each, with nothing but time between."""
    loop.append("run/logging.jsonl")
    loop.scan()
    assert loop.run("run").state is State.WAITING
    assert loop.value("run", TRAIN) == 0
    for step in range(1, 8):
        loop.append("run/logging.jsonl", swift(step, planned=9))
        loop.look(1.0)
    assert loop.run("run").state is State.RUNNING
    loop.look(299)
    assert loop.run("run").state is State.RUNNING
    loop.look(10)
    assert loop.run("run").state is State.STALLED
    assert loop.value("run", "run_state{state=stalled}") == 1
    assert loop.value("run", "run_state{state=running}") == 0
    loop.append("run/logging.jsonl", swift(8, planned=9))
    loop.look()
    assert loop.run("run").state is State.RUNNING
    loop.append("run/logging.jsonl", swift(9, planned=9))
    loop.look()
    assert loop.run("run").state is State.FINISHED
    loop.look(DAY)
    assert loop.run("run").state is State.FINISHED


def test_a_trainer_that_leaves_early_has_failed(loop: Loop) -> None:
    """A summary before the last step without a final row means that the run has failed, until it goes on."""
    loop.append("run/logging.jsonl", swift(1), swift(2))
    loop.scan()
    loop.append("run/logging.jsonl", swift_summary(2))
    loop.look()
    assert loop.run("run").state is State.FAILED
    loop.append("run/logging.jsonl", swift(2, grad_norm=7))
    loop.look()
    assert loop.run("run").state is State.RUNNING


def test_a_writer_whose_clock_is_ahead_can_still_stall(loop: Loop) -> None:
    """A log that seems to be written next year counts as written when it was read."""
    log = loop.append("run/logging.jsonl", *map(swift, range(1, 9)))
    touch(log, loop.now + 365 * DAY)
    loop.scan()
    assert loop.run("run").state is State.RUNNING
    loop.look(3600)
    assert loop.run("run").state is State.STALLED


# What goes wrong.


def test_a_run_that_raises_while_it_is_folded_is_isolated(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault in one run's analysis is logged and counted once; it is shown no more, the others go on."""
    loop.append("bad/logging.jsonl", swift(1))
    loop.append("good/logging.jsonl", swift(1))
    loop.scan()
    fold = Run.fold

    def fail(run: Run, record: Any, arrived: float) -> None:
        if record.step == 666:
            raise ZeroDivisionError
        fold(run, record, arrived)

    monkeypatch.setattr(Run, "fold", fail)
    loop.append("bad/logging.jsonl", swift(666), swift(667))
    loop.append("good/logging.jsonl", swift(2))
    loop.pass_time(3)
    loop.append("good/logging.jsonl", swift(3))
    loop.append("bad/logging.jsonl", swift(668))
    loop.scan()
    loop.look(2 * 3600)
    assert loop.runs == ["good"]
    assert loop.value("good", TRAIN) == 3
    assert loop.own("errors_total", kind="analyse") == 1
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == [
        f"{loop.root}/bad/logging.jsonl: cannot be analysed"
    ]


def test_a_run_whose_state_raises_by_time_alone_is_isolated(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in what is published when a run stalls stops that run only."""
    loop.append("bad/logging.jsonl", *map(swift, range(1, 9)))
    loop.append("good/logging.jsonl", swift(1))
    loop.scan()
    snapshot = Run.snapshot

    def fail(run: Run, name: str, *rest: Any) -> Snapshot:
        if name == "bad":
            raise ZeroDivisionError
        return snapshot(run, name, *rest)

    monkeypatch.setattr(Run, "snapshot", fail)
    loop.look(2 * 3600)
    assert loop.runs == ["good"]
    assert loop.run("good").state is State.STALLED
    assert loop.own("errors_total", kind="analyse") == 1


def test_what_is_no_run_is_counted_and_not_shown(tmp_path: Path) -> None:
    """Lines of files that turn out to be no training log are counted by reason; no run is published."""
    loop = Loop(tmp_path, stdout_log=("*.log",))
    loop.append("chat/logging.jsonl", '{"message": "hello"}', "[1]", "no JSON at all")
    loop.append(
        "crash/train.log", "Loading model", "Traceback (most recent call last)", "  File x", "KeyError"
    )
    loop.append("pointer/trainer_log.jsonl", "version https://git-lfs.github.com/spec/v1", "size 12345")
    loop.append("state/trainer_state.json", '{"log_history": ')
    loop.append("run/logging.jsonl", swift(1))
    loop.scan()
    assert loop.runs == ["run"]
    counted = {
        reason: loop.own("skipped_lines_total", reason=reason)
        for reason in ("not_json", "not_an_object", "no_training_row", "text")
    }
    assert counted == {"not_json": 4, "not_an_object": 1, "no_training_row": 1, "text": 3}
    assert loop.own("errors_total", kind="analyse") == 0


def test_a_waiting_run_that_turns_out_to_be_none_leaves(loop: Loop) -> None:
    """An empty logging.jsonl is a run that waits; with a line that is no row it is none, with a row it is."""
    loop.append("run/logging.jsonl")
    loop.scan()
    assert loop.runs == ["run"]
    loop.append("run/logging.jsonl", "hello")
    loop.look()
    assert loop.runs == []
    loop.append("run/logging.jsonl", swift(1))
    loop.look()
    assert loop.value("run", TRAIN) == 1
    assert loop.value("run", "skipped_lines_total{reason=not_json}") == 1


# What a log may do.


def test_a_rewritten_log_carries_its_counters_on(loop: Loop) -> None:
    """A log rewritten in place is folded anew, while its counters go on; so does one that is replaced."""
    log = loop.append("run/logging.jsonl", *map(swift, range(1, 11)), swift_eval(10), swift(5))
    loop.scan()
    assert loop.value("run", "resumes_total") == 1
    log.write_text("")
    loop.append("run/logging.jsonl", swift(1), swift(2))
    loop.pass_time(3)
    assert loop.value("run", TRAIN) == 13
    assert loop.value("run", "records_total{kind=eval}") == 1
    assert loop.value("run", "resumes_total") == 1
    assert loop.value("run", "step") == 2
    assert loop.value("run", "loss{split=eval}") is None
    log.rename(log.with_name("logging.jsonl.1"))
    loop.append("run/logging.jsonl", swift(1))
    loop.pass_time(5)
    assert loop.value("run", TRAIN) == 14
    assert loop.value("run", "step") == 1


@pytest.mark.parametrize(("per_second", "every"), [(1000, 3), (0.2, 5), (0.001, 10)])
def test_paths_of_many_logs_are_looked_at_more_rarely(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, per_second: float, every: int
) -> None:
    """Of a log of which nothing tells: another file under its path is met as soon as many logs allow."""
    monkeypatch.setattr(stirrings, "tells_of_writes", lambda _: False)
    monkeypatch.setattr(watching_loop, "CHECKS_PER_SECOND", per_second)
    looks: list[float] = []
    monkeypatch.setattr(LineSource, "check", lambda _, monotonic: looks.append(monotonic))
    loop.append("run/logging.jsonl", *map(swift, range(1, 11)))
    loop.scan()
    for _ in range(35):
        loop.look(1.0)
    gaps = [round(later - earlier) for earlier, later in pairwise(looks)]
    assert set(gaps[1:]) == {every}  # how many there are is known when all were seen once


def test_a_trainer_state_beside_a_log_adds_the_grad_norm(loop: Loop) -> None:
    """LLaMA-Factory's grad_norm comes late; neither counters nor series drop meanwhile."""
    log = loop.append("run/trainer_log.jsonl", *map(llamafactory, range(1, 6)))
    loop.scan()
    log.write_text("")
    loop.append("run/trainer_log.jsonl", *map(llamafactory, range(1, 4)))
    loop.pass_time(3)
    assert loop.value("run", TRAIN) == 8
    assert loop.value("run", "grad_norm") is None
    loop.append("run/trainer_state.json", trainer_state(range(1, 4)))
    loop.now += 5
    loop.watcher.scan(loop.now)
    assert loop.value("run", TRAIN) == 8
    loop.look()
    assert loop.value("run", TRAIN) == 8
    assert loop.value("run", "grad_norm") == 3 / 8
    loop.append("run/trainer_log.jsonl", llamafactory(4))
    loop.look()
    (loop.root / "run/trainer_state.json").unlink()
    loop.append("run/trainer_state.json", trainer_state(range(1, 5)))
    loop.look()
    assert loop.value("run", TRAIN) == 9
    assert loop.value("run", "grad_norm") == 4 / 8


def test_counters_do_not_fall_while_a_long_log_is_read_again(loop: Loop) -> None:
    """A run that stalls in the middle of being read again shows nothing half read."""
    loop.append("run/trainer_log.jsonl", *[f"{llamafactory(step)}{' ' * 1000}" for step in range(1, 2501)])
    loop.append("run/trainer_state.json", trainer_state([1]))
    loop.scan()
    assert loop.value("run", TRAIN) == 2500
    (loop.root / "run/trainer_state.json").unlink()
    loop.append("run/trainer_state.json", trainer_state([1, 2]))
    loop.now += DAY
    assert loop.watcher.round(loop.now - START, loop.now)
    assert loop.value("run", TRAIN) == 2500
    loop.look()
    assert loop.value("run", TRAIN) == 2500
    assert loop.run("run").state is State.STALLED


def test_what_is_read_again_after_an_error_is_not_doubled(loop: Loop) -> None:
    """A log that cannot be opened at the moment its trainer_state.json grows is still counted once."""
    loop.append("run/trainer_log.jsonl", *map(llamafactory, range(1, 6)))
    loop.append("run/trainer_state.json", trainer_state([1]))
    loop.scan()
    (loop.root / "run/trainer_state.json").unlink()
    loop.append("run/trainer_state.json", trainer_state([1, 2]))
    log = loop.root / "run/trainer_log.jsonl"
    hidden = log.rename(log.with_name("hidden"))
    loop.look()
    hidden.rename(log)
    loop.pass_time(3)
    assert loop.value("run", TRAIN) == 5


def test_the_arguments_beside_a_log_are_used(loop: Loop) -> None:
    """args.json gives run_info its facts and the ratios their limits; nothing secret passes."""
    arguments = {"model": "/models/qwen3", "max_grad_norm": 0.5, "hub_token": "hf_secret"}
    append(loop.root / "run/args.json", json.dumps(arguments))
    loop.append("run/logging.jsonl", swift(1))
    loop.scan()
    assert loop.value("run", "grad_norm_clip_ratio") == (1 / 8) / 0.5
    facts = [name for name in loop.values() if name.startswith("llmtrain_run_info")]
    assert 'model="models/qwen3"' in facts[0]
    assert not [name for name in loop.values() if "secret" in name]


def test_printed_logs_are_followed_by_pattern(tmp_path: Path) -> None:
    """A printed log is watched where a pattern names it, beside others of its folder."""
    loop = Loop(tmp_path, stdout_log=("*.log",))
    loop.append("run/a.log", "starting", printed(1), printed(2))
    loop.append("run/b.log", printed(1))
    loop.append("run/c.txt", printed(1))
    loop.scan()
    loop.append("run/a.log", printed(3))
    loop.look()
    assert {name: loop.value(name, TRAIN) for name in loop.runs} == {"run/a": 3, "run/b": 1}


# Files and time.


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """A loop that may hold two logs open."""
    monkeypatch.setattr(run_set, "raise_descriptor_limit", lambda: DESCRIPTORS_SPARED + 2)
    return Loop(tmp_path)


def test_logs_are_parked_where_descriptors_are_short(short: Loop) -> None:
    """With more runs than open files allowed none is held open, and no line is lost."""
    names = "abcdef"
    for name in names:
        short.append(f"{name}/logging.jsonl", *[swift(step, text="x" * 1000) for step in range(1, 2501)])
    short.watcher.scan(short.now)
    while short.watcher.round(short.now - START, short.now):
        assert len(open_logs(short.root)) <= 2
    for name in names:
        short.append(f"{name}/logging.jsonl", swift(2501))
    short.look()
    assert len(open_logs(short.root)) <= 2
    assert [short.value(name, TRAIN) for name in names] == [2501] * 6


def test_a_long_line_is_read_to_its_end_where_descriptors_are_short(short: Loop) -> None:
    """A line that takes several readings is neither lost nor begun again without end."""
    for name in "abc":
        short.append(f"{name}/logging.jsonl", swift(1), swift(2, text="x" * 3_000_000), swift(3))
    short.scan()
    assert [short.value(name, TRAIN) for name in "abc"] == [3] * 3
    assert len(open_logs(short.root)) <= 2


# What is over.


@pytest.fixture
def over(loop: Loop) -> Loop:
    """A loop whose only run ended ten minutes ago."""
    loop.append("run/logging.jsonl", *[swift(step, planned=20) for step in range(1, 21)], swift_eval(20, 20))
    loop.scan()
    assert loop.run("run").state is State.FINISHED
    loop.pass_time(70)
    loop.look(600)
    return loop


def test_what_is_over_holds_no_file_and_keeps_its_series(over: Loop) -> None:
    """A run that has ended is shown as before, though no file is open for it."""
    assert open_logs(over.root) == []
    assert over.run("run").state is State.FINISHED
    assert over.value("run", TRAIN) == 20
    assert over.value("run", "loss{split=train}") == 1 / 20


def test_what_is_over_can_go_on(over: Loop) -> None:
    """More lines in a log that had ended are added to what was there, several times over."""
    for step in (21, 22):
        over.append("run/logging.jsonl", swift(step, planned=30))
        over.look()
        assert over.value("run", TRAIN) == step
        assert over.value("run", "records_total{kind=eval}") == 1
        assert over.value("run", "resumes_total") == 0
        assert over.run("run").state is State.RUNNING
        over.look(DAY)
        over.look()


def test_what_is_over_can_begin_anew(over: Loop) -> None:
    """A new training into the same log, in place or in another file, carries the counters on."""
    log = over.root / "run/logging.jsonl"
    log.write_text("")
    over.append("run/logging.jsonl", swift(1, loss=7.0))
    over.look()
    assert over.value("run", TRAIN) == 21
    assert over.value("run", "step") == 1
    assert over.value("run", "loss{split=train}") == 7.0
    over.look(DAY)
    over.look()
    log.rename(log.with_name("logging.jsonl.1"))
    over.append("run/logging.jsonl", swift(2, loss=8.0), swift(1, loss=9.0))
    over.pass_time(5)
    assert over.value("run", TRAIN) == 23
    assert over.value("run", "resumes_total") == 1


def test_what_is_over_can_leave(over: Loop) -> None:
    """The series of a run that had ended disappear with its file."""
    shutil.rmtree(over.root / "run")
    over.scan(SCANS_MISSING)
    assert over.runs == []
    assert over.own("files") == 0


def test_what_is_over_learns_of_its_grad_norm(loop: Loop) -> None:
    """LLaMA-Factory writes the grad_norm when all is over; it is shown without doubling a record."""
    loop.append("run/trainer_log.jsonl", *[llamafactory(step, planned=5) for step in range(1, 6)])
    loop.scan()
    loop.pass_time(70)
    assert open_logs(loop.root) == []
    loop.append("run/trainer_state.json", trainer_state(range(1, 6), planned=5))
    loop.scan()
    assert loop.value("run", TRAIN) == 5
    assert loop.value("run", "grad_norm") == 5 / 8


class Clock:
    """Time for the loop itself, which moves by what things are said to take."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.thread_seconds = 0.0
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        """In the place of Event.wait."""
        self.waits.append(seconds)
        self.seconds += seconds

    def taking(self, seconds: float, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, only slower."""

        def slowly(*args: Any, **more: Any) -> Any:
            self.seconds += seconds
            return call(*args, **more)

        return slowly


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The loop's clock."""
    made = Clock()

    clocks = SimpleNamespace(
        monotonic=lambda: made.seconds,
        thread_time=lambda: made.thread_seconds,
        time=lambda: START + made.seconds,
    )
    monkeypatch.setattr("llmtrain_exporter.serve.watcher.time", clocks)
    monkeypatch.setattr("llmtrain_exporter.serve.quiet_logs.time", clocks)
    return made


def go_round(loop: Loop, clock: Clock, times: int) -> None:
    """Run the loop itself for so many waits."""
    stop = threading.Event()

    def wait(seconds: float) -> bool:
        clock.wait(seconds)
        if len(clock.waits) >= times:
            stop.set()
        return stop.is_set()

    loop.watcher.run(SimpleNamespace(is_set=stop.is_set, wait=wait))  # type: ignore[arg-type]


def test_time_spent_reading_is_not_waited_for(
    loop: Loop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a replay that took long the loop looks again as soon as ever."""
    loop.append("run/logging.jsonl", swift(1))
    monkeypatch.setattr(LineSource, "poll", clock.taking(60.0, LineSource.poll))
    go_round(loop, clock, 1)
    assert clock.waits == [0.2]
    assert loop.value("run", TRAIN) == 1
    assert open_logs(loop.root) == []


def test_looks_get_rarer_where_they_cost_much(
    loop: Loop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking at quiet files takes a small share of the time, and yet a line is found within two seconds.

    What the kernel tells is asked all the same with each round.
    """
    loop.append("run/logging.jsonl", swift(1))
    loop.scan()
    stirred = IdlePoll.stirred
    for took, apart in ((0.0008, 0.2), (0.004, 1.0), (5.0, 2.0)):
        loop.restart()
        looks: list[float] = []

        def look(poll: IdlePoll[Any], took: float = took, looks: list[float] = looks) -> list[Any]:
            looks.append(clock.seconds)
            clock.thread_seconds += took
            return stirred(poll)

        monkeypatch.setattr(IdlePoll, "stirred", look)
        clock.waits.clear()
        go_round(loop, clock, 40)
        assert set(clock.waits) == {0.2}
        gaps = [later - earlier for earlier, later in pairwise(looks[2:])]
        assert gaps
        assert all(apart - 0.01 < gap < apart + 0.21 for gap in gaps)


def test_searches_get_rarer_where_they_cost_much(
    loop: Loop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search comes each five seconds, and each ten where it takes long."""
    for took, pause in ((0.01, 5.0), (0.5, 10.0), (3.0, 10.0)):
        scans: list[float] = []

        def search(*_: Any, took: float = took, scans: list[float] = scans) -> discover.Scan:
            scans.append(clock.seconds)
            clock.seconds += took
            return discover.Scan((), {}, {})

        monkeypatch.setattr(discover, "discover", search)
        loop.restart()
        clock.waits.clear()
        go_round(loop, clock, 200)
        gaps = [later - earlier for earlier, later in pairwise(scans)]
        assert min(gaps) >= pause
        assert max(gaps) < pause + 0.4


def test_counters_of_what_was_read(loop: Loop) -> None:
    """The bytes of whole lines are counted as they are read."""
    log = loop.append("run/logging.jsonl", swift(1), swift(2))
    loop.scan()
    assert loop.own("read_bytes_total") == log.stat().st_size


@pytest.mark.parametrize("ahead", [-900.0, -3000.0, 900.0, 86400.0])
def test_bytes_that_arrive_are_proof_of_life(loop: Loop, ahead: float) -> None:
    """A row comes every two seconds, by a file server's clock that is wrong: the run is never stalled.

    The first that is known of it is a log that looks as old as the clock is behind.
    """
    states = set()
    for step in range(1, 400):
        append(loop.root / "run/logging.jsonl", swift(step), modified=loop.now + ahead)
        if step == 100:
            loop.scan()
        if step >= 100:
            loop.look(2.0)
            states |= {(snapshot.state, loop.value("run", STALLED)) for snapshot in loop.fleet.snapshots()}
        else:
            loop.now += 2.0
    assert states == {(State.RUNNING, 0.0)}
    last = loop.run("run").last_record
    assert last is not None
    assert 0 <= loop.now - last <= 4.0
    loop.look(3 * 3600)
    assert loop.run("run").state is State.STALLED


def test_a_run_that_hangs_is_told_after_a_moment_when_it_is_met(loop: Loop) -> None:
    """The clock of a file server may be behind, until the log is seen not to grow; an old one is told."""
    for name, old in (("hangs", 1800.0), ("old", 7200.0)):
        rows = [swift(step, elapsed=f"{step * 10}s") for step in range(1, 30)]
        append(loop.root / name / "logging.jsonl", *rows, modified=loop.now - old)
    loop.scan()
    assert loop.runs == ["old"]
    loop.pass_time(61)
    assert {name: loop.run(name).state for name in loop.runs} == {
        "hangs": State.STALLED,
        "old": State.STALLED,
    }


def test_a_sleeping_run_that_goes_on_is_alive(loop: Loop) -> None:
    """It slept in silence, and grows by a clock that is behind."""
    log = append(loop.root / "run/logging.jsonl", *map(swift, range(1, 9)), modified=loop.now - 7200)
    loop.scan(times=4)
    assert loop.run("run").state is State.STALLED
    append(log, swift(9), modified=loop.now - 900)
    loop.look()
    assert (loop.run("run").state, loop.run("run").last_step) == (State.RUNNING, 9)
