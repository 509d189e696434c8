"""Moves aside what a training has left behind the step at which it goes on. Nothing is ever deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from llmtrain_exporter.guard.keep.kept_folder import KeptFolder
from llmtrain_exporter.ingest.checkpoints import step_of


@dataclass(frozen=True, slots=True)
class MovedAside:
    """The steps of checkpoints that were moved, and to where; nothing was, where there are no steps."""

    steps: tuple[int, ...]
    folder: Path


def move_aside(output_dir: Path, step: int, attempt: int) -> MovedAside:
    """Move the checkpoints of later steps out of the way of those that will be written. Raises OSError.

    A trainer that saves a step into a folder that is there rewrites its files in place, links to them
    included; and rotation would count them as its newest. Kept ones of such steps go as well.
    """
    kept = KeptFolder(output_dir)
    target = _unused(kept.path, f"aside-{attempt}")
    later = list(_later(output_dir, step))
    from_kept = [at for at in kept.notes() if at > step]
    if later or from_kept:
        kept.make()
    for _, path in later:
        _move(path, target)
    for at in from_kept:
        _move(kept.whole(at), target / kept.path.name)
        kept.forget(at)
    return MovedAside(tuple(sorted({*(at for at, _ in later), *from_kept})), target)


def _move(path: Path, target: Path) -> None:
    """Into a folder; what is gone, or never was, needs no move."""
    if path.is_dir() and not path.is_symlink():
        target.mkdir(parents=True, exist_ok=True)
        path.rename(target / path.name)


def _later(folder: Path, step: int) -> Iterator[tuple[int, Path]]:
    """Folders of checkpoints of later steps, whole or not; a link is another name of one."""
    for name in sorted(os.listdir(folder)):
        at = step_of(name.removeprefix("tmp-"))
        path = folder / name
        if at is not None and at > step and path.is_dir() and not path.is_symlink():
            yield at, path


def _unused(folder: Path, name: str) -> Path:
    names = (name if at == 1 else f"{name}-{at}" for at in count(1))
    return next(path for path in (folder / each for each in names) if not os.path.lexists(path))
