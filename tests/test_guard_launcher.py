"""A command under guard is as without: its terminal, files, environment, signals and end are its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from llmtrain_exporter.guard.launch.whereabouts import HOOK
from llmtrain_exporter.guard.options import VARIABLE
from llmtrain_exporter.guard.told import RUN_VARIABLE

from tests.project import IMPORTED_FROM
from tests.servers import HANGS_SECONDS
from tests.typed import CTRL_C, CTRL_Z, TypedTo

GUARD = (sys.executable, "-m", "llmtrain_exporter", "guard")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(IMPORTED_FROM)}


def guarded(*command: str, options: Sequence[str] = (), **more: object) -> subprocess.CompletedProcess[str]:
    """A command under guard, to its end."""
    line = [*GUARD, *options, "--", *command]
    settings: dict[str, object] = {"env": ENVIRONMENT, "capture_output": True, "text": True, **more}
    return subprocess.run(line, timeout=HANGS_SECONDS, check=False, **settings)  # type: ignore[call-overload,no-any-return]


def python(program: str) -> tuple[str, str, str]:
    """A command that runs this program."""
    return sys.executable, "-c", program


class Started:
    """A guarded program that has said `ready`."""

    def __init__(self, program: str, **more: object) -> None:
        line = [*GUARD, "--", *python(program)]
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            line, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, **more
        )
        assert self.process.stdout.readline() == "ready\n"

    def ended(self) -> tuple[int, str]:
        """Its exit code and what it has said."""
        said = self.process.communicate(timeout=HANGS_SECONDS)[0]
        return self.process.returncode, said


@pytest.mark.parametrize("code", [0, 1, 2, 75, 255])
def test_the_exit_code_is_the_commands_own(code: int) -> None:
    """Whatever it means there."""
    assert guarded(*python(f"raise SystemExit({code})")).returncode == code


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGABRT", "SIGINT"])
def test_a_command_that_a_signal_ends_is_seen_to_end_by_it(name: str) -> None:
    """Shells and schedulers tell that from an exit code."""
    ends = f"os.kill(os.getpid(), signal.{name})"
    program = f"import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); {ends}"
    assert guarded(*python(program)).returncode == -getattr(signal, name)


def test_standard_streams_and_arguments_are_passed_through_untouched() -> None:
    """Bytes as they are, empty words and odd ones too; the guard itself says nothing."""
    program = "import sys; print(sys.argv[1:], sys.stdin.read()); print('to stderr', file=sys.stderr)"
    done = guarded(*python(program), "--a", "", "x y", "--", "-v", "--help", "é", input="typed")
    assert done.stdout == "['--a', '', 'x y', '--', '-v', '--help', 'é'] typed\n"
    assert "to stderr\n" in done.stderr
    assert len(done.stderr.splitlines()) <= 2  # the other one: there was no training to guard


def test_files_that_a_shell_opens_for_the_command_are_open_in_it(tmp_path: Path) -> None:
    """As those of `<(...)` and `3>log`."""
    with (tmp_path / "log").open("w") as log:
        os.set_inheritable(log.fileno(), True)
        done = guarded(*python(f"import os; os.write({log.fileno()}, b'here')"), close_fds=False)
    assert (done.returncode, (tmp_path / "log").read_text()) == (0, "here")


@pytest.mark.parametrize("before", [None, "", "/one:/two"])
def test_the_environment_is_as_it_was_but_for_the_hook(before: str | None) -> None:
    """In front of PYTHONPATH stands one folder, in which there is nothing but the hook."""
    base = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    run = (
        f"import runpy, sys; sys.path.insert(0, {str(IMPORTED_FROM)!r}); "
        "sys.argv[0] = 'llmtrain-exporter'; runpy.run_module('llmtrain_exporter', run_name='__main__')"
    )
    line = [sys.executable, "-c", run, "guard", "--", *python(program)]
    given = base if before is None else {**base, "PYTHONPATH": before}
    done = subprocess.run(line, env=given, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found.pop("PYTHONPATH") == os.pathsep.join([str(HOOK), *([before] if before else [])])
    assert found.pop(VARIABLE)
    assert found.pop(RUN_VARIABLE)
    given.pop("PYTHONPATH", None)
    assert {name: found.get(name) for name in given} == given
    assert not Path(done.stdout.split(RUN_VARIABLE + '": "')[1].split('"')[0]).exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"])
def test_a_signal_that_the_guard_gets_reaches_the_command_once(name: str) -> None:
    """Schedulers send to one process alone."""
    program = (
        "import signal, sys\n"
        f"signal.signal(signal.{name}, lambda *_: (print('heard', flush=True), sys.exit(7)))\n"
        "print('ready', flush=True); signal.pause(); signal.pause()"
    )
    started = Started(program)
    started.process.send_signal(getattr(signal, name))
    assert started.ended() == (7, "heard\n")


def test_a_command_that_does_not_listen_is_waited_for() -> None:
    """The guard ends with it, not before."""
    program = (
        "import signal, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True); sys.stdin.read(); print('done')"
    )
    started = Started(program, stdin=subprocess.PIPE)
    started.process.send_signal(signal.SIGTERM)
    assert started.process.poll() is None
    assert started.ended() == (0, "done\n")


def test_what_nohup_ignores_stays_ignored() -> None:
    """The command must see what it would see without."""
    program = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    line = " ".join(f"'{word}'" for word in (*GUARD, "--", *python(program)))
    done = subprocess.run(
        ["sh", "-c", f"trap '' HUP; {line}"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_a_command_outlives_a_guard_that_is_killed(tmp_path: Path) -> None:
    """Nothing of the training hangs on the guard."""
    done = str(tmp_path / "done")
    program = f"import sys; print('ready', flush=True); sys.stdin.read(); open({done!r}, 'w').close()"
    started = Started(program, stdin=subprocess.PIPE)
    started.process.kill()
    assert started.ended() == (-signal.SIGKILL, "")
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["no-such-program"], 127, "no-such-program"),
        (["/"], 126, "Permission denied"),
        ([], 64, "guard -- python train.py"),
    ],
)
def test_a_command_that_cannot_be_started_is_told_in_one_line(
    command: list[str], code: int, told: str
) -> None:
    """With the exit code that a shell has for it."""
    done = guarded(*command)
    assert done.returncode == code
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--on-incident", "explode"],
        ["--signal", "nothing"],
        ["--for", "0"],
        ["--rescues", "-1"],
        ["--keep-free", "much"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_is_told_before_anything_starts(options: list[str]) -> None:
    """Exit code 64; the command does not run."""
    done = guarded(*python("print('ran')"), options=options)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("Error: ")


def test_ctrl_c_reaches_the_command_alone_and_once(tmp_path: Path) -> None:
    """On a terminal: the command is in its foreground, and the guard ends as it does."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, select, signal, sys\n"
        "times = []\n"
        "signal.signal(signal.SIGINT, lambda *_: times.append(1))\n"
        "woken, wakes = os.pipe()\n"  # it may come before anybody waits for it
        "os.set_blocking(wakes, False)\n"
        "signal.set_wakeup_fd(wakes)\n"
        "print('front', os.tcgetpgrp(0) == os.getpgrp(), os.isatty(1), flush=True)\n"
        "select.select([woken], [], [])\n"
        "print('times', len(times), flush=True)\n"
        "print('typed', input(), flush=True)\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "print('last', flush=True)\n"
        "signal.pause()\n"
    )
    with TypedTo([*GUARD, "--", sys.executable, str(program)], ENVIRONMENT) as terminal:
        terminal.wait_for("front True True")
        terminal.type(CTRL_C)
        terminal.wait_for("times 1")
        terminal.type("words\n")
        terminal.wait_for("typed words")
        terminal.wait_for("last")
        terminal.type(CTRL_C)
        assert terminal.exit_status() == -signal.SIGINT


