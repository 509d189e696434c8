"""Who is left of a training, and what is waited for before it is started again."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from llmtrain_exporter.guard.guard_file import guard_path, write_guard_file
from llmtrain_exporter.guard.launch import supervising
from llmtrain_exporter.guard.launch.command_lines import recognised
from llmtrain_exporter.guard.launch.launcher import CommandEnding, Launcher
from llmtrain_exporter.guard.launch.processes import left_of_training
from llmtrain_exporter.guard.launch.supervising import Guarded, Supervisor, World
from llmtrain_exporter.guard.launch.telling import Speaker
from llmtrain_exporter.guard.launch.terminal import ForegroundTerminal
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.rescuing import RANKS_GONE_SECONDS, WARNING_SECONDS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.model.guarded import GuardFile, StopReason

from tests.servers import eventually

MARK = ("LLMTRAIN_TEST_MARK", "of this test")
WRITES = "import sys; file = open(sys.argv[1], 'a'); print('ready', flush=True); sys.stdin.read()"
READS = "import sys; file = open(sys.argv[1]); print('ready', flush=True); sys.stdin.read()"


@contextmanager
def living(program: str, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A program in a session of its own, once it has said `ready`; it ends with the block."""
    with running([sys.executable, "-c", program, *words], **environment) as process:
        yield process


