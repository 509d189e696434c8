"""What is pressed while a folder is watched on a terminal."""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Protocol

LONGEST_READ = 1024
"""Bytes taken at once; what is pasted is no command."""

_KEY = re.compile(rb"\x1b[\[O].|.", re.DOTALL)


class Pressed(Enum):
    """What a key asks for."""

    NEXT = "next"
    PREVIOUS = "previous"
    WORST = "worst"
    END = "end"


KEYS = {
    b"\x1b[B": Pressed.NEXT,
    b"\x1bOB": Pressed.NEXT,
    b"j": Pressed.NEXT,
    b"\x1b[A": Pressed.PREVIOUS,
    b"\x1bOA": Pressed.PREVIOUS,
    b"k": Pressed.PREVIOUS,
    b"a": Pressed.WORST,
    b"q": Pressed.END,
}
"""The arrows as terminals send them, and the letters of less and vi."""


class Keys(Protocol):
    """A keyboard. `files`: what becomes readable when something is pressed; none: nobody can press."""

    files: Sequence[int]

    def pressed(self) -> Sequence[Pressed]:
        """What was pressed since the last time."""


class NoKeys:
    """Where no person sits at a terminal."""

    files: Sequence[int] = ()

    def pressed(self) -> Sequence[Pressed]:
        """Nothing."""
        return ()


NO_KEYS = NoKeys()


class TerminalKeys:
    """The keys of a terminal that gives each at once."""

    def __init__(self, file: int) -> None:
        self.files: Sequence[int] = (file,)

    def pressed(self) -> Sequence[Pressed]:
        """What was pressed since the last time, without what means nothing here.

        A terminal that has gone asks for the end: nobody sees what is drawn.
        """
        (file,) = self.files
        if not select.select([file], [], [], 0)[0]:
            return ()
        try:
            read = os.read(file, LONGEST_READ)
        except OSError:
            read = b""
        return [KEYS[key] for key in _KEY.findall(read) if key in KEYS] if read else [Pressed.END]


@contextmanager
def keyboard() -> Iterator[Keys]:
    """The keys of the terminal that a command is typed at; it is given back as it was."""
    file = _terminal()
    if file is None:
        yield NO_KEYS
        return
    import termios
    import tty

    before = termios.tcgetattr(file)
    tty.setcbreak(file, termios.TCSANOW)  # Ctrl-C and Ctrl-Z stay what they are
    try:
        yield TerminalKeys(file)
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def _terminal() -> int | None:
    """Standard input, if it is a terminal in front of which this command stands; None: it is not."""
    try:
        file = sys.stdin.fileno()
        return file if os.isatty(file) and os.tcgetpgrp(file) == os.getpgrp() else None
    except (AttributeError, OSError, ValueError):  # closed, or replaced
        return None
