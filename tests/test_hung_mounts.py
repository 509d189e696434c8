"""A root that does not answer: the others are read on, and it is said where it matters."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.pulse import STUCK_SECONDS, Pulse, Pulses
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watcher import Watcher
from llmtrain_exporter.serve.watchers import Watchers
from llmtrain_exporter.watching.roots import Place, ask_each, grouped, place_of

from tests.hanging import hanging_mount
from tests.rounds import search_and_read
from tests.servers import HANGS_SECONDS, ExporterProcess, eventually
from tests.serving import NOW, RUN, Site, running
from tests.training import append, swift


@pytest.fixture
def site() -> Iterator[Site]:
    """A running site."""
    with running(Site()) as made:
        yield made


def hung(fleet: Fleet, *others: Pulse, root: str = "/mnt/hung") -> Pulse:
    """A pulse of the fleet that has stopped, beside others that go on."""
    pulse = Pulse([root], 0.0)
    fleet.pulses = Pulses([pulse, *others], fleet.note_pulses)
    for other in others:
        other.beat(STUCK_SECONDS)
    fleet.pulses.judge(STUCK_SECONDS, NOW + STUCK_SECONDS)
    return pulse


# Which paths are looked at together


def test_each_root_is_looked_at_by_itself_unless_it_lies_in_another(tmp_path: Path) -> None:
    """Those that may have the same runs are together, also by way of a link."""
    for name in ("a", "b/c", "d"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    paths = [str(tmp_path / name) for name in ("a", "b", "d", "b/c", "link", "gone/x")]
    groups = grouped([place_of(path) for path in paths])
    named = [tuple(os.path.relpath(path, tmp_path) for path in group) for group in groups]
    assert sorted(map(sorted, named)) == [["a", "link"], ["b", "b/c"], ["d"], ["gone/x"]]


def test_many_roots_are_put_together_by_their_file_systems() -> None:
    """What lies on one either answers or does not; of what nobody knows each stays alone."""
    places = [Place(f"/{n}", f"/{n}", 1 if n < 3 else 2 if n < 5 else None) for n in range(7)]
    assert grouped(places, most=6) == [("/0", "/1", "/2"), ("/3", "/4"), ("/5",), ("/6",)]
    assert len(grouped(places, most=7)) == 7


def test_who_does_not_answer_is_not_waited_for() -> None:
    """The others are asked all the same, and it is not asked again."""
    never = threading.Event()

    def ask(path: str) -> str:
        if path == "hung":
            never.wait()
        return path.upper()

    assert ask_each(["a", "hung", "b", "c"], ask, 0.05) == {"a": "A", "b": "B", "c": "C"}
    never.set()


# Signs of life


def test_a_thread_without_a_sign_of_life_is_stuck_until_it_gives_one() -> None:
    """It is told when that changes, with the path at which it hangs and since when."""
    told: list[list[tuple[str, ...]]] = []
    pulse, other = Pulse(["/mnt/a"], 0.0), Pulse(["/b"], 0.0)
    pulses = Pulses([pulse, other], lambda all_: told.append([each.roots for each in all_.stuck]))
    pulse.beat(5.0, "/mnt/a/run")
    for at in (10.0, 19.0, 20.0, 25.0):
        other.beat(at)
        pulses.judge(at, NOW + at)
    assert (pulse.stuck_since, other.stuck_since, pulses.alive) == (NOW + 5, None, True)
    assert pulses.problems == {
        "/mnt/a": "does not answer at /mnt/a/run: not read since 2023-11-14 22:13:25 UTC"
    }
    pulse.beat(30.0)
    pulses.judge(30.5, NOW + 30.5)
    assert (pulse.stuck_since, pulse.times_stuck, told) == (None, 1, [[("/mnt/a",)], []])


def test_ready_does_not_wait_for_what_cannot_be_read() -> None:
    """One root is read, the other hangs: that is all there is for now."""
    fleet = Fleet(Exposition(), ())
    read = Pulse(["/b"], 0.0)
    read.ready = True
    pulse = Pulse(["/mnt/a"], 0.0)
    fleet.pulses = Pulses([pulse, read], fleet.note_pulses)
    fleet.note_pulses(fleet.pulses)
    assert not fleet.ready
    read.beat(STUCK_SECONDS)
    fleet.pulses.judge(STUCK_SECONDS, NOW)
    assert fleet.ready


def test_requests_do_not_all_hang_in_the_files_of_a_root() -> None:
    """A few may find out that it does not answer, the next ones do without its files."""
    pulse = Pulse(["/mnt/a"], 0.0)
    with pulse.asking() as first, pulse.asking() as second, pulse.asking(0.0) as third:
        assert (first, second, third) == (True, True, False)
    pulse.judge(STUCK_SECONDS, NOW)
    with pulse.asking() as may:
        assert not may


# What is told


def test_a_stuck_root_is_told_beside_the_health(site: Site) -> None:
    """As long as another is read the exporter is healthy; where none is, it is not."""
    hung(site.fleet, Pulse(["/b"], 0.0))
    answer = site.get("/-/healthy")
    assert (answer.status_code, "/mnt/hung: does not answer" in answer.text) == (200, True)
    hung(site.fleet)
    answer = site.get("/-/healthy")
    assert (answer.status_code, "No log is read" in answer.text, "/mnt/hung" in answer.text) == (
        503,
        True,
        True,
    )


def test_runs_of_a_stuck_root_say_that_they_are_not_read(site: Site) -> None:
    """In the list, on their page, in the API and as a series; as long as it is read nothing says so."""
    pulse, name = Pulse(["/mnt/hung"], 0.0), RUN.run
    site.fleet.publish(RUN, pulse=pulse)
    site.fleet.pulses = Pulses([pulse], site.fleet.note_pulses)
    paths = ("/api/v1/runs", "/api/v1/list", f"/api/v1/run?run={name}", f"/run?run={name}", "/")
    assert not any("unread" in site.get(path).text for path in paths)
    site.fleet.pulses.judge(STUCK_SECONDS, NOW + STUCK_SECONDS)
    assert site.get("/api/v1/runs").json()["runs"][0]["unread_since_timestamp"] == NOW
    assert site.get("/api/v1/list").json()["runs"][0]["unread_since_timestamp"] == NOW
    assert site.get(f"/api/v1/run?run={name}").json()["unread_since_timestamp"] == NOW
    series = f'llmtrain_exporter_run_unread_since_timestamp_seconds{{run="{name}"}}'
    assert f"{series} 1.7e+09" in site.get("/metrics").text
    assert 'id="unread"' in site.get(f"/run?run={name}").text
    assert "not read since" in site.get("/").text
    assert "自 2023-11-14" in site.get(f"/fragment/run?run={name}&lang=zh").text
    assert site.get(f"/api/v1/history?run={name}").status_code == 404  # of which no log is known
    pulse.beat(100.0)
    site.fleet.pulses.judge(100.0, NOW + 100)
    assert not any("unread" in site.get(path).text for path in paths)
    assert series not in site.get("/metrics").text


# The loops


class Barrier:
    """A file system below `root` that does not answer until it is told to."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers = threading.Event()
        self.hangs = threading.Event()  # set when somebody asks it
        for name in ("stat", "scandir", "open"):
            monkeypatch.setattr(os, name, self._blocking(getattr(os, name), str(root)))

    def _blocking(self, call: Callable[..., Any], root: str) -> Callable[..., Any]:
        def wait(path: Any, *args: Any, **more: Any) -> Any:
            if isinstance(path, str) and path.startswith(root):
                self.hangs.set()
                self.answers.wait()
            return call(path, *args, **more)

        return wait


