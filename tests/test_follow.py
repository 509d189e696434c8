"""Following one growing file: a test for each rule, and each way in which tailers lose or invent lines."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import resource
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from llmtrain_exporter.ingest import consumed, fingerprint, follow
from llmtrain_exporter.ingest.follow import Batch, Follower, open_regular
from llmtrain_exporter.ingest.open_files import raise_descriptor_limit


class Scene:
    """A log, its follower, and monotonic seconds that pass only when told to."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.now = 1000.0
        self.follower = Follower(str(log))

    def follow(self, *, chunk: int = 1 << 20, max_line: int = 64 << 20, patient: bool = True) -> Follower:
        """Begins anew with these limits."""
        self.follower.close()
        self.follower = Follower(str(self.log), chunk=chunk, max_line=max_line, patient=patient)
        return self.follower

    def write(self, data: bytes, *, to: Path | None = None) -> None:
        """Appends as a trainer does: open, write, close."""
        with (to or self.log).open("ab") as file:
            file.write(data)

    def rotate(self) -> Path:
        return self.log.rename(self.log.with_name(self.log.name + ".1"))

    def poll(self, after: float = 0.0) -> Batch | None:
        self.now += after
        return self.follower.poll(self.now)

    def batches(self) -> list[Batch]:
        """All that polling finds until it finds nothing."""
        return list(iter(self.poll, None))

    def lines(self) -> list[bytes]:
        return lines_of(self.batches())

    def settle(self) -> list[Batch]:
        """The same, with time for a replaced file to be left and for NULs to be given up."""
        found = self.batches()
        for _ in range(follow.QUIET_POLLS + follow.NUL_POLLS + 2):
            self.now += max(follow.QUIET_SECONDS, follow.NUL_SECONDS)
            found += self.batches()
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path / "logging.jsonl")
    yield scene
    scene.follower.close()


def lines_of(batches: list[Batch]) -> list[bytes]:
    return [line for batch in batches for line in batch.lines]


def dropped(batches: list[Batch], reason: str) -> int:
    return sum(batch.dropped.get(reason, 0) for batch in batches)


def system(**calls: Callable[..., object]) -> SimpleNamespace:
    """The module os as the follower sees it, with other system calls."""
    return SimpleNamespace(**{**vars(os), **calls})


def stale(*_: object) -> None:
    raise OSError(errno.ESTALE, "Stale file handle")


def next_descriptor() -> int:
    """The number that the next opened file would get: it grows when a descriptor is lost."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def never(*_: object) -> None:
    raise AssertionError("a system call that should not be made")


# --- whole lines


def test_hands_on_whole_lines_and_only_those(scene: Scene) -> None:
    """A half line at the end waits, however often it is looked at, and comes whole when it is whole."""
    scene.write(b'{"a": 1}\n{"b"')
    assert scene.lines() == [b'{"a": 1}']
    assert scene.lines() == []
    scene.write(b": 2")
    assert scene.lines() == []
    assert scene.follower.unfinished == b'{"b": 2'
    scene.write(b'}\n{"c": 3}\n')
    assert scene.lines() == [b'{"b": 2}', b'{"c": 3}']


def test_a_half_line_is_told_only_to_those_who_ask(scene: Scene) -> None:
    """The last line of a finished log may lack its end: it is there for the asking, not among the lines."""
    scene.write(b"one\ntwo")
    assert scene.lines() == [b"one"]
    assert scene.follower.unfinished == b"two"


def test_lines_are_bytes_as_they_stand(scene: Scene) -> None:
    """Carriage returns, empty lines, bytes that are no text stay; characters are not torn at chunk ends."""
    text = "步骤\n".encode() * 5 + b"10%\r20%\r{'loss': 1}\n\n\xff\xfe\nlast\r\n"
    scene.write(text)
    scene.follow(chunk=4)
    assert scene.lines() == text.split(b"\n")[:-1]


def test_a_poll_reads_no_more_than_a_chunk(scene: Scene) -> None:
    """Each batch holds what a chunk completed, and says whether there is more to read at once."""
    scene.write(b"0123456\n" * 5)
    scene.follow(chunk=16)
    found = scene.batches()
    assert [(len(batch.lines), batch.more) for batch in found] == [(2, True), (2, True), (1, False)]


def test_a_long_line_comes_in_many_polls(scene: Scene) -> None:
    """While a line of several chunks is on its way, batches without lines say that there is more."""
    scene.write(b"x" * 50 + b"\n")
    scene.follow(chunk=16)
    found = scene.batches()
    assert [(batch.lines, batch.more) for batch in found] == [([], True)] * 3 + [([b"x" * 50], False)]


def test_a_batch_says_when_its_file_was_written(scene: Scene) -> None:
    """`modified` is the time of the file, not that of the reader."""
    scene.write(b"one\n")
    os.utime(scene.log, (1.0, 1234567.25))
    (batch,) = scene.batches()
    assert batch.modified == 1234567.25


def test_an_empty_file_has_nothing_to_say(scene: Scene) -> None:
    """A log that was created and not yet written is neither an error nor news."""
    scene.log.touch()
    assert scene.poll() is None
    assert scene.follower.error is None
    assert not scene.follower.grown()


def test_a_link_is_followed_to_the_identity_of_its_file(scene: Scene) -> None:
    """Two paths to one file show the same identity once opened, so that the file gets one owner."""
    scene.write(b"one\n")
    link = scene.log.with_name("latest")
    link.symlink_to(scene.log)
    state = scene.log.stat()
    for path in (scene.log, link):
        with contextlib.closing(Follower(str(path))) as follower:
            assert follower.poll(0.0)
            assert follower.identity == (state.st_dev, state.st_ino)


# --- the cheap question


def test_grown_is_true_when_there_may_be_news(scene: Scene) -> None:
    """Before the first opening, after growth and after shrinking, and not in between."""
    scene.write(b"one\ntwo\n")
    assert scene.follower.grown()
    scene.batches()
    assert not scene.follower.grown()
    scene.write(b"three\n")
    assert scene.follower.grown()
    scene.batches()
    assert not scene.follower.grown()
    os.truncate(scene.log, 2)
    assert scene.follower.grown()


def test_grown_asks_the_descriptor_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The idle loop costs one lseek per file: no path is looked up."""
    scene.write(b"one\n")
    scene.batches()
    monkeypatch.setattr(follow, "os", system(stat=never, fstat=never, open=never))
    assert not scene.follower.grown()


