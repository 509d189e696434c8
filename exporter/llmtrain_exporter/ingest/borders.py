"""Where a search does not go: up and out of the watched folder, into the system's own, and on and on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

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

_TELLING = frozenset(
    (
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "btrfs",
        "zfs",
        "tmpfs",
        "ramfs",
        "f2fs",
        "bcachefs",
        "jfs",
        "ntfs3",
        "vfat",
    )
)
"""File systems that belong to this machine alone: its kernel sees each write, and can tell.

What other machines write to a file server or a bucket it does not see. In an overlay the file that is open
may be another one than the file that is written to.
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
    return frozenset(mount.device for mount in _mounts() if mount.kind in _NO_FILES)


def fickle_devices() -> frozenset[int]:
    """The devices whose folders may have something new without another time."""
    return frozenset(mount.device for mount in _mounts() if mount.kind.startswith(_FICKLE))


def tells_of_writes(descriptor: int) -> bool:
    """Whether the kernel sees all that is written to an open file; not where nothing says where that lies."""
    # By the number of the mount: files in a subvolume of btrfs show a device that is mounted nowhere.
    number = _mount_of(descriptor)
    return any(mount.number == number and mount.kind in _TELLING for mount in _mounts())


def _mount_of(descriptor: int) -> str | None:
    """The number of the mount on which an open file lies, `mnt_id` in `proc_pid_fdinfo(5)`."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
            fields = dict(line.split(b":", 1) for line in file if b":" in line)
    except OSError:
        return None
    return fields.get(b"mnt_id", b"").decode().strip() or None


class _Mount(NamedTuple):
    """A file system that is mounted."""

    number: str
    device: int
    kind: str


def _mounts() -> Sequence[_Mount]:
    """All that are mounted; none where nothing tells that."""
    try:
        with open(_MOUNTS, "rb") as file:
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ()
    return [mount for mount in map(_mounted, lines) if mount is not None]


def _mounted(line: str) -> _Mount | None:
    """One line of `proc_pid_mountinfo(5)`: `36 35 98:0 ... - ext3 ...`."""
    parts, _, kind = line.partition(" - ")
    fields = parts.split(" ", 3)
    return _Mount(fields[0], _device(fields[2]), kind.split(" ", 1)[0]) if len(fields) == 4 and kind else None


def _device(number: str) -> int:
    major, _, minor = number.partition(":")
    return os.makedev(int(major), int(minor)) if major.isdigit() and minor.isdigit() else -1
