"""Files and folders that are opened as such: what a link in their place leads to is somebody else's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def unfollowed(path: str, flags: int) -> int:
    """An `opener` for files. Raises OSError for a link."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


@contextmanager
def opened_folder(path: str | Path, within: int | None = None) -> Iterator[int]:
    """A folder's descriptor. `within`: that of the folder in which it lies. Raises OSError for a link."""
    descriptor = os.open(path, _FOLDER, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
