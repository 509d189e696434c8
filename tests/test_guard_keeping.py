"""What is kept stays as it was, whole or not at all, and nothing of others is ever touched."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from llmtrain_exporter.guard.keep.checkpoints import Checkpoint, found, is_complete
from llmtrain_exporter.guard.keep.disk import Disk, How
from llmtrain_exporter.guard.keep.keeping import Bounds, CheckpointKeeper
from llmtrain_exporter.guard.keep.kept_folder import KeptFolder
from llmtrain_exporter.guard.keep.marks import HealthMarks, Trouble
from llmtrain_exporter.guard.keep.obstacles import KeepingError, Obstacle, obstacle_of
from llmtrain_exporter.guard.keep.protecting import protect
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER

from tests.saved_checkpoints import DEEPSPEED, KINDS, PLAIN, save, write

LINKS = Disk(small_bytes=0)
"""Links whatever it can."""

PLENTY = Bounds(most=5, free_bytes=0)
CALLS = (
    *("open", "os.mkdir", "os.link", "os.rename", "os.remove", "os.rmdir", "os.utime", "os.chmod"),
    "fcntl.flock",
)
"""What a process asks the system for that can fail, and between which it can be killed."""


@dataclass(frozen=True)
class FullDisk(Disk):
    """A disk with so many bytes free, less what was copied since, plus what was removed of `of`."""

    free: int = 0
    of: Path = field(default_factory=Path)

    def free_bytes(self, folder: Path) -> int:  # noqa: ARG002
        """Hard links cost nothing; what lies in several folders is counted once."""
        files = [path.stat() for path in self.of.rglob("*") if path.is_file()]
        return self.free - sum({each.st_ino: each.st_size for each in files}.values())


def keeper(output: Path, bounds: Bounds = PLENTY, disk: Disk = LINKS) -> CheckpointKeeper:
    return CheckpointKeeper(output, bounds, said.append, count(1000.0).__next__, disk)


said: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_said() -> None:
    said.clear()


def checkpoint(output: Path, step: int) -> Checkpoint:
    return next(each for each in found(output) if each.step == step)


def kept_steps(output: Path) -> list[int]:
    return [each.step for each in keeper(output).kept()]


def contents(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in files_in(folder)}


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def logged(output: Path) -> list[tuple[str, int]]:
    lines = (output / KEPT_FOLDER / "log.jsonl").read_text().splitlines()
    return [(event["action"], event["step"]) for event in map(json.loads, lines)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("disk", [Disk(), LINKS], ids=["copies", "links"])
def test_what_is_kept_outlives_the_rotation(tmp_path: Path, kind: str, disk: Disk) -> None:
    """Byte for byte, with the times of its files, a checkpoint as any other."""
    folder = save(tmp_path, 20, KINDS[kind])
    before, written = contents(folder), checkpoint(tmp_path, 20).written
    assert keeper(tmp_path, disk=disk).keep(checkpoint(tmp_path, 20), "a warning")
    shutil.rmtree(folder)
    (kept,) = keeper(tmp_path).kept()
    assert (kept.step, kept.written, is_complete(kept.path)) == (20, written, True)
    assert contents(kept.path) == before
    assert said == []


def test_small_files_are_copied_and_large_ones_linked(tmp_path: Path) -> None:
    """No rotation waits for what is large; what is small, and rewritten in place, cannot change any more."""
    folder = save(tmp_path, 20)
    (folder / "model.safetensors").write_bytes(b"w" * 2000)
    os.utime(folder / "model.safetensors", (1_700_000_000, 1_700_000_000))
    assert keeper(tmp_path, disk=Disk(small_bytes=1000)).keep(checkpoint(tmp_path, 20), "")
    (kept,) = keeper(tmp_path).kept()
    linked = {path.name for path in kept.path.iterdir() if path.stat().st_nlink > 1}
    assert linked in ({"model.safetensors"}, set())  # none where the file system clones


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP])
def test_what_the_system_says_of_links_that_it_cannot_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """On another file system, or one without hard links: then there is the copy."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    save(tmp_path, 20)
    monkeypatch.setattr(os, "link", fail)
    assert keeper(tmp_path).keep(checkpoint(tmp_path, 20), "")
    assert kept_steps(tmp_path) == [20]