# --- rewritten in place


@pytest.mark.parametrize("rewritten", [b"n\n", b"new one\n", b"the new file is longer than the old one\n"])
def test_a_rewritten_file_starts_anew(scene: Scene, rewritten: bytes) -> None:
    """Shorter, as long or longer than what was read: the tail tells, and the batch says so once."""
    scene.write(b"old one\nold")
    scene.batches()
    scene.log.write_bytes(rewritten)
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([rewritten[:-1]], True)
    assert scene.follower.generation == 1
    scene.write(b"next\n")
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([b"next"], False)


def test_a_file_rewritten_to_the_same_size_is_noticed_by_its_time(scene: Scene) -> None:
    """The size says nothing, so the look at the path asks for the time of the last change too."""
    scene.write(b"old one\n")
    scene.batches()
    scene.log.write_bytes(b"new one\n")
    os.utime(scene.log, ns=(1, 1))
    assert not scene.follower.grown()
    scene.follower.check_path(scene.now)
    assert scene.follower.grown()
    assert scene.lines() == [b"new one"]


def test_a_touched_file_is_not_read_again(scene: Scene) -> None:
    """A new time without new content brings nothing, and the question is settled with one look."""
    scene.write(b"one\n")
    scene.batches()
    os.utime(scene.log, ns=(1, 1))
    scene.follower.check_path(scene.now)
    assert scene.poll() is None
    scene.follower.check_path(scene.now)
    assert not scene.follower.grown()


def test_truncation_drops_the_half_line(scene: Scene) -> None:
    """The start of an old line is not glued to a new one."""
    scene.write(b'{"old": 1}\n{"half')
    scene.batches()
    scene.log.write_bytes(b"")
    assert scene.batches() == []
    scene.write(b'{"new": 1}\n')
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([b'{"new": 1}'], True)


def test_a_file_cut_behind_what_was_read_goes_on(scene: Scene) -> None:
    """What was consumed still stands there, so nothing begins anew."""
    scene.follow(chunk=8)
    scene.write(b"one 111\ntwo 222\n")
    batch = scene.poll()
    os.truncate(scene.log, 8)
    scene.write(b"three\n")
    assert batch is not None
    assert batch.lines == [b"one 111"]
    assert scene.lines() == [b"three"]
    assert scene.follower.generation == 0


