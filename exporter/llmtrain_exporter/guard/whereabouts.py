"""How a launcher and the training that it starts find each other: environment, and who writes where."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from llmtrain_exporter.guard.command_lines import TrainingCommand
from llmtrain_exporter.guard.guard_file import FILE, guard_path
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.guard.told import RUN_VARIABLE

HOOK = Path(__file__).parent / "hook"
"""The one folder that a training's Python finds modules in besides its own: there is nothing but the hook."""


@contextmanager
def told_in() -> Iterator[Path]:
    """A file in which each training that is started with its name writes its output folder."""
    descriptor, name = tempfile.mkstemp(prefix="llmtrain-guard-")
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        with suppress(OSError):
            os.unlink(name)


def environment_for(base: Mapping[str, str], options: GuardOptions, told: Path) -> dict[str, str]:
    """The environment of a training: as it is, but for the hook in front and what the guard is to do."""
    paths = [str(HOOK), *filter(None, [base.get("PYTHONPATH")])]  # an empty part would be the working folder
    return {**base, "PYTHONPATH": os.pathsep.join(paths), **options.to_env(), RUN_VARIABLE: str(told)}


def folder_told(told: Path) -> Path | None:
    """The output folder that the training has written down, the last of several; None: it came to none."""
    try:
        lines = told.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    return Path(lines[-1]) if lines else None


def folder_known(command: TrainingCommand, folder: Path) -> Path | None:
    """Where the same command has trained before, by what the guard left there; of several the newest.

    ms-swift makes a folder for each start below the one that it is given.
    """
    named = command.setting("output_dir")
    if named is None:
        return None
    files = [guard_path(folder / named), *(folder / named).glob(f"v*-*/{FILE}")]
    return max(_times(files), default=(0, None))[1]


def _times(files: Iterable[Path]) -> Iterator[tuple[int, Path]]:
    for file in files:
        with suppress(OSError):
            yield file.stat().st_mtime_ns, file.parent