def test_keeping_once_more_does_nothing(tmp_path: Path) -> None:
    """Nor does a second guard, which finds what the first has kept."""
    save(tmp_path, 20)
    assert keeper(tmp_path).keep(checkpoint(tmp_path, 20), "")
    assert keeper(tmp_path).keep(checkpoint(tmp_path, 20), "")
    assert logged(tmp_path) == [("keep", 20)]


@pytest.mark.parametrize("kind", ["plain", "deepspeed", "fsdp"])
def test_before_a_step_is_saved_again_its_links_become_copies(tmp_path: Path, kind: str) -> None:
    """A run that is resumed writes into the files that are there; what is kept stays what it was."""
    for step in (10, 20, 30):
        save(tmp_path, step, KINDS[kind])
        assert keeper(tmp_path).keep(checkpoint(tmp_path, step), "")
    before = contents(tmp_path / KEPT_FOLDER / "checkpoint-20")
    assert keeper(tmp_path).part(11, "resumed at step 11")
    save(tmp_path, 20, KINDS[kind], count(1_900_000_000.0), "once more")
    assert contents(tmp_path / KEPT_FOLDER / "checkpoint-20") == before
    assert kept_steps(tmp_path) == [10, 20, 30]
    linked = [path for path in (tmp_path / KEPT_FOLDER / "checkpoint-10").rglob("*") if path.is_file()]
    assert all(path.stat().st_nlink > 1 for path in linked)
    assert logged(tmp_path)[-2:] == [("part", 20), ("part", 30)]


def test_what_another_save_has_changed_is_never_told_to_be_kept(tmp_path: Path) -> None:
    """Where nobody saw the run go back in time. It is removed: the trainer's own folder has all of it."""
    save(tmp_path, 20)
    keeper(tmp_path).keep(checkpoint(tmp_path, 20), "")
    write(tmp_path / "checkpoint-20", "optimizer.pt", 20, 1_900_000_000.0, "once more")
    assert kept_steps(tmp_path) == []
    before = contents(tmp_path / "checkpoint-20")
    keeper(tmp_path).tidy()
    assert not (tmp_path / KEPT_FOLDER / "checkpoint-20").exists()
    assert contents(tmp_path / "checkpoint-20") == before
    assert logged(tmp_path) == [("keep", 20), ("let_go", 20)]


def test_what_somebody_changed_in_the_kept_folder_is_set_aside(tmp_path: Path) -> None:
    """It may be theirs by now: nothing of it is lost, and nobody takes it for what was kept."""
    save(tmp_path, 20)
    keeper(tmp_path, disk=Disk()).keep(checkpoint(tmp_path, 20), "")
    (tmp_path / KEPT_FOLDER / "checkpoint-20/config.json").write_text("my own")
    keeper(tmp_path).tidy()
    assert kept_steps(tmp_path) == []
    assert (tmp_path / KEPT_FOLDER / "changed-checkpoint-20/config.json").read_text() == "my own"
    assert keeper(tmp_path).keep(checkpoint(tmp_path, 20), "")
    assert kept_steps(tmp_path) == [20]


def test_what_somebody_changed_is_set_aside_whatever_comes_first(tmp_path: Path) -> None:
    """It is kept anew, let go, or room is short: none of that removes what is not ours any more."""

    def keep_anew(ours: CheckpointKeeper) -> None:
        ours.keep(checkpoint(tmp_path, 20), "")

    def let_go(ours: CheckpointKeeper) -> None:
        ours.let_go(20, "")

    for at, work in enumerate((keep_anew, let_go, CheckpointKeeper.tidy)):
        save(tmp_path, 20, clock=count(1_700_000_000.0 + 1000 * at))
        ours = keeper(tmp_path, Bounds(5, 1 << 40 if at == 2 else 0), Disk())
        keeper(tmp_path, disk=Disk()).keep(checkpoint(tmp_path, 20), "")
        (tmp_path / KEPT_FOLDER / "checkpoint-20/config.json").write_text("my own")
        work(ours)
        aside = tmp_path / KEPT_FOLDER / "changed-checkpoint-20"
        assert (aside / "config.json").read_text() == "my own"
        shutil.rmtree(aside)
        ours.let_go(20, "")


