"""Folders that have not changed are not looked into again, and nothing is found later because of that."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from llmtrain_exporter.ingest import borders, known_folders
from llmtrain_exporter.ingest.discover import ALONE, Scan, SearchMemory, SearchOptions, discover
from llmtrain_exporter.ingest.folders import Folder, Holding
from llmtrain_exporter.ingest.known_folders import GRAIN_SECONDS, LOOKS_APART, MOST_FILES, KnownFolders

from tests.training import append, swift

OPTIONS = SearchOptions(ignore_older=None)
BEGIN = 1_800_000_000.0
LATER = 10.0
"""Seconds from one search to the next."""

ROW = swift(1) + "\n"
PRINTED = "{'loss': '5.647', 'grad_norm': '1.5', 'epoch': '0.96'}\n"


class Disk:
    """A file system that keeps the times of folders as coarsely as any does, by a clock that tests turn."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.now = BEGIN
        self._modified: dict[tuple[int, int], float] = {}
        monkeypatch.setattr(known_folders, "_times", self._times)

    def _times(self, state: os.stat_result) -> int:
        identity = state.st_dev, state.st_ino
        return hash((identity, self._modified.get(identity, 0.0)))

    def changed(self, folder: Path) -> None:
        """Something came to a folder, or went."""
        state = folder.stat()
        self._modified[state.st_dev, state.st_ino] = self.now // GRAIN_SECONDS * GRAIN_SECONDS

    def folder(self, path: Path) -> Path:
        """A folder, and those above it."""
        if not path.is_dir():
            self.folder(path.parent)
            path.mkdir()
            self.changed(path)
            self.changed(path.parent)
        return path

    def put(self, path: Path, text: str = ROW) -> Path:
        """A file with this text, made anew where there is one."""
        self.folder(path.parent)
        path.unlink(missing_ok=True)
        path.write_text(text)
        self.changed(path.parent)
        return path

    def append(self, path: Path, text: str) -> None:
        """No folder sees that."""
        with path.open("a") as file:
            file.write(text)


class Searches:
    """Searches of one folder, each with what the ones before have seen."""

    def __init__(self, disk: Disk, remembers: bool = True) -> None:
        self._disk = disk
        self._memory = SearchMemory(OPTIONS)
        if not remembers:
            self._memory.folders.holding = lambda *_: None  # type: ignore[method-assign]

    def __call__(self) -> Scan:
        return discover([str(self._disk.root)], OPTIONS, self._disk.now, ALONE, self._memory)

    def later(self) -> list[str]:
        """The runs that one more search finds, a while later."""
        self._disk.now += LATER
        return [found.run for found in self().found]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


@pytest.fixture
def search(disk: Disk) -> Searches:
    return Searches(disk)