def test_a_file_rewritten_between_two_system_calls_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size that was asked for may be wrong when the bytes are read: the tail comes with the bytes."""
    scene.write(b"one\n")
    scene.batches()
    scene.write(b"two\n")

    def rewritten_before(fd: int, count: int, offset: int) -> bytes:
        monkeypatch.setattr(follow, "os", os)
        scene.log.write_bytes(b"new\n")
        return os.pread(fd, count, offset)

    monkeypatch.setattr(follow, "os", system(pread=rewritten_before))
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([b"new"], True)


# --- replaced


@pytest.mark.parametrize("announced", [True, False])
def test_a_rotated_file_is_drained_before_the_new_one_is_read(scene: Scene, announced: bool) -> None:
    """Late lines of the old writer come first; then the new file from its first byte, as a restart."""
    scene.write(b"one\n")
    scene.batches()
    old = scene.rotate()
    scene.write(b"new one\n")
    if announced:
        assert scene.follower.check_path(scene.now)
    else:
        assert scene.poll() is None
    scene.write(b"late\n", to=old)
    assert scene.follower.grown()
    assert scene.lines() == [b"late"]
    scene.write(b"later\n", to=old)
    found = scene.settle()
    assert [(batch.lines, batch.restarted) for batch in found] == [([b"later"], False), ([b"new one"], True)]
    assert not scene.follower.grown()


def test_a_half_line_dies_with_its_file(scene: Scene) -> None:
    """What a killed writer left in the old file is not glued to the first line of the new one."""
    scene.write(b'{"old": 1}\n{"half')
    scene.batches()
    scene.rotate()
    scene.write(b'{"new": 1}\n')
    assert [batch.lines for batch in scene.settle()] == [[b'{"new": 1}']]


HEAD = b'{"loss": 1.0, "step": 1}\n' * 20


def replaced_by(scene: Scene, text: bytes, *, modified: float | None = None) -> None:
    """Another file comes in the place of the log at once, as `mv` does it."""
    other = scene.log.with_name("other")
    other.write_bytes(text)
    if modified is not None:
        os.utime(other, (modified, modified))
    other.replace(scene.log)


def test_a_copy_goes_on_where_its_original_was(scene: Scene) -> None:
    """What begins with all that was read is the same log under any number; only what it has more is new."""
    scene.write(HEAD)
    scene.batches()
    for number in range(9):
        text = scene.log.read_bytes() + b"%d\n" % number
        replaced_by(scene, text)
        found = scene.settle()
        assert [(batch.lines, batch.restarted) for batch in found] == [([b"%d" % number], False)]
    assert scene.follower.generation == 0


def test_files_that_begin_alike_are_told_apart(scene: Scene) -> None:
    """Training logs have the same first lines: another log is read from there."""
    scene.write(HEAD + b"old\n")
    scene.batches()
    replaced_by(scene, HEAD + b"new\nnew\n")
    found = scene.settle()
    assert lines_of(found) == (HEAD + b"new\nnew\n").splitlines()
    assert [(batch.restarted, batch.past) for batch in found] == [(True, True)]


def test_the_past_of_another_log_ends_soon_after_it_is_met(scene: Scene) -> None:
    """What it has at the meeting is history, what comes later is news."""
    scene.write(HEAD)
    scene.batches()
    replaced_by(scene, b"other\n")
    assert [batch.past for batch in scene.settle()] == [True]
    scene.now += follow.MEETING_SECONDS
    scene.write(b"growth\n")
    assert [(batch.lines, batch.past) for batch in scene.batches()] == [([b"growth"], False)]


def test_a_large_past_is_past_to_its_end(scene: Scene) -> None:
    """However long the reading of another log takes."""
    scene.follow(chunk=1 << 16)
    scene.write(HEAD)
    scene.batches()
    replaced_by(scene, b"x" * 99 + b"\n" + b"row\n" * 100_000)
    found = []
    for _ in range(20):
        batch = scene.poll(after=follow.MEETING_SECONDS + 1)
        found += [batch] if batch else []
    assert len(lines_of(found)) == 100_001
    assert {batch.past for batch in found} == {True}


@pytest.mark.parametrize("in_place", [True, False])
def test_a_copy_on_its_way_is_awaited(scene: Scene, in_place: bool) -> None:
    """A file that has the begin of what was read can become the log again, growing or all at once."""
    scene.write(HEAD + b"last\n")
    scene.batches()
    whole = scene.log.read_bytes()
    if in_place:
        os.truncate(scene.log, 0)
    else:
        replaced_by(scene, b"")
    for cut in range(0, len(whole), 100):
        with scene.log.open("r+b") as file:
            file.write(whole[:cut])
        scene.follower.check_path(scene.now)
        assert scene.poll(after=1.0) is None
    with scene.log.open("r+b") as file:
        file.write(whole + b"new\n")
    assert [(batch.lines, batch.restarted) for batch in scene.settle()] == [([b"new"], False)]


@pytest.mark.parametrize("in_place", [True, False])
def test_a_shorter_file_that_stays_so_is_another_log(scene: Scene, in_place: bool) -> None:
    """A training that begins in the same words is not waited for without end."""
    scene.write(HEAD + b"last\n")
    scene.batches()
    if in_place:
        os.truncate(scene.log, 50)
    else:
        replaced_by(scene, HEAD[:50])
    assert scene.batches() == []
    found = scene.settle()
    assert [(batch.lines, batch.restarted) for batch in found] == [(HEAD[:50].splitlines(), True)]


def test_an_empty_file_is_no_other_log(scene: Scene) -> None:
    """However long it is empty: what was read is the log until something else stands there."""
    scene.write(HEAD)
    scene.batches()
    os.truncate(scene.log, 0)
    for _ in range(100):
        assert scene.poll(after=60.0) is None
    scene.log.write_bytes(HEAD + b"new\n")
    assert [(batch.lines, batch.restarted) for batch in scene.settle()] == [([b"new"], False)]


def test_a_copy_without_the_half_line_goes_on(scene: Scene) -> None:
    """A half line was not handed on, so it may be missing, or be another one."""
    scene.write(HEAD + b"half")
    scene.batches()
    replaced_by(scene, HEAD + b"another\n")
    assert [(batch.lines, batch.restarted) for batch in scene.settle()] == [([b"another"], False)]


def test_an_edit_in_the_middle_makes_another_log(scene: Scene) -> None:
    """`sed -i` keeps begin, end and size; all of a replaced file is compared."""
    scene.write(HEAD + b"one\n" + HEAD)
    scene.batches()
    replaced_by(scene, HEAD + b"two\n" + HEAD + b"new\n")
    (batch, *_) = scene.settle()
    assert (batch.restarted, batch.past, batch.lines[20]) == (True, True, b"two")


@pytest.mark.parametrize("kept", [0, 1, 63])
def test_a_short_read_is_no_rewriting(scene: Scene, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """A file system can answer with less than it said there was: it is asked again."""
    scene.write(HEAD)
    scene.batches()
    scene.write(b"new\n")
    short = system(pread=lambda fd, count, offset: os.pread(fd, count, offset)[:kept])
    monkeypatch.setattr(follow, "os", short)
    monkeypatch.setattr(fingerprint, "os", short)
    for _ in range(100):
        assert scene.poll(after=1.0) is None
    monkeypatch.setattr(follow, "os", os)
    monkeypatch.setattr(fingerprint, "os", os)
    scene.now += 1.0
    assert [(batch.lines, batch.restarted) for batch in scene.batches()] == [([b"new"], False)]


@pytest.mark.parametrize("call", ["stat", "open", "fstat", "pread"])
def test_an_interrupted_call_is_made_again(scene: Scene, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """EINTR says nothing about the file: no back-off, no error, nothing lost."""
    scene.write(HEAD)
    scene.batches()
    replaced_by(scene, HEAD + b"new\n")
    calls = itertools.count()

    def interrupted(*args: object, **more: object) -> object:
        if next(calls) % 3 == 0:
            raise InterruptedError(errno.EINTR, "Interrupted system call")
        return getattr(os, call)(*args, **more)

    monkeypatch.setattr(follow, "os", system(**{call: interrupted}))
    monkeypatch.setattr(fingerprint, "os", system(**{call: interrupted}))
    found = [batch for _ in range(3) for batch in scene.settle()]
    assert [(batch.lines, batch.restarted) for batch in found] == [([b"new"], False)]
    assert scene.follower.error is None


def test_a_file_system_without_steady_numbers_costs_no_reading(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each look shows another inode, a quiet log is known by size, time and its last bytes."""
    scene.write(HEAD * 1000)
    scene.batches()
    numbers = itertools.count(1)
    read = []

    def another(state: os.stat_result) -> SimpleNamespace:
        seen = {name: getattr(state, name) for name in dir(state) if name.startswith("st_")}
        return SimpleNamespace(**{**seen, "st_ino": next(numbers)})

    def counted(fd: int, count: int, offset: int) -> bytes:
        read.append(count)
        return os.pread(fd, count, offset)

    shaky = system(
        stat=lambda path: another(os.stat(path)), fstat=lambda fd: another(os.fstat(fd)), pread=counted
    )
    monkeypatch.setattr(follow, "os", shaky)
    monkeypatch.setattr(fingerprint, "os", shaky)
    for _ in range(100):
        scene.follower.check_path(scene.now)
        assert scene.poll(after=3.0) is None
    assert sum(read) <= 100 * 4 * consumed.TAIL
    read.clear()
    for _ in range(20):
        scene.write(b"new\n")
        scene.follower.check_path(scene.now)
        assert lines_of(scene.settle()) == [b"new"]
    assert sum(read) < 20 * 1000 + len(HEAD) * 1000 * 20 * 4 / 4  # all of it once in four seconds at most
    assert scene.follower.generation == 0


