"""How a file gets a second name, or a copy that is its own: what a keeper asks of the file system."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llmtrain_exporter.guard.no_links import unfollowed
from llmtrain_exporter.knowledge.guarding import SMALL_BYTES

How = Literal["clone", "link", "copy"]

_FICLONE = 0x40049409
"""Linux: have a file share the blocks of another until either is written to (btrfs, XFS, bcachefs, ...)."""

_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES)
"""Other file systems, file systems without hard links, files of others that the kernel guards."""


@dataclass(frozen=True)
class Disk:
    """The file system as it is. `small_bytes`: up to so many a file is copied where others are linked."""

    small_bytes: int = SMALL_BYTES

    def double(self, source: Path, target: Path) -> How:
        """Have `target` hold what `source` holds, in the cheapest way. Raises OSError; follows no link.

        A clone and a copy are on their own. A link is the same file under another name, at no cost: whoever
        writes into the one writes into the other.
        """
        if self.clone(source, target):
            return "clone"
        if os.lstat(source).st_size > self.small_bytes and self.link(source, target):
            return "link"
        self.copy(source, target)
        return "copy"

    def clone(self, source: Path, target: Path) -> bool:
        """Let the file system share the blocks of a file, if it can. Raises OSError where it cannot write."""
        with open(source, "rb", opener=unfollowed) as old, open(target, "xb") as new:
            try:
                fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
            except OSError:
                os.unlink(target)
                return False
            _dress(old.fileno(), target)
        return True

    def link(self, source: Path, target: Path) -> bool:
        """Give a file a second name, if it may have one. Raises OSError where that fails otherwise."""
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno in _NO_LINK:
                return False
            raise
        return True

    def copy(self, source: Path, target: Path) -> None:
        """Write a file anew, with its time and its mode. Raises OSError."""
        with open(source, "rb", opener=unfollowed) as old, open(target, "xb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
            _dress(old.fileno(), target)

    def free_bytes(self, folder: Path) -> int:
        """Bytes that may still be written where that folder is. Raises OSError."""
        system = os.statvfs(folder)
        return system.f_bavail * system.f_frsize


def _dress(source: int, target: Path) -> None:
    known = os.fstat(source)
    os.utime(target, ns=(known.st_atime_ns, known.st_mtime_ns))
    with suppress(OSError):  # some file systems know no modes
        os.chmod(target, stat.S_IMODE(known.st_mode))
