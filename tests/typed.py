"""A program on a terminal of its own, that is typed to and read as by a person."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType

from tests.servers import HANGS_SECONDS

CTRL_C, CTRL_Z = "\x03", "\x1a"


class TypedTo:
    """Starts a program as the leader of a session with a new terminal; kills it when the block ends."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.shown = ""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvpe(command[0], list(command), dict(environment))

    def __enter__(self) -> TypedTo:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._terminal)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> str:
        """Read until this was shown; all that was shown before it since the last time."""
        deadline = time.monotonic() + HANGS_SECONDS
        while text not in self.shown:
            left = deadline - time.monotonic()
            readable = left > 0 and select.select([self._terminal], [], [], left)[0]
            assert readable, f"{text!r} was not shown, but {self.shown!r}"
            try:
                self.shown += os.read(self._terminal, 4096).decode(errors="replace")
            except OSError as error:  # the other side is closed
                raise AssertionError(f"{text!r} was not shown, but {self.shown!r}") from error
        before, _, self.shown = self.shown.partition(text)
        return before

    def exit_status(self) -> int:
        """How the program ended, as os.waitstatus_to_exitcode says it."""
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
