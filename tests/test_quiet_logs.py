"""What the kernel tells of logs, and that nothing is lost where it does not: real files, real watches."""

from __future__ import annotations

import errno
import logging
import os
import random
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest import borders, stirrings
from llmtrain_exporter.ingest.borders import tells_of_writes
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.ingest.stirrings import Allowance, Stirrings, Told
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.quiet_logs import LOOK_AT_ALL_SECONDS, QuietLogs
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watchers import Watchers
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.tracked_log import TrackedLog

from tests.test_watch import Loop
from tests.training import append, swift

inotify_simple = pytest.importorskip("inotify_simple")  # another system has none
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")

SCHEDULES = int(os.environ.get("FOLLOW_SCHEDULES", "24"))
ACTS = 25
SETTLES_SECONDS = 50  # a replaced log is drained for up to 30 s, its path looked at each 10 s


@pytest.fixture(autouse=True)
def _believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the tests may lie on an overlay; what is made there anew is told of all the same."""
    monkeypatch.setattr(stirrings, "tells_of_writes", lambda _: True)


class Folder:
    """Logs in a folder and who knows which of them are quiet; reads them as the loop does, by hand."""

    def __init__(self, root: Path, *names: str, allowance: Allowance | None = None) -> None:
        self.root = root
        self.now = 0.0
        self.asked: list[str] = []  # logs whose sizes were asked for
        self.stirrings = Stirrings(allowance or Allowance())
        self.quiet: QuietLogs[TrackedLog] = QuietLogs(self.stirrings)
        self.logs = {name: self._log(append(root / name, swift(1))) for name in names}
        self.quiet.arrange(self.logs.values())
        self.rounds(3)
        self.asked.clear()

    def _log(self, path: Path) -> TrackedLog:
        found = Found(str(path), path.name, registered()["swift"], 0.0, 0, (0, 0), ())
        log = TrackedLog(found, path.name, open_source(found, Readers()))
        grown = log.grown

        def ask() -> bool:
            self.asked.append(path.name)
            return grown()

        log.grown = ask
        return log

    def rounds(self, times: int = 1, seconds: float = 0.2) -> list[str]:
        """Go round so often; the logs of which something was read."""
        read = []
        for _ in range(times):
            self.now += seconds
            for log in self.quiet.stirred(self.now):
                self.quiet.disturb(log)
                if log.source.poll(self.now) is not None:
                    read.append(log.name)
        return read

    def add(self, name: str) -> None:
        """Write one more row."""
        append(self.root / name, swift(2))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Two logs at rest, just looked at."""
    return Folder(tmp_path, "a", "b")


def test_a_quiet_log_is_not_asked_and_a_new_row_is_told(folder: Folder) -> None:
    """Of thousands of logs only those are touched that were written to."""
    assert folder.rounds(20) == []
    assert folder.asked == []
    folder.add("b")
    assert folder.rounds() == ["b"]
    assert folder.rounds(3) == []
    assert set(folder.asked) == {"b"}


def test_all_logs_are_looked_at_now_and_then(folder: Folder) -> None:
    """Not all is told."""
    folder.rounds(round(2 * LOOK_AT_ALL_SECONDS / 0.2))
    assert sorted(folder.asked) == ["a", "a", "b", "b"]