@pytest.fixture
def looked_into(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were looked into, in their order."""
    found: list[str] = []
    scandir = os.scandir

    def noted(path: str) -> Iterator[os.DirEntry[str]]:
        found.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    return found


# --- what it costs


def test_a_folder_is_looked_into_twice_and_then_now_and_then(
    disk: Disk, search: Searches, looked_into: list[str]
) -> None:
    """By its number each has its turn, so that they are not all looked into at once."""
    for number in range(100):
        disk.put(disk.root / f"{number}" / "logging.jsonl")
    for _ in range(2):
        assert len(search.later()) == 100
        assert len(looked_into) == 101
        looked_into.clear()
    each_time = []
    for _ in range(LOOKS_APART):
        before = len(looked_into)
        assert len(search.later()) == 100
        each_time.append(len(looked_into) - before)
    assert len(set(looked_into)) == len(looked_into) == 101
    assert max(each_time) < 40


def test_a_folder_that_has_changed_is_looked_into_twice(
    disk: Disk, search: Searches, looked_into: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are not."""
    monkeypatch.setattr(known_folders, "LOOKS_APART", 10**9)
    disk.put(disk.root / "a" / "logging.jsonl")
    disk.put(disk.root / "b" / "logging.jsonl")
    search.later(), search.later()
    looked_into.clear()
    disk.put(disk.root / "b" / "more" / "logging.jsonl")
    assert search.later() == search.later() == search.later() == ["a", "b", "b/more"]
    assert sorted(looked_into) == [str(disk.root / name) for name in ("b", "b", "b/more", "b/more")]


def test_a_folder_with_very_many_files_is_not_remembered(
    disk: Disk, search: Searches, looked_into: list[str]
) -> None:
    """To list a data set of ten thousand files takes less than to keep them."""
    for number in range(MOST_FILES + 1):
        disk.put(disk.root / f"{number}.jsonl", '{"text": "a"}\n')
    for _ in range(5):
        search.later()
    assert len(looked_into) == 5


# --- what is found


NAMES = (
    *("logging.jsonl", "trainer_log.jsonl", "trainer_state.json", "train.log", "data.jsonl", "x.jsonl"),
    *("logging.jsonl.1", "notes.txt", "optimizer.pt", "model.log"),
)
FOLDERS = ("a", "b", "v0", "runs", "checkpoint-10", "logging.jsonl", ".hidden", "images")
TEXTS = (ROW, PRINTED, "", "Loading\n", '{"text": "a"}\n')


class Hands:
    """Somebody who does anything to a tree of folders, links and logs."""

    def __init__(self, disk: Disk, source: random.Random) -> None:
        self._disk = disk
        self._source = source
        self.acts = (
            *(self.make, self.write, self.write, self.write, self.grow, self.grow, self.empty),
            *(self.remove, self.clear, self.move, self.replace, self.link, self.unlink),
        )

    def act(self) -> None:
        """Do something, or nothing where it cannot be done."""
        self._source.choice(self.acts)()

    def folder(self, root: bool = True) -> Path:
        """Any; the root itself where that may be, or there is no other one."""
        found = [path for path in self._all() if path.is_dir() and not path.is_symlink()]
        return self._source.choice([self._disk.root, *found] if root or not found else found)

    def file(self) -> Path:
        """Any; one more where there is none."""
        found = [path for path in self._all() if path.is_file() and not path.is_symlink()]
        return self._source.choice(found or [self._disk.put(self._disk.root / "train.log", "")])

    def free(self) -> Path:
        """A place in which there is nothing."""
        path = self.folder() / self._source.choice((*NAMES, *FOLDERS))
        return path if path not in self._all() else path.with_name(f"{path.name}-{len(self._all())}")

    def make(self) -> None:
        path = self.folder() / self._source.choice(FOLDERS)
        if path not in self._all():
            self._disk.folder(path)

    def write(self) -> None:
        path = self.folder() / self._source.choice(NAMES)
        if not path.is_dir():
            self._disk.put(path, self._source.choice(TEXTS))

    def grow(self) -> None:
        self._disk.append(self.file(), self._source.choice(TEXTS))

    def empty(self) -> None:
        os.truncate(self.file(), 0)

    def remove(self) -> None:
        self._gone(self.file())

    def unlink(self) -> None:
        links = [path for path in self._all() if path.is_symlink()]
        if links:
            self._gone(self._source.choice(links))

    def clear(self) -> None:
        folder = self.folder(root=False)
        if folder != self._disk.root:
            shutil.rmtree(folder)
            self._disk.changed(folder.parent)

    def move(self) -> None:
        moved, target = self._source.choice((self.file(), self.folder(root=False))), self.free()
        if moved != self._disk.root and not target.is_relative_to(moved):
            moved.rename(target)
            self._disk.changed(moved.parent)
            self._disk.changed(target.parent)

    def replace(self) -> None:
        """As an editor does."""
        file = self.file()
        self._disk.put(file.with_name("written~"), self._source.choice(TEXTS)).replace(file)
        self._disk.changed(file.parent)

    def link(self) -> None:
        path = self.free()
        path.symlink_to(self._source.choice((self.file(), self.folder(), self._disk.root / "gone")))
        self._disk.changed(path.parent)

    def _gone(self, path: Path) -> None:
        path.unlink()
        self._disk.changed(path.parent)

    def _all(self) -> list[Path]:
        return sorted(self._disk.root.rglob("*"))


def told(scan: Scan) -> object:
    """All that a search has found."""
    return scan, scan.named_after, scan.passed, [found.basis for found in scan.found]


@pytest.mark.parametrize("seed", range(12))
def test_a_search_that_remembers_finds_what_one_finds_that_does_not(disk: Disk, seed: int) -> None:
    """Whatever happens between two searches, and however soon after one of them."""
    source = random.Random(seed)
    hands = Hands(disk, source)
    remembering, forgetful = Searches(disk), Searches(disk, remembers=False)
    for step in range(100):
        for _ in range(source.choice((0, 0, 1, 1, 2, 5))):
            hands.act()
            disk.now += source.choice((0.0, 0.0, 0.5, 1.5))
        assert told(remembering()) == told(forgetful()), step
        disk.now += source.choice((0.0, 0.5, 2.0, 10.0))


def test_a_file_that_becomes_a_log_is_found_though_its_folder_stays(
    disk: Disk, search: Searches, looked_into: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file that was not yet one, of any name."""
    monkeypatch.setattr(known_folders, "LOOKS_APART", 10**9)
    printed = disk.put(disk.root / "a" / "train.log", "")
    doubtful = disk.put(disk.root / "b" / "exp.jsonl", "")
    assert search.later() == search.later() == search.later() == []
    looked_into.clear()
    disk.append(printed, "Loading checkpoint shards\n")
    assert search.later() == []
    disk.append(printed, PRINTED)
    disk.append(doubtful, '{"step": 1, "data": {"actor/kl_loss": 0.1, "critic/rewards/mean": 0.5}}\n')
    assert search.later() == ["a/train", "b/exp"]
    assert not looked_into


def test_what_comes_to_a_folder_without_another_time_is_found_all_the_same(
    disk: Disk, search: Searches, tmp_path: Path, looked_into: list[str]
) -> None:
    """Late the first time; from then on no folder of that file system is believed."""
    disk.put(disk.root / "a" / "logging.jsonl")
    search.later(), search.later()
    for name in ("b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "logging.jsonl").write_text(ROW)
        if name == "b":
            assert ["a", "b"] in [search.later() for _ in range(LOOKS_APART)]
            search.later()
    assert search.later() == ["a", "b", "c"]
    looked_into.clear()
    search.later()
    assert len(looked_into) == 4


def test_what_comes_while_a_folder_is_looked_into_makes_no_liar_of_its_times(
    tmp_path: Path, looked_into: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a folder's times and the look into it somebody may write; the next search sees other times."""
    for number in range(40):
        append(tmp_path / f"{number}" / "logging.jsonl", swift(1))
    memory, scandir, raced = SearchMemory(OPTIONS), os.scandir, list[str]()

    def searched(times: int) -> list[str]:
        for at in range(times):
            found = discover([str(tmp_path)], OPTIONS, BEGIN + LATER * at, ALONE, memory).found
        return [run.run for run in found]

    def late(path: str) -> Iterator[os.DirEntry[str]]:
        if not raced and path != str(tmp_path):
            raced.append(path)
            append(Path(path) / "new" / "logging.jsonl", swift(1))
        return scandir(path)

    searched(3)
    monkeypatch.setattr(os, "scandir", late)
    searched(LOOKS_APART)
    assert f"{Path(raced[0]).name}/new" in searched(1)
    looked_into.clear()
    searched(LOOKS_APART)
    assert len(looked_into) < 2 * 42


def test_folders_of_a_bucket_are_always_looked_into(
    disk: Disk, search: Searches, looked_into: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their times may say nothing."""
    monkeypatch.setattr(known_folders, "fickle_devices", lambda: frozenset((disk.root.stat().st_dev,)))
    for _ in range(4):
        search.later()
    assert looked_into == [str(disk.root)] * 4


def test_other_settings_look_into_all_again(disk: Disk) -> None:
    """What is a log goes by them."""
    disk.put(disk.root / "1" / "console.txt", PRINTED)
    disk.put(disk.root / "1" / "2" / "logging.jsonl")
    memory = SearchMemory(OPTIONS)

    def names(options: SearchOptions) -> list[str]:
        disk.now += LATER
        scan = discover([str(disk.root)], options, disk.now, ALONE, memory)
        return [found.run for found in scan.found]

    for _ in range(3):
        assert names(OPTIONS) == ["1/2"]
    assert names(SearchOptions(stdout_log=("*.txt",), ignore_older=None)) == ["1/2", "1/console"]
    assert names(SearchOptions(max_depth=1, ignore_older=None)) == []


# --- when a folder is believed


def state(modified: float, inode: int = 1) -> os.stat_result:
    """Of a folder."""
    whole = (0o40755, inode, 7, 2, 0, 0, 4096, 0, int(modified), int(modified))
    return os.stat_result(whole, {"st_mtime_ns": int(modified * 1e9), "st_ctime_ns": int(modified * 1e9)})


@pytest.mark.parametrize(("apart", "believed"), [(GRAIN_SECONDS - 0.1, False), (GRAIN_SECONDS, True)])
@pytest.mark.parametrize("behind", [-3600.0, 0.0, 3600.0])
def test_a_folder_is_believed_when_its_times_have_stood(apart: float, believed: bool, behind: float) -> None:
    """What came right after a look may have the time of what was seen. A file server's clock may be off."""
    known = KnownFolders()
    folder = Folder("/runs", 0, "", 0, linked=False, inside=False, known=known.begin_at("/runs", 0))
    for now in (BEGIN, BEGIN + apart):
        known.begin_search("same", now)
        assert known.holding(folder, state(BEGIN - behind)) is None
        known.note(folder, state(BEGIN - behind), Holding())
    known.begin_search("same", BEGIN + LATER)
    assert (known.holding(folder, state(BEGIN - behind)) is not None) is believed
    assert known.holding(folder, state(BEGIN - behind + 0.001)) is None
    assert known.holding(folder, state(BEGIN - behind, inode=2)) is None
    assert known.holding(folder._replace(inside=True), state(BEGIN - behind)) is None


def test_file_systems_whose_folders_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets and folders that another system lends, by the kinds that the kernel tells."""
    kinds = ("ext4", "nfs4", "lustre", "overlay", "fuse.gcsfuse", "fuse", "9p", "smb3", "cifs", "virtiofs")
    lines = [f"3{at} 1 0:{at} / /mnt/{kind} rw - {kind} {kind} rw\n" for at, kind in enumerate(kinds)]
    mounts = tmp_path / "mountinfo"
    mounts.write_text("".join(lines))
    monkeypatch.setattr(borders, "_MOUNTS", str(mounts))
    assert borders.fickle_devices() == {os.makedev(0, at) for at in range(4, 10)}


# --- what is found anew


def test_a_run_that_has_not_changed_is_the_very_same(disk: Disk, search: Searches) -> None:
    """Thousands of equal objects are not made with each search; one whose log grew is another one."""
    quiet = disk.put(disk.root / "quiet" / "logging.jsonl")
    growing = disk.put(disk.root / "growing" / "logging.jsonl")
    first = {found.path: found for found in search().found}
    disk.append(growing, ROW)
    again = {found.path: found for found in search().found}
    assert again[str(quiet)] is first[str(quiet)]
    assert again[str(growing)].size == 2 * first[str(growing)].size