def test_a_symbolic_link_that_is_switched_is_another_log(scene: Scene) -> None:
    """Its past is told as such."""
    old, new = scene.log.with_name("a"), scene.log.with_name("b")
    old.write_bytes(HEAD)
    new.write_bytes(b"other\n" * 50)
    scene.log.symlink_to(old)
    scene.batches()
    scene.log.unlink()
    scene.log.symlink_to(new)
    assert [(len(batch.lines), batch.restarted, batch.past) for batch in scene.settle()] == [(50, True, True)]


def test_a_large_log_is_compared_over_several_looks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """No look takes longer than some megabytes do."""
    monkeypatch.setattr(fingerprint, "COMPARED", 1 << 16)
    monkeypatch.setattr(fingerprint, "SLICE", 1 << 14)
    scene.write(HEAD * 1000)
    scene.batches()
    replaced_by(scene, HEAD * 1000 + b"new\n")
    looks = 0
    while (batch := scene.poll(after=0.2)) is None:
        looks += 1
    assert (batch.lines, batch.restarted) == ([b"new"], False)
    assert looks >= len(HEAD) * 1000 >> 16


def test_a_writer_that_never_rests_does_not_starve_the_new_file(scene: Scene) -> None:
    """An old file that goes on growing is left after a while, and what it held until then is not lost."""
    scene.write(b"one\n")
    scene.batches()
    old = scene.rotate()
    scene.write(b"new\n")
    scene.follower.check_path(scene.now)
    seen = []
    for number in range(100):
        scene.write(b"old %d\n" % number, to=old)
        batch = scene.poll(1.0)
        seen += batch.lines if batch else []
    written = [b"old %d" % number for number in range(100)]
    assert seen == [*written[: len(seen) - 1], b"new"]
    assert len(seen) - 1 >= follow.DRAIN_SECONDS


