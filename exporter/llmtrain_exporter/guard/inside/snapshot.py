"""A checkpoint of a dying training, written aside: in the rotation it would push a good one out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llmtrain_exporter.guard.inside.rates import CannotBeChangedError
from llmtrain_exporter.ingest.checkpoints import step_of
from llmtrain_exporter.knowledge import refusal_words as words
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER

SNAPSHOT_FOLDER = "at-incident"
"""Below the folder of what is kept: no checkpoint to go on from, and so not among those."""

_OF_STATE = ("best_model_checkpoint", "last_model_checkpoint")
"""Paths of checkpoints that a trainer remembers when it saves one."""

_BYTES_PER_PARAMETER = 12  # weights and AdamW's two moments, 32 bits each


def snapshot_folder(output_dir: str | Path) -> Path:
    """Where a training's snapshots lie."""
    return Path(output_dir) / KEPT_FOLDER / SNAPSHOT_FOLDER


def free_for(output_dir: str | Path, model: Any, free_bytes: int) -> int:
    """Bytes that are free now. Raises CannotBeChangedError where too few stay free, or nobody can tell."""
    try:
        size = _newest_size(Path(output_dir)) or _estimated_size(model)
        free = shutil.disk_usage(output_dir).free
    except OSError as error:
        raise CannotBeChangedError(words.NO_SNAPSHOT, error=str(error)) from error
    if free - size < free_bytes:
        sizes = {"free": free, "size": size, "kept": free_bytes}
        raise CannotBeChangedError(
            words.NO_ROOM, **{name: f"{amount >> 20} MiB" for name, amount in sizes.items()}
        )
    return free


def save_snapshot(trainer: Any, args: Any, model: Any) -> Path:
    """Let the trainer write a checkpoint aside; on all ranks at once. Its state goes on as it was.

    Raises whatever the trainer raises.
    """
    folder = snapshot_folder(args.output_dir)
    with _elsewhere(trainer, args, folder):
        trainer._save_checkpoint(model, trial=None)  # nothing public writes optimizer and states
    return folder / f"checkpoint-{trainer.state.global_step}"


@contextmanager
def _elsewhere(trainer: Any, args: Any, folder: Path) -> Iterator[None]:
    """Checkpoints go to another folder, in which none is deleted, and to no hub."""
    changed = {"output_dir": str(folder), "save_total_limit": None, "push_to_hub": False}
    given = {name: getattr(args, name) for name in changed if hasattr(args, name)}
    state = {name: getattr(trainer.state, name) for name in _OF_STATE if hasattr(trainer.state, name)}
    try:
        for name in given:
            setattr(args, name, changed[name])
        yield
    finally:
        for name, value in given.items():
            setattr(args, name, value)
        for name, value in state.items():
            setattr(trainer.state, name, value)


def _newest_size(folder: Path) -> int:
    """Bytes of the newest checkpoint; 0 where there is none."""
    steps = [(step, path) for path in folder.iterdir() if (step := step_of(path.name)) is not None]
    if not steps:
        return 0
    _, newest = max(steps)
    found = (os.path.join(where, name) for where, _, names in os.walk(newest) for name in names)
    return sum(os.lstat(path).st_size for path in found)


def _estimated_size(model: Any) -> int:
    count = getattr(model, "num_parameters", None)
    return int(count()) * _BYTES_PER_PARAMETER if callable(count) else 0
