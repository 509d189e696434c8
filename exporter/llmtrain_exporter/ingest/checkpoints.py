"""The checkpoints of a training, by their folders' names and by what lies in them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable

_STEP = re.compile(r"checkpoint-(\d{1,12})", re.ASCII)
_NAMED = re.compile(r"(?:tmp-)?checkpoint-.*")
_COPY = re.compile(
    r"(?:last|latest|best|final)[-_.]?(?:checkpoint|ckpt)|(?:checkpoint|ckpt)[-_.].*", re.IGNORECASE
)
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
    return os.path.dirname(folder) if step_of(os.path.basename(folder)) is not None else folder


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
