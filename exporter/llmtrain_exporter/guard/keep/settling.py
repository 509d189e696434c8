"""Which checkpoints are whole for sure, as somebody sees them who is no part of the training."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmtrain_exporter.guard.keep.checkpoints import LAST_LINK, Checkpoint, files_of

QUIET_SECONDS = 10.0
"""For so long nothing has changed in a checkpoint that is whole by its files, where nothing else tells."""

RECORDS_SINCE = 2
"""Of training, after which it has gone on: the first may be of the step that was saved."""


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far a training is. `last_step`: of its last record, 0 where no step is known."""

    last_step: int
    records: int
    monotonic: float  # when that was looked at


class Settling:
    """Remembers what lay in the newest checkpoint of a training, and since when. For one thread at a time."""

    def __init__(self) -> None:
        self._seen: tuple[int, ...] = ()  # times and sizes of the files of the newest one
        self._since = TrainingProgress(0, 0, 0.0)

    def settled(self, checkpoints: Sequence[Checkpoint], now: TrainingProgress) -> list[Checkpoint]:
        """Those that no rank of the training writes any more.

        All but the one that was written last; and that one too, once records of later steps tell that all
        ranks went on, or ms-swift's link leads to it, or nothing in it has changed for a while.
        """
        newest = max(checkpoints, key=lambda each: each.written, default=None)
        if newest is None:
            return []
        sure = now.last_step > newest.step or _is_linked(newest.path) or self._has_settled(newest.path, now)
        return [each for each in checkpoints if sure or each is not newest]

    def _has_settled(self, path: Path, now: TrainingProgress) -> bool:
        try:
            seen = tuple(_signature(path))
        except OSError:
            return False
        if seen != self._seen:
            self._seen, self._since = seen, now
        is_quiet = now.monotonic - self._since.monotonic >= QUIET_SECONDS
        return is_quiet or now.records - self._since.records >= RECORDS_SINCE


def _signature(path: Path) -> Iterator[int]:
    for each in files_of(path).values():
        yield from (each.st_ino, each.st_size, each.st_mtime_ns)


def _is_linked(path: Path) -> bool:
    try:
        return os.readlink(path.parent / LAST_LINK).rstrip("/").rpartition("/")[2] == path.name
    except OSError:
        return False