def test_quiet_polls_count_only_some_time_apart(scene: Scene) -> None:
    """A loop that polls in a frenzy leaves a late writer the same time as a slow one."""
    scene.write(b"one\n")
    scene.batches()
    old = scene.rotate()
    scene.write(b"new\n")
    for _ in range(1000):
        assert scene.poll() is None
    scene.write(b"late\n", to=old)
    scene.now += follow.QUIET_SECONDS
    assert scene.lines() == [b"late"]


def test_a_path_that_vanishes_for_a_moment_loses_nothing(scene: Scene) -> None:
    """Descriptor and place are kept; the same file under its old name again is the same file."""
    scene.write(b"one\n")
    scene.batches()
    away = scene.rotate()
    assert not scene.follower.check_path(scene.now)
    assert "No such file" in (scene.follower.error or "")
    scene.write(b"two\n", to=away)
    assert scene.lines() == [b"two"]
    away.rename(scene.log)
    scene.write(b"three\n")
    assert scene.lines() == [b"three"]
    scene.follower.check_path(scene.now)
    assert scene.follower.error is None
    assert scene.follower.generation == 0


def test_a_path_that_comes_back_while_the_old_file_is_drained(scene: Scene) -> None:
    """A file that was moved away and back was never replaced, whatever stood there in between."""
    scene.write(b"one\n")
    scene.batches()
    away = scene.rotate()
    scene.write(b"stranger\n")
    scene.follower.check_path(scene.now)
    away.replace(scene.log)
    scene.write(b"two\n")
    assert [batch.lines for batch in scene.settle()] == [[b"two"]]
    assert scene.follower.generation == 0


def test_a_new_file_that_is_gone_again_keeps_the_old_one(scene: Scene) -> None:
    """Only an opened successor replaces a descriptor."""
    scene.write(b"one\n")
    scene.batches()
    old = scene.rotate()
    scene.write(b"gone\n")
    scene.follower.check_path(scene.now)
    scene.log.unlink()
    scene.settle()
    assert scene.follower.opened
    scene.write(b"two\n", to=old)
    assert [batch.lines for batch in scene.settle()] == [[b"two"]]
    scene.write(b"new\n")
    assert [(batch.lines, batch.restarted) for batch in scene.settle()] == [([b"new"], True)]


# --- errors


