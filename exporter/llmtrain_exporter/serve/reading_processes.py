"""Other processes that read logs of runs that are over, while the exporter answers.

None is a fork: each is Python, started anew with the same search path. They end with the exporter, and what
one of them did not come to an end with is read by the exporter itself.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import NamedTuple

from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.serve.kept_run import PackedRun

ENOUGH = 2
"""Logs that a process has at once: the next one lies there when it has read one."""

SILENT_SECONDS = 15.0
"""A process that says nothing for so long hangs; one that reads says so every second."""

FEWEST_CORES = 2
"""Cores, at least, for which other processes are worth it."""

_PROGRAM = (
    "import sys; descriptor = int(sys.argv[1]); sys.path[:] = sys.argv[2:]; "
    "from llmtrain_exporter.serve.reading_process import main; main(descriptor)"
)


log = logging.getLogger(__name__)


class Read(NamedTuple):
    """What became of a log. `run` None: it is no run that is over, or could not be read there."""

    path: str
    run: PackedRun | None
    size: int  # bytes that were read


class ReadingProcesses:
    """Some processes. For one thread."""

    def __init__(
        self,
        settings: Settings,
        count: int,
        monotonic: Callable[[], float] = time.monotonic,
        closed: Callable[[], object] = lambda: None,
    ) -> None:
        """`settings`: what logs are read by. `closed`: told when they have been ended. Raises OSError."""
        self._monotonic = monotonic
        self._closed = closed
        self._all: list[_Process] = []
        try:
            for _ in range(count):
                self._all.append(_Process(settings, monotonic()))
        except OSError:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether any of them reads."""
        return bool(self._all)

    @property
    def idle(self) -> bool:
        """Whether one of them could have another log."""
        return any(len(process.paths) < ENOUGH for process in self._all)

    @property
    def ids(self) -> list[int]:
        """The numbers of the processes."""
        return [process.program.pid for process in self._all]

    def give(self, found: Found) -> None:
        """Have a log read; one of them is idle."""
        process = min(self._all, key=lambda each: len(each.paths))
        if not process.paths:
            process.heard_at = self._monotonic()
        process.paths.append(found.path)
        with suppress(OSError):  # it has ended; `answers` will find that
            process.pipe.send_bytes(pickle.dumps(_told(found)))

    def answers(self, seconds: float) -> Iterator[Read]:
        """What has become of logs; waits so long for the first one. None gets lost with who reads it."""
        ready = wait([process.pipe for process in self._all], seconds)
        for process in list(self._all):
            if process.pipe in ready:
                yield from self._heard(process)
            elif process.paths and self._monotonic() - process.heard_at > SILENT_SECONDS:
                yield from self._lost(process)

    def close(self) -> None:
        """End them."""
        for process in self._all:
            process.end()
        self._all.clear()
        self._closed()

    def _heard(self, process: _Process) -> Iterator[Read]:
        process.heard_at = self._monotonic()
        try:
            answer = pickle.loads(process.pipe.recv_bytes())  # noqa: S301  # of our own process
        except (EOFError, OSError):
            yield from self._lost(process)
            return
        if answer is not None:
            yield Read(process.paths.popleft(), *answer)

    def _lost(self, process: _Process) -> Iterator[Read]:
        self._all.remove(process)
        process.end()
        yield from (Read(path, None, 0) for path in process.paths)


class _Process:
    """One of them, with the logs that it has been given."""

    def __init__(self, settings: Settings, monotonic: float) -> None:
        self.pipe, theirs = Pipe()
        self.paths: deque[str] = deque()
        self.heard_at = monotonic
        with theirs:
            command = [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), *filter(None, sys.path)]
            nothing = subprocess.DEVNULL
            self.program = subprocess.Popen(  # noqa: S603  # this very Python
                command, stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=[theirs.fileno()]
            )
        self.pipe.send_bytes(pickle.dumps(settings))

    def end(self) -> None:
        """End it, and do not wait for one that hangs in a file system."""
        self.pipe.close()
        self.program.kill()
        with suppress(subprocess.TimeoutExpired):
            self.program.wait(0.5)


class ForOneThread:
    """Starts processes for one thread at a time: as many as there are cores, and none on a single one."""

    def __init__(self, count: int | None = None) -> None:
        """`count`: of processes."""
        self._count = cores() if count is None else count
        self._taken = threading.Semaphore()

    def __call__(self, settings: Settings) -> ReadingProcesses | None:
        """The processes; None where another thread has them, or none can be started."""
        if self._count < FEWEST_CORES or not sys.executable or not self._taken.acquire(blocking=False):
            return None
        try:
            return ReadingProcesses(settings, self._count, closed=self._taken.release)
        except OSError as error:
            log.info("All logs are read by one process: %s", error)
            return None


def cores() -> int:
    """Those that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not of Linux
        return os.cpu_count() or 1


def _told(found: Found) -> tuple[object, ...]:
    return (
        found.path,
        found.run,
        found.dialect.name,
        found.modified,
        found.size,
        found.identity,
        found.extra,
        found.key,
        found.basis,
        found.parts,
    )
