"""Which processes of a training are still there: whoever lives may still write into its folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from llmtrain_exporter.guard.launch.shown_command import shown_command
from llmtrain_exporter.guard.options import VARIABLE, GuardOptions, GuardOptionsError
from llmtrain_exporter.knowledge.rescuing import SERVICES
from llmtrain_exporter.printable import printable

_LONGEST_COMMAND = 100  # characters
_PROC = Path("/proc")
_PYTHON = re.compile(r"python[\d.]*")


@dataclass(frozen=True, slots=True)
class LiveProcess:
    """A process by its id, and its command line, shortened."""

    pid: int
    command: str


@dataclass(frozen=True, slots=True)
class _Entry:
    folder: Path
    parent: int
    group: int


def bury_orphans() -> None:
    """Take leave of adopted processes that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def left_of_training(mark: str, folder: Path, proc: Path = _PROC) -> list[LiveProcess]:
    """The processes that a training has left: those that this one has adopted, those with `mark` in their
    environment, and others that have a file in `folder` open for writing.

    `mark`: "NAME=value". Known services that trainings start and leave behind do not count, nor do neighbours
    in this process's own pipeline, which may write the log. Where there is no /proc: none is found.
    """
    known = dict(_entries(proc))
    own, group = os.getpid(), os.getpgrp()
    adopted = _below(own, known)
    found = []
    for pid, entry in known.items():
        if pid == own:
            continue
        belongs = pid in adopted or _has_mark(entry.folder, mark)
        if belongs or (entry.group != group and _writes_below(entry.folder, folder)):
            found.append((pid, _words(entry.folder)))
    return [_told(pid, words) for pid, words in found if not _is_service(words)]


def rescued_in(folder: Path, proc: Path = _PROC) -> list[LiveProcess]:
    """The processes of a training that a guard has started again from a checkpoint in `folder`."""
    begin = os.path.join(os.path.realpath(folder), "")
    resumed = [
        (pid, _words(entry.folder))
        for pid, entry in _entries(proc)
        if os.path.realpath(_resumed_from(entry.folder)).startswith(begin)
    ]
    return [_told(pid, words) for pid, words in resumed if not _is_service(words)]


def _entries(proc: Path) -> Iterator[tuple[int, _Entry]]:
    """All living processes; one that ends meanwhile is passed by."""
    with suppress(OSError):
        for name in os.listdir(proc):
            if name.isdecimal():
                with suppress(OSError, ValueError, IndexError):
                    fields = (proc / name / "stat").read_text(errors="replace").rpartition(")")[2].split()
                    if fields[0] not in "ZX":
                        yield int(name), _Entry(proc / name, int(fields[1]), int(fields[2]))


def _below(pid: int, known: Mapping[int, _Entry]) -> set[int]:
    found: set[int] = set()
    level = {pid}
    while level:
        level = {each for each, entry in known.items() if entry.parent in level} - found
        found |= level
    return found


def _has_mark(process: Path, mark: str) -> bool:
    return os.fsencode(mark) in _environment(process)


def _environment(process: Path) -> list[bytes]:
    """Its variables as NAME=value."""
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []  # another user's


def _resumed_from(process: Path) -> str:
    """The checkpoint that a guard has had the process go on from; the root of all paths where none has."""
    begin = f"{VARIABLE}=".encode()
    given = (each.removeprefix(begin) for each in _environment(process) if each.startswith(begin))
    try:
        options = GuardOptions.from_env({VARIABLE: os.fsdecode(next(given, b""))})
    except GuardOptionsError:
        options = None
    return (options.resume_from if options is not None else "") or os.sep


def _told(pid: int, words: Sequence[str]) -> LiveProcess:
    return LiveProcess(pid, printable(shown_command(words))[:_LONGEST_COMMAND])


def _writes_below(process: Path, folder: Path) -> bool:
    """Whether a process has a file below a folder open for writing."""
    begin = os.path.join(os.path.realpath(folder), "")
    try:
        names = os.listdir(process / "fd")
    except OSError:
        return False
    return any(_target(process, name).startswith(begin) and _is_writing(process, name) for name in names)


def _target(process: Path, name: str) -> str:
    try:
        return os.readlink(process / "fd" / name)
    except OSError:
        return ""


def _is_writing(process: Path, name: str) -> bool:
    try:
        lines = (process / "fdinfo" / name).read_text().splitlines()
    except OSError:
        return False
    flags = next((line.split()[1] for line in lines if line.startswith("flags:")), "0")
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def _words(process: Path) -> list[str]:
    """The command line; empty where it is gone, or nobody may see it."""
    try:
        return [os.fsdecode(word) for word in (process / "cmdline").read_bytes().split(b"\0") if word]
    except OSError:
        return []


def _is_service(words: Sequence[str]) -> bool:
    """Whether that is a service by the program that runs: a training may name one among its arguments."""
    program, *rest = words or [""]
    if _PYTHON.fullmatch(os.path.basename(program)):
        program = next((word for word in rest if not word.startswith("-")), "")  # a file, a module, or code
        program = program if " " in program else os.path.basename(program)
    return any(service in program for service in SERVICES)
