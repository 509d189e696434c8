"""Moves aside what a training has left behind the step at which it goes on. Nothing is ever deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from llmtrain_exporter.guard.kept_folder import KeptFolder
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
    later = _moved(output_dir, step, target)
    from_kept = _moved(kept.path, step, target / kept.path.name)
    for at in from_kept:
        kept.forget(at)
    return MovedAside(tuple(sorted({*later, *from_kept})), target)


def _moved(folder: Path, step: int, target: Path) -> list[int]:
    found = list(_later(folder, step))
    for _, path in found:
        target.mkdir(parents=True, exist_ok=True)
        path.rename(target / path.name)
    return [at for at, _ in found]


def _later(folder: Path, step: int) -> Iterator[tuple[int, Path]]:
    """Folders of checkpoints of later steps, whole or not; a link is another name of one."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        at = step_of(name.removeprefix("tmp-"))
        path = folder / name
        if at is not None and at > step and path.is_dir() and not path.is_symlink():
            yield at, path


def _unused(folder: Path, name: str) -> Path:
    names = (name if at == 1 else f"{name}-{at}" for at in count(1))
    return next(path for path in (folder / each for each in names) if not os.path.lexists(path))