def test_a_shell_stops_and_continues_it_as_any_job(tmp_path: Path) -> None:
    """Ctrl-Z, fg, and the terminal comes back to the shell when all is over."""
    program = tmp_path / "program.py"
    program.write_text("print('asks', flush=True)\nprint('got', input(), input(), flush=True)\n")
    line = " ".join((*GUARD, "--", sys.executable, str(program)))
    with TypedTo(["bash", "--norc", "--noprofile", "-i"], {**ENVIRONMENT, "PS1": "$ "}) as shell:
        shell.wait_for("$ ")
        shell.type(f"{line}\n")
        shell.wait_for("asks")
        shell.type(CTRL_Z)
        shell.wait_for("Stopped")
        shell.type("echo in the she''ll\n")
        shell.wait_for("in the shell")
        shell.type("fg\n")
        shell.wait_for("program.py")
        shell.type("one\ntwo\n")
        shell.wait_for("got one two")
        shell.type("echo ended with $?.\n")
        shell.wait_for("ended with $?.")
        assert "ended with 0." not in shell.wait_for("ended with 0.")  # the shell has its terminal back


def test_a_machine_without_room_for_a_small_file_trains_all_the_same() -> None:
    """The guard then looks for the output folder where the command says."""
    start = (
        "import runpy, sys, tempfile\n"
        "def full(**_): raise OSError(28, 'No space left on device')\n"
        "tempfile.mkstemp = full\n"
        "sys.argv = ['llmtrain-exporter', 'guard', '--', sys.executable, '-c', 'print(1)']\n"
        "runpy.run_module('llmtrain_exporter', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(python(start), env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1\n")