def test_a_log_that_is_not_told_of_is_looked_at_from_then_on(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rows are found late; by then it is known that the kernel does not see who writes."""
    monkeypatch.setattr(Stirrings, "told", lambda _: Told())
    for _ in range(2):
        folder.add("a")
        assert folder.rounds() == []
        assert folder.rounds(1, LOOK_AT_ALL_SECONDS) == ["a"]
        folder.rounds(2)
    folder.rounds(1, LOOK_AT_ALL_SECONDS)
    monkeypatch.undo()
    folder.rounds(2)
    folder.add("a")
    assert folder.rounds() == ["a"]
    assert [folder.quiet.is_told_of(log) for log in folder.logs.values()] == [False, True]


def test_what_was_found_before_it_was_told_of_makes_nobody_a_liar(folder: Folder) -> None:
    """A look may see a row in the moment before the kernel tells of it."""
    told = folder.stirrings.told
    for _ in range(3):
        folder.stirrings.told = Told  # type: ignore[method-assign]
        folder.add("a")
        assert folder.rounds(1, LOOK_AT_ALL_SECONDS) == ["a"]
        folder.stirrings.told = told  # type: ignore[method-assign]
        folder.rounds(3)
    assert folder.quiet.is_told_of(folder.logs["a"])


def test_where_too_much_is_told_at_once_all_are_looked_at(folder: Folder) -> None:
    """The kernel keeps so many events and drops the rest."""
    room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with (folder.root / "a").open("r+b", buffering=0) as log:
        for _ in range(room // 2 + 1):  # two kinds in turn: the kernel makes one event of equal ones
            log.write(b"{")
            log.seek(0)
            os.fchmod(log.fileno(), 0o600)
    folder.add("b")
    assert folder.rounds() == ["b"]
    folder.add("b")
    folder.rounds()
    folder.add("a")
    assert folder.rounds() == ["a"]


def test_a_watch_that_the_kernel_takes_away_is_set_again(folder: Folder) -> None:
    """As when a file system is unmounted."""
    folder.stirrings.leave(folder.stirrings.watch(folder.logs["a"].source.place[0]))  # type: ignore[index, arg-type]
    folder.rounds(2)
    folder.add("a")
    assert folder.rounds() == ["a"]


def test_a_file_of_two_paths_is_read_by_both(tmp_path: Path) -> None:
    """There is one watch for a file, whatever its names."""
    append(tmp_path / "a", swift(1))
    os.link(tmp_path / "a", tmp_path / "b")
    folder = Folder(tmp_path, "a", "b")
    for _ in range(3):
        folder.add("a")
        assert sorted(folder.rounds()) == ["a", "b"]
        folder.rounds(2)
    folder.quiet.arrange([folder.logs["b"]])
    folder.rounds(3)
    folder.add("a")
    assert folder.rounds() == ["b"]


@pytest.mark.parametrize("refuse", ["add_watch", "__init__"])
def test_where_the_system_has_no_room_for_watches_logs_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, refuse: str
) -> None:
    """A user may have so many watches, and so many places to be told at. It is said once."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(inotify_simple.INotify, refuse, full)
    caplog.set_level(logging.INFO)
    folder = Folder(tmp_path, "a", "b")
    for name in "abab":
        folder.add(name)
        assert folder.rounds() == [name]
    assert sum("No space left" in record.getMessage() for record in caplog.records) == 1


def test_others_of_the_same_user_have_watches_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A share of them is taken; the other logs are looked at, and watched when there is room."""
    monkeypatch.setattr(stirrings, "most_watches", lambda: 2)
    caplog.set_level(logging.INFO)
    folder = Folder(tmp_path, "a", "b", "c")
    told = [name for name, log in folder.logs.items() if folder.quiet.is_told_of(log)]
    assert len(told) == 2
    for name in "abcabc":
        folder.add(name)
        assert folder.rounds() == [name]
    assert sum("fair share" in record.getMessage() for record in caplog.records) == 1
    folder.quiet.arrange([log for name, log in folder.logs.items() if name != told[0]])
    folder.add("c" if "c" not in told else "b")
    folder.rounds(3)
    assert sum(map(folder.quiet.is_told_of, folder.logs.values())) == 2


def test_threads_have_one_share_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many folders are watched; what one of them gives back another one can take."""
    monkeypatch.setattr(stirrings, "most_watches", lambda: 3)
    allowance = Allowance()
    for name in "xyz":
        (tmp_path / name).mkdir()
    first, second = (Folder(tmp_path / name, "a", "b", allowance=allowance) for name in "xy")

    def told(folder: Folder) -> int:
        return sum(map(folder.quiet.is_told_of, folder.logs.values()))

    assert (told(first), told(second)) == (2, 1)
    first.quiet.close()
    second.add("a")
    second.add("b")
    assert sorted(second.rounds(3)) == ["a", "b"]
    assert told(second) == 2
    assert told(Folder(tmp_path / "z", "a", "b", allowance=allowance)) == 1


def test_the_watchers_of_one_exporter_have_one_share(tmp_path: Path) -> None:
    """Each has a thread of its own."""
    roots = [tmp_path / name for name in "xy"]
    for root in roots:
        append(root / "logging.jsonl", swift(1))
    paths = tuple(map(str, roots))
    fleet = Fleet(exposition := Exposition(), paths)
    watchers = Watchers(Settings(paths=paths), fleet, Telemetry("0", fleet, exposition))
    one, other = (watcher._logs._stirrings._allowance for watcher in watchers.all)
    assert one is other


def test_the_share_is_of_what_the_system_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it says that; else there is no limit but its own."""
    for limit, most in (("8192\n", 2048), ("many\n", sys.maxsize)):
        (tmp_path / "limit").write_text(limit)
        monkeypatch.setattr(stirrings, "_LIMIT", str(tmp_path / "limit"))
        assert stirrings.most_watches() == most


@pytest.mark.parametrize("lacks", ["library", "belief"])
def test_where_nothing_tells_logs_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    """Another system, or a file server: with each round, for what it may cost."""
    if lacks == "library":
        monkeypatch.setattr(stirrings, "INotify", None)
    else:
        monkeypatch.setattr(stirrings, "tells_of_writes", lambda _: False)
    folder = Folder(tmp_path, "a", "b")
    folder.add("b")
    folder.now += 0.2
    assert folder.quiet.stirred(folder.now, looks=False) == []
    assert folder.rounds() == ["b"]
    assert not any(map(folder.quiet.is_told_of, folder.logs.values()))


@pytest.mark.parametrize(
    ("change", "seconds"),
    [
        (lambda path: path.rename(path.with_name("away")), 0.2),
        (lambda path: path.unlink(), 0.2),
        (lambda path: path.write_bytes(path.read_bytes()), 3.2),
        (lambda _: None, None),
    ],
    ids=["renamed", "removed", "rewritten to the same size", "left alone"],
)
def test_the_path_of_a_log_is_looked_at_when_something_happened_to_its_file(
    folder: Folder, change: Callable[[Path], object], seconds: float | None
) -> None:
    """One that is left alone has its path looked at as rarely as its size."""
    log = folder.logs["a"]
    log.check_at = folder.now + LOOK_AT_ALL_SECONDS
    began = folder.now
    change(folder.root / "a")
    folder.rounds()
    assert log.check_at - began == pytest.approx(LOOK_AT_ALL_SECONDS if seconds is None else seconds)


def test_a_log_that_is_replaced_is_told_of_under_its_new_file(folder: Folder) -> None:
    """The watch goes with the file that is read."""
    made = append(folder.root / "made", swift(7))
    made.replace(folder.root / "a")
    folder.rounds()
    folder.logs["a"].check_path(folder.now)
    folder.quiet.disturb(folder.logs["a"])
    assert "a" in folder.rounds(20)
    assert folder.quiet.is_told_of(folder.logs["a"])
    folder.asked.clear()
    assert folder.rounds() == []
    assert folder.asked == []
    folder.add("a")
    assert folder.rounds() == ["a"]


def test_watches_are_given_back(folder: Folder) -> None:
    """When a log is let go, and at the end; no program that is started gets them."""
    inotify = folder.stirrings._opened()
    numbers = Path(f"/proc/self/fdinfo/{inotify.fileno()}")
    assert not os.get_inheritable(inotify.fileno())
    assert numbers.read_text().count("inotify wd") == 2
    folder.quiet.arrange([folder.logs["b"]])
    assert numbers.read_text().count("inotify wd") == 1
    folder.add("a")
    folder.add("b")
    assert folder.rounds() == ["b"]
    folder.quiet.close()
    assert inotify.closed
    assert folder.rounds() == []


@pytest.mark.parametrize(
    ("kind", "tells"),
    [
        *((kind, True) for kind in ("ext4", "xfs", "btrfs", "zfs", "tmpfs")),
        *((kind, False) for kind in ("nfs4", "cifs", "9p", "fuse.sshfs", "overlay", "lustre", "virtiofs")),
    ],
)
def test_file_systems_that_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, tells: bool
) -> None:
    """Those of this machine alone, by the mount on which a file lies; none that is not known."""
    with (tmp_path / "log").open("w") as file:
        told = Path(f"/proc/self/fdinfo/{file.fileno()}").read_text()
        number = told.partition("mnt_id:")[2].split()[0]
        mounts = tmp_path / "mountinfo"
        mounts.write_text(
            f"{number} 1 0:7 / /here rw - {kind} {kind} rw\n{number}0 1 0:8 / / rw - ext4 ext4 rw\n"
        )
        monkeypatch.setattr(borders, "_MOUNTS", str(mounts))
        assert tells_of_writes(file.fileno()) is tells
        mounts.unlink()
        assert not tells_of_writes(file.fileno())
    assert not tells_of_writes(1 << 20)


# --- the whole loop


class Life:
    """Two logs of a folder, and what becomes of them."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.steps = count(1)
        self.names = count(1)
        self.paths = [root / name / "logging.jsonl" for name in ("one", "two")]
        for path in self.paths:
            self.append(path)

    def rows(self) -> str:
        """Some that were written nowhere else."""
        return "".join(f"{swift(next(self.steps))}\n" for _ in range(self.random.randint(1, 4)))

    def act(self) -> None:
        """Do anything to one of them."""
        path = self.random.choice(self.paths)
        acts = [self.append] * 4 + [
            *(self.rewrite, self.replace, self.lengthen, self.rotate, self.away_and_back),
            *(self.rename_folder, self.link, self.append_in_two),
        ]
        self.random.choice(acts)(path)

    def append(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as log:
            log.write(self.rows())

    def append_in_two(self, path: Path) -> None:
        rows = self.rows()
        for part in (rows[:7], rows[7:]):
            with path.open("a") as log:
                log.write(part)

    def rewrite(self, path: Path) -> None:
        path.write_text(self.rows())

    def replace(self, path: Path) -> None:
        self._new(self.rows()).replace(path)

    def lengthen(self, path: Path) -> None:
        self._new(path.read_text() + self.rows()).replace(path)

    def rotate(self, path: Path) -> None:
        path.rename(path.with_name(f"old{next(self.names)}"))
        self.append(path)

    def away_and_back(self, path: Path) -> None:
        path.rename(path.with_name("away")).rename(path)

    def rename_folder(self, path: Path) -> None:
        path.parent.rename(path.parent.with_name(f".{next(self.names)}"))
        self.append(path)

    def link(self, path: Path) -> None:
        """Both paths lead to one file from now on."""
        other = self.paths[1 - self.paths.index(path)]
        other.unlink()
        os.link(path, other)

    def _new(self, text: str) -> Path:
        made = self.paths[0].parent.parent / "made"
        made.write_text(text)
        return made


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_what_is_read_is_the_same_whether_told_or_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whatever becomes of logs: all that stands there in the end was read, and once."""
    (tmp_path / "runs").mkdir()
    life = Life(tmp_path / "runs", seed)
    told = _loop(tmp_path / "runs")
    with monkeypatch.context() as patch:
        patch.setattr(stirrings, "INotify", None)
        looking = _loop(tmp_path / "runs")

        def look(loop: Loop, times: int) -> None:
            patch.setattr(stirrings, "INotify", None if loop is looking else STIRS)
            for _ in range(times):
                loop.look()

        for _ in range(ACTS):
            life.act()
            for loop, times in ((told, life.random.randint(0, 9)), (looking, life.random.randint(0, 9))):
                look(loop, times)
        for path in life.paths:
            life.append(path)
        for loop in (told, looking):
            look(loop, SETTLES_SECONDS * 5)
    assert _read(told) == _read(looking) == {str(path): path.stat().st_size for path in life.paths}
    assert [told.value(run, "step") for run in told.runs] == [
        looking.value(run, "step") for run in looking.runs
    ]


STIRS = inotify_simple.INotify


def _loop(root: Path) -> Loop:
    """A loop over files that are written now."""
    loop = Loop(root)
    loop.now = time.time()
    loop.scan()
    return loop


def _read(loop: Loop) -> dict[str, int]:
    """The bytes that were read of each log since it was begun."""
    return {run.found.path: run.bytes_read for run in loop.watcher._runs if isinstance(run, LiveRun)}
