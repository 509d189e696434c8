"""Random lives of a log against a model of what was written: no line lost, torn, glued, doubled or invented.

A schedule appends, stops in mid-line, rotates, writes late to the old file, truncates, lets the file regrow,
deletes and recreates it, replaces it by copies of itself (the same, longer, older, edited, on their way),
hides the path, kills writers, parks the follower and breaks its descriptor; in some lives system calls are
interrupted, reads are short or empty, and inodes differ at each look. Each follower that leaves a rule out is
found by the same schedules. FOLLOW_SCHEDULES in the environment says how many lives there are.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from llmtrain_exporter.ingest import consumed, fingerprint, follow, lines
from llmtrain_exporter.ingest.fingerprint import Suspect
from llmtrain_exporter.ingest.follow import Batch, Follower
from llmtrain_exporter.ingest.patience import Patience

BLOCKS = 8
SCHEDULES = int(os.environ.get("FOLLOW_SCHEDULES", "2400")) // BLOCKS  # lives of a log in each block
BROKEN_SCHEDULES = 500
ACTS = 60
CHUNKS = (32, 100, 1000, 1 << 20)


class ViolationError(AssertionError):
    """The follower did not tell what was written."""


@dataclass
class Story:
    """What one file held from its creation or truncation until the next one."""

    text: bytearray = field(default_factory=bytearray)
    owed: int = 0  # lines that must have been told

    @property
    def lines(self) -> list[bytes]:
        return [line.rpartition(b"\0")[2] for line in bytes(self.text).split(b"\n")[:-1]]


@dataclass
class File:
    """One file on disk, wherever it has been moved to."""

    path: Path
    story: Story
    identity: tuple[int, int]


@dataclass
class Weather:
    """How the file system behaves."""

    random: random.Random = field(default_factory=lambda: random.Random(0))
    short: float = 0.0  # share of the reads that bring less than was asked for
    interrupted: float = 0.0  # share of the calls that fail with EINTR
    unsteady: bool = False  # each look shows another inode

    def system(self) -> SimpleNamespace:
        """The module os in this weather."""
        calls = {name: self._shaky(getattr(os, name)) for name in ("open", "stat", "fstat", "pread")}
        return SimpleNamespace(**{**vars(os), **calls})

    def _shaky(self, call: Callable[..., object]) -> Callable[..., object]:
        def shaky(*args: object) -> object:
            if self.interrupted and self.random.random() < self.interrupted:
                raise InterruptedError(errno.EINTR, "Interrupted system call")
            result = call(*args)
            if isinstance(result, bytes) and self.short and self.random.random() < self.short:
                return result[: self.random.randint(0, len(result))]
            return self._another(result) if self.unsteady and isinstance(result, os.stat_result) else result

        return shaky

    def _another(self, state: os.stat_result) -> SimpleNamespace:
        seen = {name: getattr(state, name) for name in dir(state) if name.startswith("st_")}
        return SimpleNamespace(**{**seen, "st_ino": self.random.getrandbits(60)})


WEATHER = Weather()


@pytest.fixture(autouse=True)
def weather(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The follower's system calls go through the weather."""
    system = WEATHER.system()
    monkeypatch.setattr(follow, "os", system)
    monkeypatch.setattr(fingerprint, "os", system)
    yield
    calm()


def calm() -> None:
    WEATHER.short = WEATHER.interrupted = 0.0
    WEATHER.unsteady = False


class Shaky(Follower):
    """A follower whose next read can be made to fail."""

    shaken = False

    def _read(self, fd: int, now: float) -> Batch | None:
        if self.shaken:
            self.shaken = False
            raise OSError(errno.ESTALE, "Stale file handle")
        return super()._read(fd, now)