def test_a_missing_file_is_awaited_without_haste(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that does not exist is looked for ever more rarely, at least every half minute."""
    attempts: list[float] = []

    def counted(path: str) -> os.stat_result:
        attempts.append(scene.now)
        return os.stat(path)

    monkeypatch.setattr(follow, "os", system(stat=counted))
    for _ in range(4000):
        assert scene.poll(0.1) is None
    gaps = [round(after - before) for before, after in itertools.pairwise(attempts)]
    assert gaps == sorted(gaps)
    assert 10 < len(attempts) < 30
    assert max(gaps) <= 31
    assert str(scene.log) in (scene.follower.error or "")
    scene.write(b"one\n")
    scene.now += 31.0
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted, scene.follower.error) == ([b"one"], False, None)


@pytest.mark.parametrize("call", ["fstat", "pread"])
@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO])
def test_a_stale_descriptor_is_opened_again_without_haste(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    """An I/O error is told, never raised, tried again with growing pauses, and costs no line."""
    scene.write(b"one\nhal")
    assert scene.lines() == [b"one"]
    attempts = []

    def fails(*_: object) -> None:
        attempts.append(scene.now)
        raise OSError(code, os.strerror(code))

    scene.write(b"f\n")
    monkeypatch.setattr(follow, "os", system(**{call: fails}))
    for _ in range(1000):
        assert scene.poll(0.1) is None
    assert 3 <= len(attempts) <= 12
    assert os.strerror(code) in (scene.follower.error or "")
    assert not scene.follower.opened
    monkeypatch.setattr(follow, "os", os)
    scene.now += 31.0
    assert scene.lines() == [b"half"]
    assert scene.follower.error is None
    assert scene.follower.generation == 0


def test_the_cheap_question_survives_a_stale_descriptor(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where lseek fails, it is for the poll to find out what is wrong."""
    scene.write(b"one\n")
    scene.batches()
    monkeypatch.setattr(follow, "os", system(lseek=stale))
    assert scene.follower.grown()


def test_a_stale_file_that_is_another_one_now_starts_anew(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an error the file is known again by its tail, and not by its number alone."""
    scene.write(b"old one\n")
    scene.batches()
    scene.write(b"unread\n")
    monkeypatch.setattr(follow, "os", system(pread=stale))
    assert scene.poll() is None
    monkeypatch.setattr(follow, "os", os)
    scene.log.write_bytes(b"new one\nnew two\n")
    scene.now += 1.0
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([b"new one", b"new two"], True)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # relative, since the path of a socket must be short


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (make_pipe, "a named pipe"),
        (make_folder, "a folder"),
        (make_socket, "a socket"),
        (make_device, "a character device"),
    ],
)
def test_what_is_no_file_is_never_opened(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], kind: str
) -> None:
    """Opening a pipe can hang, opening a device can do anything: the error says what stands there."""
    monkeypatch.chdir(scene.log.parent)
    make(scene.log)
    monkeypatch.setattr(follow, "os", system(open=never))
    assert scene.poll() is None
    assert scene.follower.error == f"{scene.log}: is {kind}, not a regular file"


def test_a_pipe_that_takes_the_place_of_a_file_at_the_last_moment_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was opened is looked at again, without waiting for a writer and without losing the descriptor."""
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.touch()
    os.mkfifo(pipe)
    monkeypatch.setattr(follow, "os", system(stat=lambda _: os.stat(file)))
    free = next_descriptor()
    with pytest.raises(OSError, match="is a named pipe"):
        open_regular(str(pipe))
    assert next_descriptor() == free


def test_a_pipe_in_the_place_of_a_rotated_file_leaves_the_old_one_followed(scene: Scene) -> None:
    """The old descriptor is the best there is until a file stands there again."""
    scene.write(b"one\n")
    scene.batches()
    old = scene.rotate()
    os.mkfifo(scene.log)
    scene.settle()
    assert "named pipe" in (scene.follower.error or "")
    scene.write(b"two\n", to=old)
    scene.now += 31.0
    assert scene.lines() == [b"two"]


def test_an_error_names_its_path_in_printable_characters(tmp_path: Path) -> None:
    """Undecodable bytes, line breaks and direction overrides do not reach a terminal or a log."""
    follower = Follower(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\n\x1b") + "\u202e")
    assert follower.poll(0.0) is None
    assert (follower.error or "").startswith(f"{tmp_path}/bad\ufffd\ufffd\ufffd\ufffd: No such file")


# --- bounds


def test_a_line_above_the_cap_is_dropped_and_counted(scene: Scene) -> None:
    """It is counted once however long it is, and the lines around it come unharmed."""
    scene.follow(chunk=16, max_line=40)
    scene.write(b"before\n" + b"x" * 500 + b"\nafter\n" + b"y" * 40 + b"\n" + b"z" * 41 + b"\nlast\n")
    found = scene.batches()
    assert lines_of(found) == [b"before", b"after", b"y" * 40, b"last"]
    assert dropped(found, "too_long") == 2


@pytest.mark.parametrize("length", range(60, 100))
def test_the_cap_holds_wherever_chunks_end(scene: Scene, length: int) -> None:
    """A line is kept if and only if it has at most `max_line` bytes."""
    scene.write(b"a\n" + b"x" * length + b"\nb\n")
    scene.follow(chunk=32, max_line=80)
    found = scene.batches()
    kept = [b"x" * length] if length <= 80 else []
    assert lines_of(found) == [b"a", *kept, b"b"]
    assert dropped(found, "too_long") == (length > 80)


def test_a_line_without_an_end_takes_no_more_memory_than_the_cap(scene: Scene) -> None:
    """Megabytes without a line's end are counted as one dropped line while they pass by."""
    scene.follow(chunk=1 << 16, max_line=1 << 18)
    scene.write(b"x" * (8 << 20))
    tracemalloc.start()
    try:
        found = scene.batches()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert dropped(found, "too_long") == 1
    assert peak < 2 << 20
    scene.write(b"\nnext\n")
    assert scene.lines() == [b"next"]


def test_a_large_file_takes_no_more_memory_than_a_few_chunks(scene: Scene) -> None:
    """What was handed on is not kept."""
    scene.write((b"x" * 1023 + b"\n") * (16 << 10))
    scene.follow(chunk=1 << 18)
    tracemalloc.start()
    try:
        count = 0
        while batch := scene.poll():
            count += len(batch.lines)
            del batch
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 16 << 10
    assert peak < 5 * (1 << 18)


def test_progress_bars_without_an_end_do_not_pile_up(scene: Scene) -> None:
    """Of more than a megabyte between two line ends only what follows the last carriage return stays."""
    scene.follow(chunk=1 << 18)
    scene.write(b"\r 10%|####      | 10/100" * 150_000)
    found = scene.batches()
    assert len(scene.follower.unfinished) < (1 << 20) + (1 << 18)
    assert dropped(found, "overwritten") >= 1
    scene.write(b"\r{'loss': 1.5}\n")
    (batch,) = scene.batches()
    assert batch.lines[0].endswith(b"10/100\r{'loss': 1.5}")


def test_few_progress_bars_stay_with_their_line(scene: Scene) -> None:
    """Up to a megabyte nothing is split or dropped: steps in the bars belong to the record behind them."""
    line = b"\r 10%|####      | 10/100" * 2000 + b"\r{'loss': 1.5}"
    scene.write(line + b"\n")
    scene.follow(chunk=1 << 10)
    assert scene.lines() == [line]


def test_a_long_line_with_a_two_byte_end_is_not_taken_for_progress_bars(scene: Scene) -> None:
    """A chunk may end between the two characters of a line's end."""
    line = b"x" * ((1 << 20) + (1 << 18) - 1) + b"\r"
    assert len(line) % (1 << 18) == 0
    scene.write(line + b"\n")
    scene.follow(chunk=1 << 18)
    assert scene.lines() == [line]


# --- NUL bytes


def test_nuls_that_become_data_are_waited_for(scene: Scene) -> None:
    """A network file system can show the size before the data: the line comes whole when it has arrived."""
    scene.write(b"one\nt" + b"\0" * 5)
    assert scene.lines() == [b"one"]
    assert scene.lines() == []
    with scene.log.open("r+b") as file:
        file.seek(4)
        file.write(b"two 2\n")
    scene.now += follow.NUL_SECONDS
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted, batch.dropped) == ([b"two 2"], False, {})


def test_nuls_that_stay_are_skipped_and_counted_once(scene: Scene) -> None:
    """A writer that goes on behind a truncation leaves a hole: it is passed after a few looks."""
    scene.follow(chunk=64)
    scene.log.write_bytes(b"\0" * 1000 + b"one\ntwo\n" + b"\0" * 10 + b"three\n")
    assert scene.batches() == []
    for _ in range(follow.NUL_POLLS - 1):
        assert scene.poll(follow.NUL_SECONDS) is None
    scene.now += follow.NUL_SECONDS
    found = scene.batches()
    assert (lines_of(found), dropped(found, "nul")) == ([b"one", b"two", b"three"], 2)


def test_many_nuls_are_waited_for_once(scene: Scene) -> None:
    """All that stood there while the first were waited for has had its time; later ones get theirs."""
    scene.write(b"row\0\n" * 15_000)
    found = scene.settle()
    assert dropped(found, "nul") == 15_000
    scene.write(b"\0late\n")
    assert scene.batches() == []
    assert lines_of(scene.settle()) == [b"late"]


def test_a_sparse_file_of_terabytes_costs_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system says where the next data is; what grows behind the hole is read."""
    scene.write(b"one\n")
    os.truncate(scene.log, 4 << 40)
    read = []

    def counted(fd: int, count: int, offset: int) -> bytes:
        read.append(count)
        return os.pread(fd, count, offset)

    monkeypatch.setattr(follow, "os", system(pread=counted))
    assert lines_of(scene.settle()) == [b"one"]
    scene.write(b"two\n")
    assert lines_of(scene.settle()) == [b"two"]
    assert sum(read) < 10 << 20
    replaced_by(scene, b"another\n")
    assert [(batch.lines, batch.restarted) for batch in scene.settle()] == [([b"another"], True)]


@pytest.mark.parametrize("chunk", [2, 3, 7, 64, 1 << 18])
@pytest.mark.parametrize(("encoding", "mark"), [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")])
def test_utf16_is_handed_on_as_utf8(scene: Scene, encoding: str, mark: bytes, chunk: int) -> None:
    """PowerShell's `>` writes it; a line's end in it is two bytes, and other characters hold a 0x0a too."""
    texts = ["{'loss': 1.5}", "\u010a \u0a0a \u0a00 \u6b65\u9aa4 \U0001f600", "", "last\r"]
    raw = mark + "".join(f"{text}\n" for text in texts).encode(encoding)
    scene.follow(chunk=chunk)
    scene.write(raw + "half".encode(encoding))
    assert scene.lines() == [text.encode() for text in texts]
    assert scene.follower.unfinished == b"half"
    scene.write(" line\n".encode(encoding))
    assert scene.lines() == [b"half line"]
    replaced_by(scene, scene.log.read_bytes() + "new\n".encode(encoding))
    assert [(batch.lines, batch.restarted) for batch in scene.settle() if batch.lines] == [([b"new"], False)]


def test_a_utf16_line_above_the_cap_is_dropped(scene: Scene) -> None:
    """The cap holds for all encodings."""
    scene.follow(chunk=16, max_line=40)
    scene.write(("\ufeffbefore\n" + "x" * 500 + "\nafter\n").encode("utf-16-le"))
    found = scene.batches()
    assert (lines_of(found), dropped(found, "too_long")) == ([b"before", b"after"], 1)


def test_a_mark_before_utf8_is_no_part_of_the_first_line(scene: Scene) -> None:
    """Editors and PowerShell's Out-File write it."""
    scene.write(b"\xef\xbb\xbf{}\n\xef\xbb\xbf\n")
    assert scene.lines() == [b"{}", b"\xef\xbb\xbf"]


def test_a_hole_after_a_truncation_starts_anew(scene: Scene) -> None:
    """A writer that keeps its own place writes behind NULs where old lines stood."""
    with scene.log.open("wb", buffering=0) as writer:
        writer.write(b"old one\nold two\n")
        scene.batches()
        os.truncate(scene.log, 0)
        writer.write(b"new one\n")
    found = scene.settle()
    assert [(batch.lines, batch.restarted) for batch in found if batch.lines] == [([b"new one"], True)]


def test_text_before_nuls_is_not_glued_to_text_behind_them(scene: Scene) -> None:
    """A crash can leave NULs in the middle of a line: what stands before them is given up with them."""
    scene.write(b"one\nhalf" + b"\0" * 4 + b"two\n")
    found = scene.settle()
    assert lines_of(found) == [b"one", b"two"]
    assert dropped(found, "nul") == 1


def test_nuls_in_a_rotated_file_are_waited_for_too(scene: Scene) -> None:
    """Waiting is not quiet: the old file is not left before what stands behind its hole was read."""
    scene.write(b"one\n")
    scene.batches()
    old = scene.rotate()
    scene.write(b"new\n")
    scene.write(b"\0" * 9 + b"late\n", to=old)
    assert lines_of(scene.settle() + scene.settle()) == [b"late", b"new"]


def test_nuls_that_vanish_are_forgotten(scene: Scene) -> None:
    """A hole that is truncated away keeps nobody from noticing that the file was replaced afterwards."""
    scene.write(b"\0" * 9)
    scene.batches()
    os.truncate(scene.log, 0)
    scene.settle()
    scene.rotate()
    scene.write(b"new\n")
    assert lines_of(scene.settle()) == [b"new"]


def test_nuls_are_not_looked_at_in_a_frenzy(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks at NULs nothing is read, however often the loop polls."""
    scene.write(b"\0" * 100)
    scene.poll()
    monkeypatch.setattr(follow, "os", system(pread=never))
    assert [scene.poll() for _ in range(100)] == [None] * 100


def test_a_finished_log_is_read_past_nuls_at_once(scene: Scene) -> None:
    """Where nobody writes any more there is nothing to wait for."""
    scene.write(b"one\n" + b"\0" * 100 + b"two\n")
    scene.follow(patient=False)
    assert scene.lines() == [b"one", b"two"]


# --- parked


def test_a_parked_follower_holds_no_descriptor(scene: Scene) -> None:
    """It says no while nothing changes, and a poll does not open the file in vain."""
    scene.write(b"one\nhal")
    scene.batches()
    scene.follower.park()
    assert not scene.follower.opened
    assert not scene.follower.grown()
    assert scene.poll() is None
    assert not scene.follower.opened


def test_a_parked_follower_goes_on_where_it_was(scene: Scene) -> None:
    """The half line is read again with its other half; nothing comes twice."""
    scene.write(b"one\nhal")
    scene.batches()
    scene.follower.park()
    scene.write(b"f\ntwo\n")
    assert scene.follower.grown()
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([b"half", b"two"], False)


def test_a_follower_parked_before_the_end_has_more_to_read(scene: Scene) -> None:
    """Parking forgets no backlog."""
    scene.follow(chunk=4)
    scene.write(b"one\ntwo\n")
    scene.poll()
    scene.follower.park()
    assert scene.follower.grown()
    assert scene.lines() == [b"two"]


@pytest.mark.parametrize("new", [b"new\n", b"new one\n", b"new one and more\n"])
def test_a_file_rewritten_while_parked_starts_anew(scene: Scene, new: bytes) -> None:
    """The number of a deleted file is given to the next one at once, so only the tail is proof."""
    scene.write(b"old one\n")
    scene.batches()
    scene.follower.park()
    scene.log.write_bytes(new)
    os.utime(scene.log, ns=(1, 1))
    assert scene.follower.grown()
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([new[:-1]], True)


def test_a_file_replaced_while_parked_is_compared(scene: Scene) -> None:
    """A copy goes on; another file under the path is read from its start."""
    scene.write(b"old one\n")
    scene.batches()
    scene.follower.park()
    replaced_by(scene, b"old one\nnew two\n")
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([b"new two"], False)
    scene.follower.park()
    replaced_by(scene, b"new one\nnew two\nnew three\n")
    (batch,) = scene.batches()
    assert (len(batch.lines), batch.restarted) == (3, True)


def test_a_path_that_vanishes_while_parked_is_not_the_end(scene: Scene) -> None:
    """The place is kept until a file stands there again."""
    scene.write(b"one\n")
    scene.batches()
    scene.follower.park()
    away = scene.rotate()
    assert not scene.follower.grown()
    assert scene.poll() is None
    away.rename(scene.log)
    scene.write(b"two\n")
    (batch,) = scene.batches()
    assert (batch.lines, batch.restarted) == ([b"two"], False)


def test_a_line_above_the_cap_is_still_skipped_after_parking(scene: Scene) -> None:
    """Parking inside a dropped line neither reads it again nor counts it again."""
    scene.follow(chunk=16, max_line=32)
    scene.write(b"x" * 100)
    before = dropped(scene.batches(), "too_long")
    scene.follower.park()
    scene.write(b"x" * 100 + b"\nnext\n")
    found = scene.batches()
    assert lines_of(found) == [b"next"]
    assert before + dropped(found, "too_long") == 1


@contextlib.contextmanager
def soft_limit(files: int) -> Iterator[int]:
    """At most so many open files, for a while; the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_files_than_descriptors_can_be_followed(tmp_path: Path) -> None:
    """With each follower parked after its look, a low limit of open files is enough for all."""
    followers = [Follower(str(tmp_path / f"{number}.jsonl")) for number in range(300)]
    with soft_limit(next_descriptor() + 50):
        for _ in range(2):
            for follower in followers:
                with open(follower.path, "ab") as log:
                    log.write(b"one\n")
                batch = follower.poll(0.0)
                assert (batch and batch.lines, follower.error) == ([b"one"], None)
                follower.park()


def test_the_limit_of_open_files_is_raised_as_far_as_allowed() -> None:
    """The soft limit becomes the hard one, and the answer is what is in force."""
    with soft_limit(256) as hard:
        limit = raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    assert limit >= hard


def test_a_limit_that_cannot_be_raised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is no error: what is in force is told."""

    def refuse(*_: object) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_descriptor_limit() == 1024