def test_where_a_changed_one_lies_aside_already_the_next_stays_where_it_is(tmp_path: Path) -> None:
    """And is never told to be kept; that step is not kept any more."""
    save(tmp_path, 20)
    for _ in range(2):
        keeper(tmp_path, disk=Disk()).keep(checkpoint(tmp_path, 20), "")
        (tmp_path / KEPT_FOLDER / "checkpoint-20/config.json").write_text("my own")
        keeper(tmp_path).tidy()
    ours = keeper(tmp_path)
    assert not ours.keep(checkpoint(tmp_path, 20), "")
    assert (ours.kept(), ours.obstacles) == ([], {Obstacle.NOT_OURS: 1})
    assert (tmp_path / KEPT_FOLDER / "checkpoint-20/config.json").read_text() == "my own"


def test_an_older_save_is_not_let_go_for_a_newer_one_that_cannot_be_kept(tmp_path: Path) -> None:
    """There is no room for it."""
    save(tmp_path, 20)
    keeper(tmp_path, disk=Disk()).keep(checkpoint(tmp_path, 20), "")
    save(tmp_path, 20, clock=count(1_900_000_000.0), content="once more")
    assert not keeper(tmp_path, Bounds(5, 1 << 60)).keep(checkpoint(tmp_path, 20), "")
    assert kept_steps(tmp_path) == [20]


def test_one_that_cannot_be_parted_keeps_no_other_from_it(tmp_path: Path) -> None:
    """Room is there for the copy of the small one alone."""
    for step in (10, 20):
        save(tmp_path, step)
    (tmp_path / "checkpoint-10/model.safetensors").write_bytes(b"w" * 100_000)
    os.utime(tmp_path / "checkpoint-10/model.safetensors", (1_700_000_000, 1_700_000_000))
    for step in (10, 20):
        keeper(tmp_path).keep(checkpoint(tmp_path, step), "")
    used = -FullDisk(of=tmp_path).free_bytes(tmp_path)
    ours = keeper(tmp_path, PLENTY, FullDisk(0, used + 50_000, tmp_path))
    assert not ours.part(5, "")
    linked = {path.parent.name for path in files_in(tmp_path / KEPT_FOLDER) if path.stat().st_nlink > 1}
    assert (linked, ours.obstacles) == ({"checkpoint-10"}, {Obstacle.NO_ROOM: 1})
    assert kept_steps(tmp_path) == [10, 20]


def test_a_step_that_was_saved_anew_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """Where that is what is to be kept now."""
    save(tmp_path, 20)
    keeper(tmp_path, disk=Disk()).keep(checkpoint(tmp_path, 20), "")
    save(tmp_path, 20, clock=count(1_900_000_000.0), content="once more")
    assert kept_steps(tmp_path) == [20]
    assert keeper(tmp_path).keep(checkpoint(tmp_path, 20), "")
    assert contents(tmp_path / KEPT_FOLDER / "checkpoint-20") == contents(tmp_path / "checkpoint-20")
    assert logged(tmp_path) == [("keep", 20), ("let_go", 20), ("keep", 20)]


def test_nothing_is_removed_that_others_have_made(tmp_path: Path) -> None:
    """A checkpoint that somebody put there, a file in ours: all of it stays, and a word is said once."""
    theirs = save(tmp_path / KEPT_FOLDER, 10)
    for step in (10, 20):
        save(tmp_path, step)
    before = contents(theirs)
    ours = keeper(tmp_path)
    assert not ours.keep(checkpoint(tmp_path, 10), "")
    assert ours.keep(checkpoint(tmp_path, 20), "")
    (tmp_path / KEPT_FOLDER / "checkpoint-20/notes.txt").write_text("mine")
    ours.tidy()
    assert not ours.let_go(20, "")
    assert not ours.let_go(10, "")
    assert kept_steps(tmp_path) == [20]
    assert contents(theirs) == before
    assert (tmp_path / KEPT_FOLDER / "checkpoint-20/notes.txt").exists()
    assert ours.obstacles == {Obstacle.NOT_OURS: 2}
    assert len(said) == 1


@pytest.mark.parametrize("inside", ["checkpoint-20/weights.bin", "checkpoint-20/global_step20"])
def test_a_checkpoint_with_a_link_in_it_is_not_kept(tmp_path: Path, inside: str) -> None:
    """It could lead to any file of whoever runs the exporter."""
    save(tmp_path, 20)
    save(tmp_path, 30)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / inside).symlink_to(tmp_path / "elsewhere")
    ours = keeper(tmp_path)
    assert not ours.keep(Checkpoint(tmp_path / "checkpoint-20", 20, 0.0), "")
    assert ours.keep(checkpoint(tmp_path, 30), "")
    assert (ours.obstacles, len(said)) == ({Obstacle.LINK: 1}, 1)


