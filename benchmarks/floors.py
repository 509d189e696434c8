"""What the work cannot cost less than: the cheapest form of each part, without any use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import orjson

BLOCK = 1 << 20


def newlines(path: Path) -> int:
    """Counts the lines of a file."""
    with path.open("rb", buffering=0) as log:
        return sum(block.count(b"\n") for block in iter(lambda: log.read(BLOCK), b""))


def parsed(path: Path) -> int:
    """Parses each line of a file by itself with the fastest JSON parser there is for Python."""
    with path.open("rb") as log:
        return sum(bool(orjson.loads(line)) for line in log)


def copied(body: bytes) -> int:
    """Copies a body once."""
    return len(bytearray(body))


def looked_at(descriptors: Sequence[int]) -> int:
    """Asks the end of each open file."""
    return sum(os.lseek(descriptor, 0, os.SEEK_END) for descriptor in descriptors)


def walked(root: str) -> int:
    """Looks into each folder below `root` once; the number of entries."""
    with os.scandir(root) as entries:
        found = list(entries)
    return len(found) + sum(walked(entry.path) for entry in found if entry.is_dir(follow_symlinks=False))
