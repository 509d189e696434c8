"""Files that a command writes for people: whole or not at all, and over no log."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside it, which takes its place at the end. Raises OSError, which names it and not that one."""
    beside = path.with_name(f".{path.name[:100]}.{os.getpid()}")
    try:
        with _naming(path):
            beside.unlink(missing_ok=True)
            file = beside.open("xb")  # never through a link of somebody else
        with _naming(path, (None, str(beside))), file:
            yield file
        with _naming(path):
            os.replace(beside, path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


@contextmanager
def _naming(path: Path, instead_of: Collection[str | None] | None = None) -> Iterator[None]:
    """Errors within name that path, or only those that name one of these instead of it."""
    try:
        yield
    except OSError as error:
        if instead_of is None or error.filename in instead_of:
            error.filename = str(path)
        raise


def target_fault(out: Path, logs: Sequence[str], what: str) -> str | None:
    """Why it is of no use to write there, or would destroy a log. `what` would be written: "the report"."""
    if out.is_dir():
        return f"{out}: is a folder; give the name of a file in it"
    for log in logs:
        with suppress(OSError):
            if os.path.samefile(log, out):
                return f"{out}: is a log that is to be read; {what} would replace it"
    return None