def test_what_lies_behind_a_link_in_the_place_of_a_half_is_not_removed(tmp_path: Path) -> None:
    """A note may say anything: whoever may write into an output folder may not remove what the guard may."""
    output, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    kept = output / KEPT_FOLDER
    kept.mkdir(parents=True)
    (elsewhere / "within").mkdir(parents=True)
    for name in ("x", "within/y"):
        (elsewhere / name).write_text("mine")
    (kept / ".checkpoint-7.partial").symlink_to(elsewhere)
    files = {"x": [4, 1], "within/y": [4, 1]}
    (kept / "checkpoint-7.json").write_text(json.dumps({"version": 1, "step": 7, "files": files}))
    save(output, 5, PLAIN)
    assert keeper(output).keep(checkpoint(output, 5), "good")
    assert contents(elsewhere) == {"x": b"mine", "within/y": b"mine"}
    assert any("left as it is" in line for line in said)


def test_a_kept_checkpoint_that_was_moved_away_and_linked_is_not_removed(tmp_path: Path) -> None:
    """To a larger disk, say."""
    save(tmp_path, 5, PLAIN)
    keeper(tmp_path).keep(checkpoint(tmp_path, 5), "good")
    kept, larger = tmp_path / KEPT_FOLDER / "checkpoint-5", tmp_path / "larger"
    kept.rename(larger)
    kept.symlink_to(larger)
    before = contents(larger)
    assert not keeper(tmp_path).let_go(5, "too old")
    assert kept_steps(tmp_path) == []
    assert contents(larger) == before


@pytest.mark.parametrize("name", ["log.jsonl", ".lock"])
def test_a_link_in_the_place_of_its_own_files_is_not_written_through(tmp_path: Path, name: str) -> None:
    """Whatever it leads to stays as it is."""
    save(tmp_path, 5, PLAIN)
    (tmp_path / KEPT_FOLDER).mkdir()
    (tmp_path / "mine").write_text("mine")
    (tmp_path / KEPT_FOLDER / name).symlink_to(tmp_path / "mine")
    keeper(tmp_path).keep(checkpoint(tmp_path, 5), "good")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_kept_folder_that_is_a_link_is_not_written_to(tmp_path: Path) -> None:
    """It could lead out of the training's folder."""
    (tmp_path / "elsewhere").mkdir()
    save(tmp_path / "out", 20)
    (tmp_path / "out" / KEPT_FOLDER).symlink_to(tmp_path / "elsewhere")
    ours = keeper(tmp_path / "out")
    assert not ours.keep(checkpoint(tmp_path / "out", 20), "")
    ours.tidy()
    assert (ours.kept(), ours.obstacles) == ([], {Obstacle.NOT_OURS: 1})
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["../../precious", "/etc/hostname", "a/../../../precious"])
def test_a_note_that_names_what_lies_elsewhere_is_none(tmp_path: Path, name: str) -> None:
    """Whoever may write into the folder could have anything removed."""
    (tmp_path / "precious").write_text("mine")
    folder = tmp_path / "out" / KEPT_FOLDER
    folder.mkdir(parents=True)
    (folder / "checkpoint-20.json").write_text(
        json.dumps({"version": 1, "step": 20, "files": {name: [4, 0]}})
    )
    keeper(tmp_path / "out").tidy()
    assert keeper(tmp_path / "out").let_go(20, "")
    assert (tmp_path / "precious").read_text() == "mine"


def test_only_one_guard_works_in_a_folder(tmp_path: Path) -> None:
    """The exporter's and the training's own: one waits for its next turn."""
    save(tmp_path, 20)
    (tmp_path / KEPT_FOLDER).mkdir()
    ours = keeper(tmp_path)
    with KeptFolder(tmp_path).alone() as alone:
        assert alone
        assert not ours.keep(checkpoint(tmp_path, 20), "")
    assert ours.keep(checkpoint(tmp_path, 20), "")
    assert ours.obstacles == {Obstacle.BUSY: 1}


