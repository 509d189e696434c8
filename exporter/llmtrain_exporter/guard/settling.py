"""Which checkpoints are whole for sure, as somebody sees them who is no part of the training."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from llmtrain_exporter.guard.checkpoints import LAST_LINK, Checkpoint, files_of

QUIET_SECONDS = 10.0
"""For so long nothing has changed in a checkpoint that is whole by its files, where nothing else tells."""


class Settling:
    """Remembers what lay in the newest checkpoint of a training, and since when. For one thread at a time."""

    def __init__(self) -> None:
        self._seen: tuple[int, ...] = ()  # times and sizes of the files of the newest one
        self._since = 0.0  # monotonic

    def settled(
        self, checkpoints: Sequence[Checkpoint], last_step: int, monotonic: float
    ) -> list[Checkpoint]:
        """Those that no rank of the training writes any more.

        All but the one that was written last; and that one too, once a record of a later step tells that all
        ranks went on, or ms-swift's link leads to it, or nothing in it has changed for a while.
        `last_step`: of the last record of training.
        """
        newest = max(checkpoints, key=lambda each: each.written, default=None)
        if newest is None:
            return []
        sure = last_step > newest.step or _is_linked(newest.path) or self._is_quiet(newest.path, monotonic)
        return [each for each in checkpoints if sure or each is not newest]

    def _is_quiet(self, path: Path, monotonic: float) -> bool:
        try:
            seen = tuple(_signature(path))
        except OSError:
            return False
        if seen != self._seen:
            self._seen, self._since = seen, monotonic
        return monotonic - self._since >= QUIET_SECONDS


def _signature(path: Path) -> Iterator[int]:
    for each in files_of(path).values():
        yield from (each.st_ino, each.st_size, each.st_mtime_ns)


def _is_linked(path: Path) -> bool:
    try:
        return os.readlink(path.parent / LAST_LINK).rstrip("/").rpartition("/")[2] == path.name
    except OSError:
        return False