class Life:
    """A log, its writers, its follower, and all that was written and told."""

    def __init__(self, folder: Path, seed: int, follower: type[Shaky]) -> None:
        self.random = random.Random(seed)
        WEATHER.random = self.random
        if self.random.random() < 0.4:
            WEATHER.short = self.random.choice([0.0, 0.3])
            WEATHER.interrupted = self.random.choice([0.0, 0.2])
            WEATHER.unsteady = self.random.random() < 0.5
        self.parks = self.random.random() < 0.5
        self.copies = 0  # times that the log was replaced by a copy that goes on
        self.path = folder / "logging.jsonl"
        self.numbers = count(1)
        self.now = 0.0
        self.follower = follower(str(self.path), chunk=self.random.choice(CHUNKS))
        self.stories: list[Story] = []
        self.told: list[list[bytes]] = [[]]
        self.dropped: set[str] = set()
        self.holes = False
        self.old: File | None = None  # was rotated; its writer may come late
        self.polls = 0  # since then
        self.hidden = False
        self.file = self.create()

    # what writers do

    def line(self) -> bytes:
        """A line whose number stands all over it, so that no two places of it look alike."""
        number = b"%05d" % next(self.numbers)
        return b'{"' + number * self.random.randint(3, 25) + b'"}\n'

    def begin(self) -> Story:
        self.stories.append(Story())
        return self.stories[-1]

    def create(self) -> File:
        self.path.touch(exist_ok=False)
        state = self.path.stat()
        return File(self.path, self.begin(), (state.st_dev, state.st_ino))

    def write(self, file: File, text: bytes) -> None:
        with file.path.open("ab", buffering=0) as log:
            log.write(text)
        file.story.text += text

    def append(self) -> None:
        self.write(self.file, b"".join(self.line() for _ in range(self.random.randint(1, 4))))

    def append_half(self) -> None:
        """The other half comes as two more; or never, and the next line is glued to it on disk."""
        line = self.line()
        cut = self.random.randrange(1, len(line))
        self.write(self.file, line[:cut])
        if self.random.random() < 0.7:
            self.look()
            self.write(self.file, line[cut:])

    def append_late(self) -> None:
        if self.old is not None:
            self.write(self.old, self.line())
            # The law: two more quiet polls after the new file was noticed; so at least two polls.
            if self.polls < follow.QUIET_POLLS and self.old.story.owed:
                self.old.story.owed = len(self.old.story.lines)

    def rotate(self) -> None:
        self.hide()
        self.replace()

    def hide(self) -> None:
        if not self.hidden:
            away = self.path.with_name("away")
            self.path.rename(away)
            self.file.path, self.hidden = away, True

    def show(self) -> None:
        if self.hidden:
            self.file.path = self.file.path.rename(self.path)
            self.hidden = False

    def replace(self) -> None:
        """A new file comes under the name of the hidden one, which stays where it is for late writers."""
        if self.hidden:
            self.owe()
            self.file.path = self.file.path.rename(self.path.with_name("logging.jsonl.1"))
            self.old, self.polls, self.hidden = self.file, 0, False
            self.file = self.create()

    def recreate(self) -> None:
        if not self.hidden:
            self.owe()
            self.path.unlink()
            self.old = None
            self.file = self.create()

    def owe(self) -> None:
        """Whoever holds a file can read it to its end, wherever it goes; nobody else can."""
        steady = not (WEATHER.unsteady or WEATHER.short or WEATHER.interrupted)
        if steady and self.follower.opened and self.follower.identity == self.file.identity:
            self.file.story.owed = len(self.file.story.lines)

    def cut(self, size: int) -> None:
        kept = self.file.story.text[:size]
        os.truncate(self.file.path, size)
        self.file.story = self.begin()
        self.file.story.text += kept

    def truncate(self) -> None:
        self.cut(0)

    def truncate_some(self) -> None:
        self.cut(self.random.randint(0, len(self.file.story.text)))

    def regrow(self) -> None:
        """Other text, at least as long."""
        size = len(self.file.story.text)
        self.cut(0)
        while len(self.file.story.text) < size:
            self.append()

    def regrow_exactly(self) -> None:
        """Other text of the same size."""
        size = len(self.file.story.text)
        self.cut(0)
        text = b"".join(self.line() for _ in range(1 + size // 20))[: max(0, size - 1)]
        self.write(self.file, text + b"\n" if size else b"")

    def punch(self) -> None:
        """A writer that keeps its own place goes on behind a truncation."""
        size, line = len(self.file.story.text), self.line()
        self.cut(self.random.choice([0, size // 2]))
        with self.file.path.open("r+b", buffering=0) as log:
            log.seek(size)
            log.write(line)
        story = self.file.story
        self.holes |= len(story.text) < size
        story.text += b"\0" * (size - len(story.text)) + line

    def replace_by(self, text: bytes, story: Story) -> None:
        """Another file comes in its place at once, as `mv` does it."""
        if self.hidden:
            return
        other = self.path.with_name("other")
        other.write_bytes(text)
        other.replace(self.path)
        state = self.path.stat()
        self.file = File(self.path, story, (state.st_dev, state.st_ino))

    def copy(self) -> None:
        """The same, or longer: rsync, an editor, a file system in user space."""
        if self.hidden:
            return
        for _ in range(self.random.randint(0, 2)):
            self.file.story.text += self.line()
        self.copies += 1
        self.replace_by(bytes(self.file.story.text), self.file.story)

    def copy_older(self) -> None:
        """An older copy: another log, as far as it is read."""
        if self.hidden:
            return
        self.owe()
        text = self.file.story.text[: self.random.randint(0, len(self.file.story.text))]
        story = self.begin()
        story.text += text
        self.replace_by(bytes(text), story)

    def copy_edited(self) -> None:
        """`sed -i`: a line somewhere is another one of the same length, and more may follow.

        Where inodes are unsteady that is found later than the next row, and where the log is not held open
        a number that was given anew is believed: `docs/following.md`.
        """
        lines = self.file.story.lines
        believed = self.parks or WEATHER.unsteady
        if self.hidden or believed or len(lines) < 3 or b"\0" in self.file.story.text:
            return
        self.owe()
        at = self.random.randrange(len(lines))
        lines[at] = (b"%05d" % next(self.numbers) * len(lines[at]))[: len(lines[at])]
        story = self.begin()
        story.text += b"\n".join(lines) + b"\n" + (self.line() if self.random.random() < 0.5 else b"")
        self.replace_by(bytes(story.text), story)

    def copy_slowly(self) -> None:
        """A copy that is written over the file piece by piece is the same log when it is whole."""
        if self.hidden:
            return
        text = bytes(self.file.story.text)
        os.truncate(self.file.path, 0)
        cuts = sorted(self.random.randint(0, len(text)) for _ in range(self.random.randint(0, 6)))
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            with self.file.path.open("ab", buffering=0) as log:
                log.write(text[start:end])
            if end < len(text):
                self.now += follow.SHORT_SECONDS / 5
                self.poll()

    # what the loop does

    def poll(self) -> None:
        self.polls += 1
        while batch := self.follower.poll(self.now):
            if batch.restarted:
                self.told.append([])
            self.told[-1] += batch.lines
            self.dropped.update(batch.dropped)
            if self.random.random() < 0.2:
                return

    def look(self) -> None:
        self.now += self.random.choice([0.0, 0.1, 0.5, 1.0])
        if self.follower.grown():
            self.poll()

    def check(self) -> None:
        self.follower.check_path(self.now)

    def lose_descriptor(self, lose: Callable[[], None]) -> None:
        """Without it nobody can read a file that has lost its name."""
        for story in self.stories:
            story.owed = 0
        lose()

    def park(self) -> None:
        if self.parks:
            self.lose_descriptor(self.follower.park)

    def shake(self) -> None:
        self.follower.shaken = True
        self.lose_descriptor(self.poll)
        self.follower.shaken = False

    # the whole life

    def act(self) -> None:
        often = [self.append, self.append_half, self.look, self.look, self.poll, self.check]
        seldom = [
            *(self.append_late, self.rotate, self.hide, self.show, self.replace, self.recreate, self.park),
            *(self.copy, self.copy, self.copy, self.copy_older, self.copy_edited, self.copy_slowly),
            *(self.truncate, self.truncate_some, self.regrow, self.regrow_exactly, self.punch, self.shake),
        ]
        self.random.choice(often if self.random.random() < 0.75 else seldom)()

    def end(self) -> None:
        """The last line makes each change visible in the size; then time passes without news."""
        calm()
        self.show()
        self.write(self.file, self.line())
        self.file.story.owed = len(self.file.story.lines)
        for _ in range(20):
            self.now += max(follow.BACK_OFF_SECONDS)
            self.check()
            for _ in range(30):
                self.poll()

    def verify(self) -> None:
        """Each segment told is the start of one story, each story is told once, and what is owed was told."""
        at = 0
        for told in filter(None, self.told):
            matching = (
                index for index in range(at, len(self.stories)) if begins(self.stories[index].lines, told)
            )
            at = next(matching, -1) + 1
            demand(at > 0, f"told {told}, which no later story begins with")
        for story in self.stories:
            owed = story.lines[: story.owed]
            demand(any(begins(told, owed) for told in self.told), f"owed {owed}")
        demand(self.dropped <= ({"nul"} if self.holes else set()), f"dropped {self.dropped}")
        demand(self.follower.error is None, f"error {self.follower.error}")
        demand(not self.follower.grown(), "there is more")


def begins(lines: list[bytes], start: list[bytes]) -> bool:
    return lines[: len(start)] == start


def demand(truth: bool, what: str) -> None:
    if not truth:
        raise ViolationError(what)


def live(folder: Path, seed: int, follower: type[Shaky] = Shaky) -> Life:
    """One life from an empty folder to its end. Raises ViolationError."""
    shutil.rmtree(folder)
    folder.mkdir()
    life = Life(folder, seed, follower)
    try:
        for _ in range(life.random.randint(1, ACTS)):
            life.act()
        life.end()
        life.verify()
    finally:
        calm()
        life.follower.close()
    return life


def violation(folder: Path, seed: int, follower: type[Shaky] = Shaky) -> str | None:
    """What the follower did wrong in one life."""
    try:
        live(folder, seed, follower)
    except ViolationError as error:
        return str(error)
    return None


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_line_is_lost_torn_glued_doubled_or_invented(tmp_path: Path, block: int) -> None:
    """Whatever happens to the log, each segment that was told is the start of what one file held."""
    seeds = range(block * SCHEDULES, (block + 1) * SCHEDULES)
    assert {seed: wrong for seed in seeds if (wrong := violation(tmp_path, seed))} == {}


def test_the_schedules_reach_every_rule(tmp_path: Path) -> None:
    """The lives are eventful enough: many see restarts, and together they see holes and owed old files."""
    lives = [live(tmp_path, seed) for seed in range(200)]
    assert sum(len(life.told) > 2 for life in lives) > 60
    assert sum(life.holes for life in lives) > 30
    assert sum(any(story.owed for story in life.stories[:-1]) for life in lives) > 20
    assert sum(sum(map(len, life.told)) for life in lives) > 2000
    assert sum(life.copies for life in lives) > 150


# --- followers that leave a rule out


class WithoutTail(Shaky):
    """Looks at the size alone to see whether a file was rewritten."""

    def __init__(self, path: str, *, chunk: int) -> None:
        super().__init__(path, chunk=chunk)

        class Lines(lines.Lines):
            tail = b""

        self._lines = Lines(1 << 20, follow.NUL_POLLS)


class WithoutSize(Shaky):
    """Waits for a truncated file to pass the old size again."""

    def _read(self, fd: int, now: float) -> Batch | None:
        return super()._read(fd, now) if os.fstat(fd).st_size >= self.offset else None


class TellingHalfLines(Shaky):
    """Hands on what stands at the end of the file as if it were whole."""

    def _batch(self, whole: list[bytes], modified: float, more: bool, past: bool) -> Batch:
        if self.unfinished and not more:
            whole = [*whole, self.unfinished]
            self._lines._forget(len(self._lines.partial))
        return super()._batch(whole, modified, more, past)


class KeepingTheHalfLine(Shaky):
    """Glues the half line of an old file to the first line of a new one."""

    kept = b""

    def _take_over(self, suspect: Suspect) -> None:
        self.kept = self.unfinished
        super()._take_over(suspect)

    def _batch(self, whole: list[bytes], modified: float, more: bool, past: bool) -> Batch:
        if whole:
            whole[0], self.kept = self.kept + whole[0], b""
        return super()._batch(whole, modified, more, past)


class LeavingAtOnce(Shaky):
    """Does not wait for late writers of a replaced file."""

    def check_path(self, now: float) -> bool:
        replaced = super().check_path(now)
        self._patience.quiet = follow.QUIET_POLLS
        return replaced


class StartingAtTheEnd(Shaky):
    """Reads of a new file only what comes after its opening."""

    def _restart(self, now: float) -> None:
        super()._restart(now)
        assert self._fd is not None
        self._lines.take(os.pread(self._fd, 1 << 20, 0), 0, 0)


class ForgettingAHiddenFile(Shaky):
    """Takes a path that vanishes for a moment for the end of the file."""

    def check_path(self, now: float) -> bool:
        if not os.path.exists(self.path):
            self._release()
            self.identity = None
            self._lines.begin()
        return super().check_path(now)


class NeverLookingAtThePath(Shaky):
    """Stays with the descriptor that it opened first."""

    def check_path(self, now: float) -> bool:
        del now
        return False


class ParkingInMidLine(Shaky):
    """Forgets the half line with the descriptor, but not that it was read."""

    def _release(self) -> None:
        self._lines.mark = self._lines.tail
        self._lines.partial.clear()
        super()._release()


class TrustingTheNumber(Shaky):
    """Takes a file with the same inode number for the same file when it opens it again."""

    def _open(self, now: float) -> None:
        known, end = self.identity, self._lines.fingerprint.end
        super()._open(now)
        if self._fd is not None and known == self.identity and os.fstat(self._fd).st_size >= end:
            self._lines.mark = os.pread(self._fd, end, 0)[-consumed.TAIL :]


class DistrustingTheNumber(Shaky):
    """Takes each file with another number for another log, as tailers do."""

    def _decide(self, now: float) -> bool:
        suspect = self._suspect
        if suspect is None or suspect.identity == self.identity:
            return super()._decide(now)
        self._take_over(suspect)
        self._restart(now)
        return True


class ComparingTheTailAlone(Shaky):
    """Takes a file for the log when the bytes that were read last stand in it."""

    def _passes(self, fd: int, state: os.stat_result, now: float) -> bool:
        self._trust.compared(1, 1e-9, now)
        return super()._passes(fd, state, now)

    def _is_steady(self, opened: os.stat_result) -> bool:
        del opened
        return False


class NotWaitingForTheRest(Shaky):
    """Takes a file that has less than was read for another log at once."""

    def __init__(self, path: str, *, chunk: int) -> None:
        super().__init__(path, chunk=chunk)
        self._patience = Patience(follow.QUIET_POLLS, follow.DRAIN_SECONDS, 0.0)


class BelievingAShortRead(Shaky):
    """Takes a read that brings less than the last bytes for a rewritten file."""

    def _read(self, fd: int, now: float) -> Batch | None:
        self._wake = float("-inf")
        batch = super()._read(fd, now)
        if self._wake == now + follow.SHORT_SIGHT:
            self._restart(now)
        return batch


class TakingNulsForText(Shaky):
    """Hands on the hole that a truncation leaves."""

    def __init__(self, path: str, *, chunk: int) -> None:
        super().__init__(path, chunk=chunk)

        class Lines(lines.Lines):
            def take(self, data: bytes, begin: int, size: int) -> list[bytes]:
                return super().take(data.replace(b"\0", b" "), begin, size)

        self._lines = Lines(1 << 20, follow.NUL_POLLS)


@pytest.mark.parametrize(
    "broken",
    [
        WithoutTail,
        WithoutSize,
        TellingHalfLines,
        KeepingTheHalfLine,
        LeavingAtOnce,
        StartingAtTheEnd,
        ForgettingAHiddenFile,
        NeverLookingAtThePath,
        ParkingInMidLine,
        TrustingTheNumber,
        DistrustingTheNumber,
        ComparingTheTailAlone,
        NotWaitingForTheRest,
        BelievingAShortRead,
        TakingNulsForText,
    ],
)
def test_a_follower_that_leaves_a_rule_out_is_found(tmp_path: Path, broken: type[Shaky]) -> None:
    """Within a few hundred schedules the model notices each broken rule, so its silence means something."""
    assert any(violation(tmp_path, seed, broken) for seed in range(BROKEN_SCHEDULES))
