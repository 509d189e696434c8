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


def write_anew(path: Path, text: str, mode: int = 0o666) -> None:
    """Put a file in the place of what lies there, whole or not at all: a reader sees the one or the other.

    Names of files that are no UTF-8 may stand in it. Raises OSError.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def opened_folder(path: str | Path, within: int | None = None) -> Iterator[int]:
    """A folder's descriptor. `within`: that of the folder in which it lies. Raises OSError for a link."""
    descriptor = os.open(path, _FOLDER, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
