"""Where a search does not go: up and out of the watched folder, into the system's own, and on and on."""

from __future__ import annotations

import os
from collections.abc import Sequence

MOST_BY_LINKS = 20_000
"""Folders that one search enters through symbolic links: one that leads to a whole disk ends somewhere."""

LEADS_UP, OF_THE_SYSTEM, TOO_MANY = "leads_up", "system_folder", "too_many_by_links"
"""Why a folder is not entered."""

_MOUNTS = "/proc/self/mountinfo"
_NO_FILES = frozenset(
    (
        *("proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs"),
        *("bpf", "pstore", "configfs", "mqueue", "hugetlbfs", "fusectl", "efivarfs", "binfmt_misc", "nsfs"),
    )
)
"""File systems in which the kernel shows itself."""

_FICKLE = ("fuse", "9p", "cifs", "smb", "virtiofs", "vboxsf", "prl_fs", "fakeowner")
"""How file systems are called that others provide: buckets, and folders of another system.

Of some a folder's times say nothing of what comes to it.
"""

Identity = tuple[int, int]  # device, inode


class Borders:
    """The borders of one search. For one thread at a time."""

    def __init__(self, roots: Sequence[str]) -> None:
        """`roots`: absolute paths of what is searched; those above them are entered by no link."""
        self._roots = roots
        self._above: frozenset[Identity] | None = None
        self._systems: frozenset[int] | None = None
        self._usual: set[int] = set()  # devices that are entered
        self._by_links = 0

    def begin_at(self, state: os.stat_result) -> None:
        """Enter a root: whatever it lies on, somebody wants it searched."""
        self._usual.add(state.st_dev)

    def forbid(self, state: os.stat_result, linked: bool) -> str | None:
        """Why a folder below a root is not entered; None: it is. `linked`: a link has led there."""
        if state.st_dev not in self._usual:
            if self._systems is None:
                self._systems = _system_devices()
            if state.st_dev in self._systems:
                return OF_THE_SYSTEM
            self._usual.add(state.st_dev)
        return self._forbid_linked(state) if linked else None

    def _forbid_linked(self, state: os.stat_result) -> str | None:
        if self._above is None:
            self._above = frozenset(identity for root in self._roots for identity in _above(root))
        if (state.st_dev, state.st_ino) in self._above:
            return LEADS_UP
        self._by_links += 1
        return TOO_MANY if self._by_links > MOST_BY_LINKS else None


def _above(root: str) -> Sequence[Identity]:
    """The folders in which a root lies."""
    found, path = [], os.path.realpath(root)
    while (parent := os.path.dirname(path)) != path:
        path = parent
        try:
            state = os.stat(path)
        except OSError:
            continue
        found.append((state.st_dev, state.st_ino))
    return found


def _system_devices() -> frozenset[int]:
    """The devices of what the kernel shows of itself; none where the system does not say so."""
    return frozenset(device for device, kind in _mounts() if kind in _NO_FILES)


def fickle_devices() -> frozenset[int]:
    """The devices whose folders may have something new without another time."""
    return frozenset(device for device, kind in _mounts() if kind.startswith(_FICKLE))


def _mounts() -> Sequence[tuple[int, str]]:
    """The devices that are mounted, each with the kind of its file system; none where nothing tells that."""
    try:
        with open(_MOUNTS, "rb") as file:
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ()
    found = filter(None, map(_mounted, lines))
    return [(_device(number), kind) for number, kind in found]


def _mounted(line: str) -> tuple[str, str] | None:
    """The device and the kind of a file system in `proc_pid_mountinfo(5)`: `36 35 98:0 ... - ext3 ...`."""
    parts, _, kind = line.partition(" - ")
    fields = parts.split(" ", 3)
    return (fields[2], kind.split(" ", 1)[0]) if len(fields) == 4 and kind else None


def _device(number: str) -> int:
    major, _, minor = number.partition(":")
    return os.makedev(int(major), int(minor)) if major.isdigit() and minor.isdigit() else -1
