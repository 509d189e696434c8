"""Files that are written whole or not at all: a reader sees the one or the other. Over no log."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file beside it, which takes its place at the end. Raises OSError, which names it and not that one.

    `mode`: who may do what with it, before the process's own mask.
    """
    beside = path.with_name(f".{path.name[:100]}.{os.getpid()}")
    try:
        with _naming(path):
            beside.unlink(missing_ok=True)
            # "x": never through a link of somebody else.
            file = open(beside, "xb", opener=partial(os.open, mode=mode))  # noqa: SIM115  # closed below
        with _naming(path, (None, str(beside))), file:
            yield file
        with _naming(path):
            os.replace(beside, path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_anew(path: Path, text: str, mode: int = 0o666) -> None:
    """Put a text in the place of what lies there; names of files that are no UTF-8 may stand in it."""
    with replacing(path, mode) as file:
        file.write(text.encode("utf-8", "surrogatepass"))


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
