"""Runs the command of a training as if it had been started without a guard: its terminal, signals and end."""

from __future__ import annotations

import math
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

from llmtrain_exporter.guard.launch.terminal import ForegroundTerminal
from llmtrain_exporter.knowledge.rescuing import WARNING_SECONDS

_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
_WARNING = (signal.SIGUSR1, signal.SIGUSR2)
"""With which schedulers warn some minutes before they end a job; others use them for other things."""

PASSED_ON = (*_ENDING, *_WARNING)

_TYPED = (signal.SIGINT, signal.SIGQUIT)
"""Those that a terminal sends to all of its group."""

_UNHEARD = (signal.SIGTTIN, signal.SIGTTOU)
"""Those that stop whoever uses a terminal that it does not have."""

_PR_SET_CHILD_SUBREAPER = 36


class NotStartedError(Exception):
    """A command that cannot be started; its text says why. `code`: what a shell would end with."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class CommandEnding:
    """How a command ended: by itself with `code`, or by `signal`, which is 0 else."""

    code: int
    signal: int = 0

    def repeat(self) -> int:
        """End this process in the same way; what ended by itself is for the caller to end with."""
        if self.signal:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the core that counts is the training's
            with suppress(OSError):  # of SIGKILL nothing can be set, or need be
                signal.signal(self.signal, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (self.signal,))
            os.kill(os.getpid(), self.signal)
        return 128 + self.signal if self.signal else self.code  # the first process of a container lives on


class Launcher:
    """Starts commands, one after the other, and passes on the signals that reach it. For the main thread.

    Where it is in the foreground of a terminal the command gets a process group of its own and the terminal
    with it, as from a shell; elsewhere it stays in the group, so that whoever ends that ends both.
    """

    def __init__(self, terminal: ForegroundTerminal, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._child: int | None = None
        self._grouped = False  # whether the child is the leader of a group of its own
        self._before: dict[signal.Signals, object] = {}
        self._clock = clock
        self._ended = False  # whether a signal came that trainings are ended with
        self._warned_at = -math.inf  # monotonic

    @property
    def asked_to_end(self) -> bool:
        """Whether somebody wants the machine back, by the signals that came."""
        return self._ended or self._clock() - self._warned_at < WARNING_SECONDS

    def __enter__(self) -> Launcher:
        _adopt_orphans(True)
        # Were it ignored, as some starters have it, nobody could wait for the command.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's: the command must not see it either
                self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # type: ignore[arg-type]  # what it returned
        self._terminal.close()
        _adopt_orphans(False)

    def run(self, words: Sequence[str], environment: Mapping[str, str]) -> CommandEnding:
        """Start a command and wait until it has ended. Raises NotStartedError."""
        self._grouped = self._terminal.is_ours
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        try:
            process = self._start(words, environment, mask)
            self._child = process.pid
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            ending = self._wait(process.pid)
        finally:
            self._child = None
            if self._grouped:
                self._terminal.take_back(process.pid)
        process.returncode = -ending.signal if ending.signal else ending.code
        return ending

    def _start(
        self, words: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]
    ) -> subprocess.Popen[bytes]:
        def begin() -> None:
            if self._grouped:
                os.setpgid(0, 0)
                self._terminal.give_to(os.getpgrp())
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

        try:
            # Files that a shell opens for the command, as for <(...), are for it: none is closed.
            return subprocess.Popen(words, env=environment, preexec_fn=begin, close_fds=False)  # noqa: S603
        except OSError as error:
            # It was given to a process that is no more.
            if self._grouped:
                self._terminal.give_to(os.getpgrp())
            missing = isinstance(error, FileNotFoundError)
            raise NotStartedError(f"{words[0]}: {error.strerror}", 127 if missing else 126) from None

    def _wait(self, child: int) -> CommandEnding:
        while True:
            pid, status = os.waitpid(-1, os.WUNTRACED)  # orphans, too, which nobody else would bury
            if pid != child:
                continue
            if os.WIFSTOPPED(status):
                if self._grouped:
                    self._go_on(child, os.WSTOPSIG(status))
                continue
            if os.WIFSIGNALED(status):
                return CommandEnding(128 + os.WTERMSIG(status), os.WTERMSIG(status))
            return CommandEnding(os.WEXITSTATUS(status))

    def _go_on(self, child: int, stopped_by: int) -> None:
        """Ctrl-Z: let the shell see that its job has stopped, and go on when it says so.

        Who reads from a terminal that a shell has given to this process meanwhile is stopped as well.
        """
        if stopped_by not in _UNHEARD or not self._terminal.is_ours:
            self._terminal.take_back(child)
            os.killpg(os.getpgrp(), signal.SIGTSTP)
        if self._terminal.is_ours:
            self._terminal.give_to(child)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGCONT)

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        self._ended = self._ended or number in _ENDING
        self._warned_at = self._clock()
        typed = number in _TYPED and not self._grouped and self._terminal.is_ours
        if self._child is not None and not typed:
            with suppress(ProcessLookupError):
                os.kill(self._child, number)


def _adopt_orphans(wanted: bool) -> None:
    """Whether what a command leaves behind becomes a child of this process, where that can be (Linux)."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)
