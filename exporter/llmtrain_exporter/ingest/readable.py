"""What cannot be read, in words for people."""

from __future__ import annotations

import errno
import os
import stat

from llmtrain_exporter.knowledge import unread_words as words
from llmtrain_exporter.printable import printable

_KINDS = {
    stat.S_IFDIR: words.FOLDER,
    stat.S_IFIFO: words.PIPE,
    stat.S_IFSOCK: words.SOCKET,
    stat.S_IFCHR: words.CHARACTERS,
    stat.S_IFBLK: words.BLOCKS,
}


def explain(error: OSError) -> str:
    """What is wrong, for people; of a refusal also who was refused, which in a container is not plain."""
    reason = printable(error.strerror or str(error))
    if not isinstance(error, PermissionError):
        return reason
    return words.REFUSED.en.format(reason=reason, user=os.geteuid(), group=os.getegid())


class NotAFileError(OSError):
    """Something else stands where a regular file was looked for; it is never opened."""


def demand_regular(mode: int, path: str) -> None:
    """Raises NotAFileError that says what stands there."""
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), words.ELSE)
        raise NotAFileError(errno.EINVAL, words.NOT_A_FILE.en.format(kind=kind.en), path)
