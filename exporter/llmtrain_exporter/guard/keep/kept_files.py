"""What is done to the files of one kept checkpoint: doubled, parted from the trainer's, compared, removed."""

from __future__ import annotations

import os
import stat
from collections import Counter
from pathlib import Path

from llmtrain_exporter.guard.keep.checkpoints import Files
from llmtrain_exporter.guard.keep.disk import Disk
from llmtrain_exporter.guard.keep.kept_folder import Held, held_in
from llmtrain_exporter.guard.keep.obstacles import KeepingError, Obstacle
from llmtrain_exporter.guard.no_links import opened_folder


def refuse_links(path: Path, files: Files) -> None:
    """Raises KeepingError if any of them is no ordinary file: a link could lead to anything."""
    for name, each in files.items():
        if not stat.S_ISREG(each.st_mode):
            raise KeepingError(Obstacle.LINK, str(path / name))


def double(disk: Disk, source: Path, files: Files, target: Path) -> Counter[str]:
    """Have a new folder hold the same files; how many in which way. Raises OSError."""
    ways: Counter[str] = Counter()
    target.mkdir()
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        ways[disk.double(source / name, target / name)] += 1
    return ways


def part(disk: Disk, file: Path, spare: Path, held: tuple[int, int] | None) -> None:
    """Have a copy in the place of a link; it is written to `spare` first.

    Raises OSError, and KeepingError where the file is not what was `held` any more.
    """
    disk.copy(file, spare)
    copied = os.lstat(spare)
    if (copied.st_size, copied.st_mtime_ns) != held:
        raise KeepingError(Obstacle.CHANGED, str(file))
    os.replace(spare, file)


def changed(held: Held, files: Files) -> list[str]:
    """Those of the held files that are others now, or gone. What somebody has added does not count."""
    now = held_in(files)
    return [name for name, known in held.items() if now.get(name) != known]


def empty(folder: Path, held: Held) -> None:
    """Remove the held files, and the folders that they were in.

    Raises OSError, and KeepingError where more lies there, or a link in its place. A folder that is gone is
    no error.
    """
    if not os.path.lexists(folder):
        return
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        raise KeepingError(Obstacle.NOT_OURS, str(folder))
    with opened_folder(folder) as descriptor:
        is_empty = _empty(descriptor, "", held)
    if not is_empty:
        raise KeepingError(Obstacle.NOT_OURS, str(folder))
    os.rmdir(folder)


def _empty(folder: int, within: str, held: Held) -> bool:
    """Remove the held files of an open folder, and the folders in it that are empty then; whether it is."""
    with os.scandir(folder) as entries:
        found = list(entries)
    is_empty = True
    for entry in found:
        if not entry.is_dir(follow_symlinks=False):
            is_ours = within + entry.name in held
            if is_ours:
                os.unlink(entry.name, dir_fd=folder)
        else:
            with opened_folder(entry.name, folder) as below:
                is_ours = _empty(below, f"{within}{entry.name}/", held)
            if is_ours:
                os.rmdir(entry.name, dir_fd=folder)
        is_empty = is_empty and is_ours
    return is_empty