def test_disk_that_is_short_is_given_back_oldest_first(tmp_path: Path) -> None:
    """What the trainer still has frees nothing and stays."""
    size = 0
    for step in (10, 20, 30):
        folder = save(tmp_path, step)
        size = sum(path.stat().st_size for path in folder.iterdir())
        keeper(tmp_path).keep(checkpoint(tmp_path, step), "")
    shutil.rmtree(tmp_path / "checkpoint-10")
    shutil.rmtree(tmp_path / "checkpoint-20")
    used = -FullDisk(of=tmp_path).free_bytes(tmp_path)
    short = FullDisk(0, used + size // 2, tmp_path)
    ours = keeper(tmp_path, Bounds(5, size), short)
    ours.tidy()
    assert kept_steps(tmp_path) == [20, 30]
    kept = files_in(tmp_path / KEPT_FOLDER / "checkpoint-20")
    assert ours.bytes_held() == sum(path.stat().st_size for path in kept)
    keeper(tmp_path, Bounds(5, 10 * size), short).tidy()
    assert kept_steps(tmp_path) == [30]


def test_where_all_that_is_kept_gives_too_little_room_nothing_is_let_go_for_nothing(tmp_path: Path) -> None:
    """The checkpoint is not kept, and that is said."""
    for step in (10, 20):
        save(tmp_path, step)
    keeper(tmp_path).keep(checkpoint(tmp_path, 10), "")
    shutil.rmtree(tmp_path / "checkpoint-10")
    ours = keeper(tmp_path, Bounds(5, 1 << 40), FullDisk(0, 1000, tmp_path))
    assert not ours.keep(checkpoint(tmp_path, 20), "")
    assert kept_steps(tmp_path) == [10]
    assert ours.obstacles == {Obstacle.NO_ROOM: 1}


@pytest.mark.parametrize(
    ("code", "obstacle"),
    [
        (errno.EROFS, Obstacle.READ_ONLY),
        (errno.EACCES, Obstacle.PERMISSION),
        (errno.EPERM, Obstacle.PERMISSION),
        (errno.ENOSPC, Obstacle.NO_ROOM),
        (errno.EDQUOT, Obstacle.NO_ROOM),
        (errno.ESTALE, Obstacle.GONE),
        (errno.EIO, Obstacle.ERROR),
    ],
)
def test_what_the_system_says_is_told_in_words(code: int, obstacle: Obstacle) -> None:
    """With the system's own beside them, and nothing that could forge a line of a log."""
    error = OSError(code, os.strerror(code), "out\nforged")
    assert obstacle_of(error) is obstacle
    text = str(KeepingError(obstacle, str(error)))
    assert os.strerror(code) in text
    assert "\n" not in text


@pytest.mark.parametrize("call", CALLS)
def test_whatever_the_system_refuses_nothing_half_is_left_and_one_word_is_said(
    tmp_path: Path, call: str
) -> None:
    """At each kind of call, for each kind of reason; afterwards all goes on."""
    save(tmp_path, 20)
    before = contents(tmp_path / "checkpoint-20")
    for code in (errno.ENOSPC, errno.EACCES, errno.EIO):
        assert in_a_child(partial(refused, tmp_path, call, code)) == 0, errno.errorcode[code]
        looks_whole(tmp_path)
        assert contents(tmp_path / "checkpoint-20") == before
        ours = keeper(tmp_path)
        assert ours.keep(checkpoint(tmp_path, 20), "")
        assert ours.let_go(20, "")


def refused(output: Path, call: str, code: int) -> None:
    """All that a keeper does, while the system refuses that call below its folder; reading it does not."""
    below = str(output / KEPT_FOLDER)

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        reads = name == "open" and not set(str(arguments[1])) & set("wxa+")
        if name == call and not reads and (name == "fcntl.flock" or below in in_words(arguments)):
            raise OSError(code, os.strerror(code))

    ours = keeper(output)
    known = checkpoint(output, 20)
    sys.addaudithook(hook)
    for _ in range(3):
        ours.keep(known, "")
        ours.part(0, "")
        ours.let_go(20, "")
        ours.tidy()
        ours.kept()
    assert ours.obstacles or call in ("os.link", "os.chmod")  # instead of which there is a copy, or its mode
    assert len(said) == len(ours.obstacles) <= 2


def in_words(arguments: tuple[object, ...]) -> str:
    return " ".join(map(str, arguments))


def test_a_checkpoint_that_is_rotated_away_meanwhile_is_no_error(tmp_path: Path) -> None:
    """Nor is an output folder that is moved."""
    save(tmp_path / "out", 20)
    known = checkpoint(tmp_path / "out", 20)
    shutil.rmtree(known.path)
    ours = keeper(tmp_path / "out")
    assert not ours.keep(known, "")
    os.rename(tmp_path / "out", tmp_path / "moved")
    assert not ours.keep(known, "")
    assert (ours.kept(), ours.obstacles, len(said)) == ([], {Obstacle.GONE: 2}, 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("after", range(len(PLAIN) + 1))
@pytest.mark.parametrize("kind", [Disk(), LINKS], ids=["copies", "links"])
def test_a_rotation_or_a_save_in_the_midst_of_it_leaves_nothing_half(
    tmp_path: Path, kind: Disk, after: int
) -> None:
    """Whatever file it is at."""
    files = iter(range(len(PLAIN) + 1))

    class Disturbed(Disk):
        def double(self, source: Path, target: Path) -> How:
            done = super().double(source, target)
            if next(files) == after:
                disturb(source.parent)
            return done

    def disturb(folder: Path) -> None:
        shutil.rmtree(folder) if folder.name == "checkpoint-10" else write(
            folder, "optimizer.pt", 20, 1_900_000_000.0, "once more"
        )

    for step in (10, 20):
        save(tmp_path, step)
        files = iter(range(len(PLAIN) + 1))
        ours = keeper(tmp_path, disk=Disturbed(kind.small_bytes))
        kept = ours.keep(checkpoint(tmp_path, step), "")
        assert kept is (step in kept_steps(tmp_path))
        ours.tidy()
        left = {path.name for path in (tmp_path / KEPT_FOLDER).iterdir()} - {".lock", "log.jsonl"}
        assert left == ({f"checkpoint-{step}", f"checkpoint-{step}.json"} if kept else set())
        ours.let_go(step, "")


def test_a_checkpoint_that_is_being_written_is_not_kept(tmp_path: Path) -> None:
    """Though it was whole when it was found."""
    save(tmp_path, 20)
    known = checkpoint(tmp_path, 20)
    write(tmp_path / "checkpoint-20", "model.safetensors", 20, 1_900_000_000.0, "once more")
    ours = keeper(tmp_path)
    assert not ours.keep(known, "")
    assert (kept_steps(tmp_path), ours.obstacles) == ([], {Obstacle.CHANGED: 1})


def test_the_log_goes_on_after_a_line_that_was_cut_short(tmp_path: Path) -> None:
    """By a full disk, or a kill."""
    save(tmp_path, 20)
    (tmp_path / KEPT_FOLDER).mkdir()
    (tmp_path / KEPT_FOLDER / "log.jsonl").write_text('{"time": 1')
    keeper(tmp_path).keep(checkpoint(tmp_path, 20), "kl_high at step 23")
    event = json.loads((tmp_path / KEPT_FOLDER / "log.jsonl").read_text().splitlines()[1])
    assert event | {"details": {}} == {
        "time": 1000.0,
        "step": 20,
        "action": "keep",
        "because": "kl_high at step 23",
        "details": {},
    }
    assert event["details"]["bytes"] > 0


def test_a_ladder_is_kept_while_a_run_goes_on(tmp_path: Path) -> None:
    """With a rotation that leaves two: what was healthy at each age stays, and no more than is allowed."""
    ours = keeper(tmp_path)
    for step in range(5, 205, 5):
        save(tmp_path, step)
        protect(ours, found(tmp_path), HealthMarks(), "")
        shutil.rmtree(tmp_path / f"checkpoint-{step - 10}", ignore_errors=True)
    steps = [each.step for each in ours.kept()]
    assert steps == [125, 165, 185, 195, 200]
    assert contents(tmp_path / KEPT_FOLDER / "checkpoint-125")["optimizer.pt"] == b"optimizer.pt of step 125 "


def test_what_turns_out_to_be_ill_makes_room_for_what_is_good(tmp_path: Path) -> None:
    """But never goes before something good is kept."""
    for step in (10, 20, 30):
        save(tmp_path, step)
    ours = keeper(tmp_path, Bounds(2, 0))
    protect(ours, found(tmp_path), HealthMarks(), "")
    assert kept_steps(tmp_path) == [20, 30]
    ill = HealthMarks(troubles=[Trouble(15, None, critical=True)])
    protect(ours, found(tmp_path), ill, "")
    assert kept_steps(tmp_path) == [10]
    protect(ours, found(tmp_path), HealthMarks(troubles=[Trouble(5, None, critical=True)]), "")
    assert kept_steps(tmp_path) == [10]


def looks_whole(output: Path) -> None:
    """All that has the name of a checkpoint in the kept folder is one, and as it was saved."""
    for folder in (output / KEPT_FOLDER).glob("checkpoint-*[0-9]"):
        assert is_complete(folder), folder
        assert contents(folder) == contents(output / folder.name)


def work(output: Path, disk: Disk) -> None:
    """All that a keeper does: keeps, keeps anew, parts, lets go, tidies."""
    ours = keeper(output, Bounds(2, 0), disk)
    for step in (10, 20, 30):
        protect(ours, [each for each in found(output) if each.step <= step], HealthMarks(), "")
    ours.part(15, "")
    ours.let_go(20, "")
    ours.keep(checkpoint(output, 10), "")


def in_a_child(job: Callable[[], None]) -> int:
    """Run that in a process of its own; the signal that ended it, or its exit code, 0 where all was well."""
    child = os.fork()
    if not child:
        code = 1
        try:
            job()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def dying_at(call: int, job: Callable[[], None]) -> None:
    """The same, killed at that call of the system that changes something, or opens a file."""
    calls = count(1)

    def hook(name: str, _: tuple[object, ...]) -> None:
        if name in CALLS and next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    job()


@pytest.mark.parametrize(
    ("disk", "files", "apart"), [(Disk(), PLAIN, 3), (LINKS, DEEPSPEED, 5)], ids=["copies", "links"]
)
def test_killed_at_any_call_nothing_half_looks_whole_and_the_next_goes_on(
    tmp_path: Path, disk: Disk, files: tuple[str, ...], apart: int
) -> None:
    """At calls all over the work, in one folder: what a kill has left is what the next one finds."""
    for step in (10, 20, 30):
        save(tmp_path, step, files)
    before = {step: contents(tmp_path / f"checkpoint-{step}") for step in (10, 20, 30)}
    deaths = 0
    for call in count(1, apart):
        ended = in_a_child(partial(dying_at, call, partial(work, tmp_path, disk)))
        if not ended:
            break
        assert ended == signal.SIGKILL
        deaths += 1
        looks_whole(tmp_path)
    assert deaths >= 30
    assert {step: contents(tmp_path / f"checkpoint-{step}") for step in (10, 20, 30)} == before
    assert kept_steps(tmp_path) == [10, 30]
    left = {path.name for path in (tmp_path / KEPT_FOLDER).iterdir()}
    kept = {"checkpoint-10", "checkpoint-10.json", "checkpoint-30", "checkpoint-30.json"}
    assert left == {*kept, "log.jsonl", ".lock"}


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_nothing_half_looks_whole(tmp_path: Path, seed: int) -> None:
    """Ten kills from outside, wherever the process is by then: in the middle of a copy, too."""
    for step in (10, 20, 30):
        folder = save(tmp_path, step)
        text = f"model.safetensors of step {step} " * 40_000
        (folder / "model.safetensors").write_text(text)
        os.utime(folder / "model.safetensors", (1_700_000_000, 1_700_000_000))
    before = {step: contents(tmp_path / f"checkpoint-{step}") for step in (10, 20, 30)}
    chance = random.Random(seed)
    for _ in range(10):
        kill_after(chance.randrange(1, 150), tmp_path, Disk(small_bytes=chance.choice((0, 1 << 30))))
        looks_whole(tmp_path)
    work(tmp_path, Disk())
    assert kept_steps(tmp_path) == [10, 30]
    assert {step: contents(tmp_path / f"checkpoint-{step}") for step in (10, 20, 30)} == before


def kill_after(calls: int, output: Path, disk: Disk) -> None:
    """Kill a process that works without end, some time after it has made so many calls."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:

        def hook(name: str, _: tuple[object, ...]) -> None:
            if name in CALLS:
                os.write(writing, b".")

        sys.addaudithook(hook)
        while True:
            work(output, disk)
    for _ in range(calls):
        assert os.read(reading, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
