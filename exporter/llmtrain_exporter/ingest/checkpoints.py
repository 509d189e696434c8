"""The checkpoints of a training, by their folders' names and by what lies in them."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Iterable

from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER

_STEP = re.compile(r"checkpoint-(\d{1,12})", re.ASCII)
_NAMED = re.compile(r"(?:tmp-)?checkpoint-.*")
_COPY = re.compile(
    r"(?:last|latest|best|final)[-_.]?(?:checkpoint|ckpt)|(?:checkpoint|ckpt)[-_.].*", re.IGNORECASE
)
_WEIGHTS = re.compile(
    r".*\.safetensors|(?!training_args|optimizer|scheduler).*\.bin|pytorch_model.*\.pt|.*\.distcp"
)
_SHARD = re.compile(r"(.*)-\d+-of-(\d{1,6})\..*", re.ASCII)
_PARTED = re.compile(r"global_step\d+|pytorch_model_fsdp_\d+|iter_\d+|mp_rank_\d+.*", re.ASCII)
"""Folders in which DeepSpeed, FSDP and Megatron keep the weights."""
_TO_GO_ON = re.compile(r"optimizer\.(?:pt|bin)|scheduler\.pt|rng_state(?:_\d+)?\.pth")


def step_of(name: str) -> int | None:
    """The step of a checkpoint's folder, None where it is none."""
    step = _STEP.fullmatch(name)
    return None if step is None else int(step[1])


def is_checkpoint(name: str) -> bool:
    """Whether a folder of this name is a checkpoint wherever it lies; one that is being written, too."""
    return _NAMED.fullmatch(name) is not None


def is_copy(name: str) -> bool:
    """Whether a folder of this name below a training's output is one of its checkpoints."""
    return _COPY.fullmatch(name) is not None


def leads_to_checkpoint(path: str) -> bool:
    """Whether a link leads to a checkpoint, as ms-swift's `last-checkpoint` does."""
    return is_checkpoint(os.path.basename(os.path.realpath(path)))


def looks_like_checkpoint(names: Collection[str]) -> bool:
    """Whether a folder with these files is a checkpoint under another name: a training can go on from it."""
    return any(_TO_GO_ON.fullmatch(name) for name in names)


def newest_document(folder: str, file: str, names: Iterable[str]) -> str | None:
    """The path of the file of that name in the newest of a folder's checkpoints that has one."""
    steps = sorted(((step, name) for name in names if (step := step_of(name)) is not None), reverse=True)
    paths = (os.path.join(folder, name, file) for _, name in steps)
    return next((path for path in paths if _is_file(path)), None)


def current_document(path: str) -> str:
    """Where a document is read that each checkpoint has too: there, or in the newest checkpoint beside it.

    The trainer writes it into its output folder only when the training has ended.
    """
    if _is_file(path):
        return path
    folder, file = os.path.split(path)
    try:
        return newest_document(folder, file, os.listdir(folder)) or path
    except OSError:
        return path


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def output_folder(path: str) -> str:
    """The folder of the training whose document that is: above the checkpoint, where it lies in one."""
    folder = os.path.dirname(path)
    return folder_of_checkpoint(folder) if step_of(os.path.basename(folder)) is not None else folder


def folder_of_checkpoint(path: str) -> str:
    """The output folder of the training whose checkpoint that is, whether the guard keeps it or not."""
    above = os.path.dirname(path)
    return os.path.dirname(above) if os.path.basename(above) == KEPT_FOLDER else above


def read_checkpoints(folder: str) -> tuple[int, ...]:
    """The steps of the complete checkpoints in `folder`, in order; none where it cannot be read."""
    try:
        names = os.listdir(folder)
    except OSError:
        return ()
    steps = ((step, name) for name in names if (step := step_of(name)) is not None)
    return tuple(sorted(step for step, name in steps if has_weights(os.path.join(folder, name))))


def read_kept(folder: str) -> tuple[int, ...]:
    """The same of those that the guard keeps from rotation, below the output of a training."""
    return read_checkpoints(os.path.join(folder, KEPT_FOLDER))


def has_weights(folder: str) -> bool:
    """Whether all weights of a checkpoint are there: a save that was cut short leaves files empty or out."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
        weights = {entry.name: entry.stat().st_size for entry in found if _WEIGHTS.fullmatch(entry.name)}
        parted = any(_PARTED.fullmatch(entry.name) and _holds_something(entry) for entry in found)
    except OSError:
        return False
    return (parted or bool(weights)) and all(weights.values()) and _has_all_shards(weights)


def _holds_something(folder: os.DirEntry[str]) -> bool:
    """Whether a file lies in it, however deep Megatron puts it, that is not empty."""
    below = os.walk(folder.path)
    return any(os.path.getsize(os.path.join(parent, name)) for parent, _, names in below for name in names)


def _has_all_shards(names: Iterable[str]) -> bool:
    """Whether of each file in parts, "model-00001-of-00004.safetensors", there are as many as it says."""
    parts = Counter((shard[1], int(shard[2])) for name in names if (shard := _SHARD.fullmatch(name)))
    return all(count == total for (_, total), count in parts.items())


class CurrentDocument:
    """Says where a document is to be read now, as `current_document` does; one stat where nothing changed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._folder = os.path.dirname(path)
        self._found = path
        self._looked: int | None = None  # st_mtime_ns of the folder when that was found

    def __call__(self) -> str:
        """The path. A checkpoint counts once its document is there, which is long after its folder."""
        try:
            changed = os.stat(self._folder).st_mtime_ns
            if changed != self._looked:
                self._found = current_document(self._path)
                self._looked = changed if self._is_newest(self._found) else None
        except OSError:
            self._looked = None
        return self._found

    def _is_newest(self, path: str) -> bool:
        """Whether no checkpoint is being written whose document will be newer."""
        if path == self._path:
            return True
        steps = filter(None, map(step_of, os.listdir(self._folder)))
        return step_of(os.path.basename(os.path.dirname(path))) == max(steps, default=None)