@contextmanager
def running(command: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The same of a command."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def left(folder: Path) -> set[int]:
    """The processes that are left, but for those that this test program has by itself."""
    return {each.pid for each in left_of_training("=".join(MARK), folder)}


def test_a_process_with_the_mark_in_its_environment_is_left(tmp_path: Path) -> None:
    """Whatever it does, and whoever its parent is."""
    with living("print('ready', flush=True); input()", **dict([MARK])) as process:
        assert process.pid in left(tmp_path)
    assert process.pid not in left(tmp_path)


def left_for_another(folder: Path) -> set[int]:
    """The same, asked by a program that has not started them: all that it has started counts in any case."""
    program = (
        "import sys; from pathlib import Path\n"
        "from llmtrain_exporter.guard.launch.processes import left_of_training\n"
        "print(*(each.pid for each in left_of_training(sys.argv[1], Path(sys.argv[2]))))"
    )
    command = [sys.executable, "-c", program, "=".join(MARK), str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return set(map(int, said.split()))


def test_who_writes_into_the_folder_is_left_and_who_reads_is_not(tmp_path: Path) -> None:
    """Two trainings in one folder would be two writers; a log may be followed by anybody."""
    folder, outside = tmp_path / "out", tmp_path / "out-2"
    (folder / "checkpoint-5").mkdir(parents=True)
    log = folder / "checkpoint-5" / "log"
    log.touch()
    outside.touch()
    for program, path, is_left in ((WRITES, log, True), (READS, log, False), (WRITES, outside, False)):
        with living(program, str(path)) as process:
            assert (process.pid in left_for_another(folder)) is is_left, (program, path)


SERVICE = "print('ready', flush=True); input()"


@pytest.mark.parametrize(
    ("name", "is_left"), [("wandb-core", False), ("tensorboard", False), ("train.py", True)]
)
def test_services_that_trainings_leave_behind_are_not_waited_for(
    tmp_path: Path, name: str, is_left: bool
) -> None:
    """They write no checkpoint, and some never end. What a training names in its arguments is none."""
    (tmp_path / name).write_text(SERVICE)
    command = [sys.executable, "-u", str(tmp_path / name), "--report_to", "wandb"]
    with running(command, **dict([MARK])) as process:
        assert (process.pid in left(tmp_path / "out")) is is_left


def test_where_processes_cannot_be_listed_none_is_left(tmp_path: Path) -> None:
    """Not every system has a /proc."""
    assert left_of_training("=".join(MARK), tmp_path, tmp_path / "no-proc") == []


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The output folder of a training that the guard has stopped."""
    folder = tmp_path / "out"
    folder.mkdir()
    reason = StopReason("kl_high", "critical", 36, "kl", 12.5)
    write_guard_file(guard_path(folder), GuardFile("stopped", reason))
    return folder


class Rest:
    """A clock's rest that takes no time, and calls somebody when it was asked for so many times."""

    def __init__(self, after: int = 0, call: object = None) -> None:
        self.times = 0
        self._after, self._call = after, call

    def __call__(self, _: float) -> None:
        """Rest."""
        self.times += 1
        if self.times == self._after:
            self._call()  # type: ignore[operator]


def supervise(folder: Path, program: str, rest: Rest) -> str:
    """Run a command that has stopped itself, and do what comes then; what is said."""
    said = io.StringIO()
    words = [sys.executable, "-c", program, str(folder)]
    guarded = Guarded(recognised(words, folder), GuardOptions("rescue"), 2, folder)
    world = World(
        os.environ,
        Speaker(said, Lang.EN),
        lambda: 1.5,
        rest,
        lambda path: NoRun(str(path), NoRunReason.NO_RECORD),
    )
    with Launcher(ForegroundTerminal("/nowhere")) as launcher:
        Supervisor(guarded, launcher, world).run()
    return said.getvalue()


LEAVES_ONE = (
    "import os, subprocess, sys\n"
    "open(os.environ['LLMTRAIN_GUARD_RUN'], 'a').write(sys.argv[1] + '\\n')\n"
    "rank = 'import sys; print(1, flush=True); sys.stdin.read()'\n"
    "made = subprocess.Popen([sys.executable, '-c', rank], stdin=os.open(sys.argv[1] + '/pipe', os.O_RDWR),"
    " stdout=subprocess.PIPE, start_new_session=True)\n"
    "made.stdout.readline()\n"
    "open(sys.argv[1] + '/pid', 'w').write(str(made.pid))\n"
)


def end(pid: int) -> None:
    """Kill that process, and wait until it has ended: a rest takes no time, but an end does."""
    os.kill(pid, 9)
    eventually(lambda: has_ended(pid))


def has_ended(pid: int) -> bool:
    """Whether it is gone, or only its exit code is left."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    return True


def test_a_rank_that_lives_on_is_waited_for(stopped: Path) -> None:
    """It is in a session of its own, as torchrun's are; nothing is read or moved before it has ended."""
    os.mkfifo(stopped / "pipe")
    rest = Rest(3, lambda: end(int((stopped / "pid").read_text())))
    said = supervise(stopped, LEAVES_ONE, rest)
    assert rest.times >= 3
    assert "still there" not in said
    assert "gives up: its log cannot be read" in said


def test_a_rank_that_does_not_end_is_named_and_nothing_is_started(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After two minutes: two would write into one folder."""
    monkeypatch.setattr(supervising, "LOOK_SECONDS", RANKS_GONE_SECONDS / 10)  # each look goes through /proc
    os.mkfifo(stopped / "pipe")
    said = supervise(stopped, LEAVES_ONE, Rest())
    pid = int((stopped / "pid").read_text())
    try:
        assert "gives up: processes of the old training are still there" in said
        assert f"{pid} (" in said
        found = read_guard_file(guard_path(stopped))
        assert found is not None
        assert (found.state, found.attempts) == ("gave_up", ())
    finally:
        os.kill(pid, 9)


def test_a_signal_while_ranks_are_waited_for_ends_it(stopped: Path) -> None:
    """The machine is wanted back; it is taken up again when the same command is started."""
    os.mkfifo(stopped / "pipe")
    rest = Rest(2, lambda: os.kill(os.getpid(), 15))
    said = supervise(stopped, LEAVES_ONE, rest)
    os.kill(int((stopped / "pid").read_text()), 9)
    found = read_guard_file(guard_path(stopped))
    assert said == ""
    assert found is not None
    assert (found.state, found.events[-1].action) == ("stopped", "rescue")


def test_a_signal_that_may_be_a_warning_counts_for_a_while() -> None:
    """Slurm warns by SIGUSR1 if it is told so; others have a stack printed with it."""
    now = [100.0]
    with Launcher(ForegroundTerminal("/nowhere"), lambda: now[0]) as launcher:
        assert not launcher.asked_to_end
        os.kill(os.getpid(), signal.SIGUSR1)
        assert launcher.asked_to_end
        now[0] += WARNING_SECONDS
        assert not launcher.asked_to_end
        os.kill(os.getpid(), signal.SIGTERM)
        now[0] += WARNING_SECONDS
        assert launcher.asked_to_end


def test_a_command_is_waited_for_where_ended_children_are_ignored() -> None:
    """Some starters of programs have them ignored, and then the system forgets how they ended."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with Launcher(ForegroundTerminal("/nowhere")) as launcher:
            assert launcher.run(["sh", "-c", "exit 3"], os.environ) == CommandEnding(3)
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_an_error_of_its_own_is_no_crash(stopped: Path) -> None:
    """The training has ended as it did; by whom nothing was started is said in one line."""

    def broken(_: Path) -> NoRun:
        raise ZeroDivisionError

    said = io.StringIO()
    told = f"open(__import__('os').environ['LLMTRAIN_GUARD_RUN'], 'a').write({str(stopped)!r} + '\\n')"
    command = recognised([sys.executable, "-c", told], stopped)
    guarded = Guarded(command, GuardOptions("rescue"), 2, stopped)
    world = World(os.environ, Speaker(said, Lang.EN), lambda: 1.5, Rest(), broken)
    with Launcher(ForegroundTerminal("/nowhere")) as launcher:
        assert Supervisor(guarded, launcher, world).run() == CommandEnding(0)
    assert "gives up: an error of the guard's own (ZeroDivisionError)" in said.getvalue()
