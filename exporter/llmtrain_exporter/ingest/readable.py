"""What cannot be read, in words for people."""

from __future__ import annotations

import errno
import os
import stat

from llmtrain_exporter.printable import printable

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


def explain(error: OSError) -> str:
    """What is wrong, for people; of a refusal also who was refused, which in a container is not plain."""
    reason = printable(error.strerror or str(error))
    if not isinstance(error, PermissionError):
        return reason
    return f"{reason} for user {os.geteuid()}, group {os.getegid()}: run as the owner, or let others read it"


class NotAFileError(OSError):
    """Something else stands where a regular file was looked for; it is never opened."""


def demand_regular(mode: int, path: str) -> None:
    """Raises NotAFileError that says what stands there."""
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise NotAFileError(errno.EINVAL, f"is {kind}, not a regular file", path)
