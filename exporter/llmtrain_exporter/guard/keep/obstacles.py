"""What can stand in the way of keeping a checkpoint, and how people are told."""

from __future__ import annotations

import errno
from enum import Enum

from llmtrain_exporter.printable import printable


class Obstacle(str, Enum):
    """Why a checkpoint is not kept; a value of the label `reason`."""

    READ_ONLY = "read_only"
    PERMISSION = "permission"
    NO_ROOM = "no_room"
    GONE = "gone"
    CHANGED = "changed"
    LINK = "link"
    NOT_OURS = "not_ours"
    BUSY = "busy"
    SHARED = "shared"
    ERROR = "error"


_BY_ERRNO = {
    errno.EROFS: Obstacle.READ_ONLY,
    errno.EACCES: Obstacle.PERMISSION,
    errno.EPERM: Obstacle.PERMISSION,
    errno.ENOSPC: Obstacle.NO_ROOM,
    errno.EDQUOT: Obstacle.NO_ROOM,
    errno.ENOENT: Obstacle.GONE,
    errno.ENOTDIR: Obstacle.GONE,
    errno.ESTALE: Obstacle.GONE,
}

_SAID = {
    Obstacle.READ_ONLY: "Cannot keep checkpoints: the file system is read-only; mount it to be written to",
    Obstacle.PERMISSION: "Cannot keep checkpoints: no permission; let it run as the user that trains",
    Obstacle.NO_ROOM: "Cannot keep a checkpoint: too little room on the disk; free some, or ask for less",
    Obstacle.GONE: "Cannot keep a checkpoint: it, or its folder, was moved or removed meanwhile",
    Obstacle.CHANGED: "Cannot keep a checkpoint: it changed meanwhile; it is looked at again",
    Obstacle.LINK: "Cannot keep a checkpoint: it holds a link, which could lead anywhere",
    Obstacle.NOT_OURS: "Cannot keep a checkpoint: what others made lies in its place; it is left as it is",
    Obstacle.BUSY: "Cannot keep a checkpoint now: another guard works in its folder; it is looked at again",
    Obstacle.SHARED: "Two runs write into one folder: what is kept of them may be mixed; give each its own",
    Obstacle.ERROR: "Cannot keep a checkpoint",
}


class KeepingError(Exception):
    """Something stands in the way; its text is for people."""

    def __init__(self, obstacle: Obstacle, where: str) -> None:
        """`where`: the path, or what the system says."""
        super().__init__(f"{_SAID[obstacle]} ({printable(where)})")
        self.obstacle = obstacle


def obstacle_of(error: OSError) -> Obstacle:
    """What stands in the way, by what the system says."""
    return _BY_ERRNO.get(error.errno or 0, Obstacle.ERROR)
