"""Processor time, memory and HTTP of other processes, and how contestants take turns."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmtrain_exporter.knowledge.variables import PREFIX

ROOT = Path(__file__).resolve().parent.parent
OPEN_FILES = 65536
START_SECONDS = 900.0  # a plain exporter takes minutes to read ten thousand logs
ASK_SECONDS = 0.1  # between two questions whether it is ready, which cost it time too
STOP_SECONDS = 30.0
HTTP_SECONDS = 120.0  # and a minute to answer a scrape of them

_BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": ""}  # programs have it, as when they were installed
_TICKS = os.sysconf("SC_CLK_TCK")
_WORST_LINES = 5  # of a failed program's output that are worth repeating


class ContestantError(Exception):
    """A contestant did not do what was asked: there is nothing to compare. The text is for people."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that came to its end: its processor seconds, user and system, and what it printed."""

    cpu: float
    output: bytes


def interleave(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median figure of each contestant, all of them asked once a round so that a busy minute hits all."""
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measured in contestants.items():
            figures[name].append(measured())
    return {name: statistics.median(found) for name, found in figures.items()}


def run(command: Sequence[str], env: Mapping[str, str] | None = None, accept: Collection[int] = (0,)) -> Ran:
    """Runs a program from start to end. Raises ContestantError on an exit code that is not in `accept`."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = _start(command, output.fileno(), errors.fileno(), env)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accept:
            raise ContestantError(_ended(" ".join(command), process.returncode, errors.fileno()))
        return Ran(usage.ru_utime + usage.ru_stime, _content(output.fileno()))


def cpu_of(work: Callable[[], object]) -> float:
    """Processor seconds that this process takes for some work."""
    started = time.process_time()
    work()
    return time.process_time() - started


class Server:
    """A program that serves HTTP on a port of `host`, and what /proc tells of it."""

    host = "127.0.0.1"

    def __init__(
        self, command: Sequence[str], process: subprocess.Popen[bytes], port: int, errors: int
    ) -> None:
        self.name = " ".join(command)
        self.port = port
        self._process = process
        self._errors = errors

    def get(self, path: str, **headers: str) -> bytes:
        """The body of a path, on a connection of its own; empty unless the answer is 200. Raises OSError."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=HTTP_SECONDS)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            return body or b"\n" if answer.status == http.client.OK else b""
        finally:
            connection.close()

    def until(self, ready: Callable[[], bool]) -> None:
        """Waits until the program is ready. Raises ContestantError if it never is."""
        started = time.monotonic()
        while not self._answers(ready):
            if self._process.poll() is not None:
                raise ContestantError(_ended(self.name, self._process.returncode, self._errors))
            if time.monotonic() - started > START_SECONDS:
                raise ContestantError(f"{self.name} was not ready after {START_SECONDS:g} s")
            time.sleep(ASK_SECONDS)

    def reload(self) -> None:
        """Have it read its configuration again (SIGHUP)."""
        self._process.send_signal(signal.SIGHUP)

    @property
    def cpu(self) -> float:
        """Processor seconds so far, of all its threads and of the processes that it has ended."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS

    @property
    def rss(self) -> int:
        """Resident memory now, in bytes."""
        return self._status("VmRSS")

    @property
    def peak(self) -> int:
        """The most memory that was resident so far, in bytes."""
        return self._status("VmHWM")

    def _status(self, field: str) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))

    def _answers(self, ready: Callable[[], bool]) -> bool:
        try:
            return ready()
        except (OSError, http.client.HTTPException):
            return False


@contextlib.contextmanager
def serving(command: Sequence[str], port: int, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A program that runs until the end of the block; it need not be ready when that begins."""
    with tempfile.TemporaryFile() as errors:
        process = _start(command, errors.fileno(), errors.fileno(), env)
        try:
            yield Server(command, process, port, errors.fileno())
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def allow_open_files() -> int:
    """Raises the limit of open files of this process and those it starts, as far as allowed; the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = max(soft, OPEN_FILES)
    if hard == resource.RLIM_INFINITY or hard >= enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
    else:
        with contextlib.suppress(OSError, ValueError):  # only a privileged user may raise the hard one
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            resource.setrlimit(resource.RLIMIT_NOFILE, (enough, enough))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _start(
    command: Sequence[str], output: int, errors: int, env: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.Popen(
        list(command),
        cwd=ROOT,
        env={**plain, **_BYTE_CODE, **(env or {})},  # nobody has set anything
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
    )


def _ended(name: str, code: int | None, errors: int) -> str:
    """What to say of a program that ended when it should not have."""
    said = _content(errors).decode(errors="replace").strip().splitlines()
    return f"{name} ended with {code}: {' / '.join(said[-_WORST_LINES:])}"


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