def test_a_root_that_hangs_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New lines and new runs of the other root are seen while it hangs, and its own when it answers again."""
    log = append(tmp_path / "good" / "run" / "logging.jsonl", swift(1), modified=NOW)
    append(tmp_path / "hung" / "run" / "logging.jsonl", swift(1), modified=NOW)
    paths = tuple(str(tmp_path / name) for name in ("good", "hung"))
    fleet = Fleet(exposition := Exposition(), paths)
    good, bad = Watchers(Settings(paths=paths), fleet, Telemetry("0", fleet, exposition)).all
    barrier = Barrier(tmp_path / "hung", monkeypatch)
    thread = threading.Thread(target=search_and_read, args=(bad, 0.0, NOW), daemon=True)
    thread.start()
    assert barrier.hangs.wait(HANGS_SECONDS)
    search_and_read(good, 0.0, NOW)
    append(log, swift(2), modified=NOW + 1)
    append(tmp_path / "good" / "new" / "logging.jsonl", swift(7), modified=NOW + 1)
    search_and_read(good, 1.0, NOW + 1)
    assert {run.run: run.last_step for run in fleet.snapshots()} == {"good/run": 2, "good/new": 7}
    assert thread.is_alive()
    barrier.answers.set()
    thread.join(HANGS_SECONDS)
    assert {run.run for run in fleet.snapshots()} == {"good/run", "good/new", "hung/run"}
    assert fleet.ready


def test_names_are_those_of_one_search(tmp_path: Path) -> None:
    """Roots that are searched apart call their runs as roots that are searched together."""
    for name in ("x/a", "y/a", "y/b"):
        append(tmp_path / name / "run" / "logging.jsonl", swift(1), modified=NOW)
    (tmp_path / "x/a/link").symlink_to(tmp_path / "y/a/run")
    paths = tuple(str(tmp_path / name) for name in ("x/a", "y/a", "y/b"))
    together = discover.discover(paths, discover.SearchOptions(), NOW)
    fleet = Fleet(exposition := Exposition(), paths)
    for watcher in Watchers(Settings(paths=paths), fleet, Telemetry("0", fleet, exposition)).all:
        search_and_read(watcher, 0.0, NOW)
    assert {run.run for run in fleet.snapshots()} == {found.run for found in together.found}


def test_roots_come_and_go_with_the_settings(tmp_path: Path) -> None:
    """What stays is watched by the same thread; the runs of what is gone leave, those of what is new come."""
    for name in "abc":
        append(tmp_path / name / "run" / "logging.jsonl", swift(1), modified=NOW)
    paths = [str(tmp_path / name) for name in "abc"]
    fleet = Fleet(exposition := Exposition(), tuple(paths))
    all_ = Watchers(Settings(paths=tuple(paths[:2])), fleet, Telemetry("0", fleet, exposition))
    first, second = before = list(all_.all)

    def look(now: float) -> list[str]:
        for watcher in {*before, *all_.all}:
            watcher.take_changes(now)
            search_and_read(watcher, now - NOW, now)
        return [run.run for run in fleet.snapshots()]

    assert look(NOW) == ["a/run", "b/run"]
    all_.change(Settings(paths=tuple(paths[1:])))
    assert (all_.all[0], len(all_.all), first in all_.all) == (second, 2, False)
    assert [look(NOW + at) for at in range(1, 5)][-1] == ["b/run", "c/run"]
    assert [pulse.roots for pulse in fleet.pulses.all] == [(paths[1],), (paths[2],)]
    assert_ends(first)


def test_what_was_wrong_with_a_root_goes_with_it(tmp_path: Path) -> None:
    """No thread and no problem is left of it."""
    append(tmp_path / "there" / "run" / "logging.jsonl", swift(1), modified=NOW)
    paths = tuple(str(tmp_path / name) for name in ("there", "missing"))
    fleet = Fleet(exposition := Exposition(), paths)
    watchers = Watchers(Settings(paths=paths), fleet, Telemetry("0", fleet, exposition))
    _, missing = watchers.all
    search_and_read(missing, 0.0, NOW)
    assert list(fleet.problems) == [paths[1]]
    watchers.change(Settings(paths=paths[:1]))
    missing.take_changes(NOW)
    assert not fleet.problems
    assert_ends(missing)


def assert_ends(watcher: Watcher) -> None:
    """Its thread has nothing left to watch."""
    forever = SimpleNamespace(is_set=bool, wait=lambda _: pytest.fail("it goes on with nothing to watch"))
    watcher.run(forever)  # type: ignore[arg-type]


# The real thing


@contextmanager
def healthy_and_hung(tmp_path: Path) -> Iterator[tuple[Path, Any, ExporterProcess]]:
    """A log on disk, one on a mount that can hang, and an exporter that watches both."""
    log = append(tmp_path / "disk" / "run" / "logging.jsonl", swift(1))
    with (
        hanging_mount(tmp_path / "mount", "logging.jsonl", f"{swift(1)}\n".encode()) as mount,
        ExporterProcess([str(tmp_path / "disk"), str(tmp_path / "mount")]) as server,
    ):
        yield log, mount, server


@pytest.mark.real
def test_a_mount_that_never_answers(tmp_path: Path) -> None:
    """The run on disk goes on within a moment, the other one says that it is not read, and comes back."""
    with healthy_and_hung(tmp_path) as (log, mount, server):
        get = requests.Session().get

        def steps() -> dict[str, int]:
            runs = get(f"{server.url}/api/v1/runs", timeout=HANGS_SECONDS).json()["runs"]
            return {run["run"]: run["last_step"] for run in runs}

        def reached(run: str, step: int) -> bool:
            return steps()[run] == step

        assert eventually(lambda: len(steps()) == 2)
        mount.hang()
        took = []
        for step in range(2, 12):
            began = time.monotonic()
            append(log, swift(step))
            assert eventually(partial(reached, "disk/run", step))
            took.append(time.monotonic() - began)
        healthy = eventually(
            lambda: "does not answer" in (text := get(f"{server.url}/-/healthy").text) and text
        )
        assert "llmtrain-exporter is healthy" in healthy
        metrics = get(f"{server.url}/metrics").text
        assert f'llmtrain_exporter_root_stuck{{path="{tmp_path}/mount"}} 1.0' in metrics
        assert f'llmtrain_exporter_root_stuck{{path="{tmp_path}/disk"}} 0.0' in metrics
        assert 'llmtrain_exporter_run_unread_since_timestamp_seconds{run="mount"}' in metrics
        assert get(f"{server.url}/api/v1/history?run=mount").status_code == 503
        assert get(f"{server.url}/api/v1/history?run=disk/run").status_code == 200
        assert max(took) < STUCK_SECONDS
        mount.content += f"{swift(2)}\n".encode()
        mount.answer()
        assert eventually(lambda: steps()["mount"] == 2)
        assert eventually(lambda: "not answer" not in get(f"{server.url}/-/healthy").text)
