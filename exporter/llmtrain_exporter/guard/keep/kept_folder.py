"""The folder of what is kept: names, the note of what each checkpoint held, the log, and one at a time.

A checkpoint in it is ours where a note beside it says so, and nothing else ever is. The note comes before the
folder and goes after it: a note alone tells of one that was being made, or removed, when all was killed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from llmtrain_exporter.guard.keep.checkpoints import Files
from llmtrain_exporter.guard.no_links import unfollowed
from llmtrain_exporter.ingest.checkpoints import step_of
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER

LOG = "log.jsonl"
_NOTE = ".json"
_LOCK = ".lock"
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)

Held = Mapping[str, tuple[int, int]]
"""The files of a checkpoint by their path in it: size in bytes, and time of the last write in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Note:
    """What was kept: a step, and the files as they were then."""

    step: int
    files: Held


def held_in(files: Files) -> Held:
    """What a note says of files."""
    return {name: (each.st_size, each.st_mtime_ns) for name, each in files.items()}


class KeptFolder:
    """The places in it. Made when it is first needed; for one thread at a time."""

    def __init__(self, output_dir: Path) -> None:
        self.path = output_dir / KEPT_FOLDER

    def whole(self, step: int) -> Path:
        """Where a kept checkpoint lies."""
        return self.path / f"checkpoint-{step}"

    def partial(self, step: int) -> Path:
        """Where it lies while it is made, or removed."""
        return self.path / f".checkpoint-{step}.partial"

    @property
    def spare(self) -> Path:
        """Where a file is written that then takes the place of another."""
        return self.path / ".spare"

    def is_there(self) -> bool:
        """Whether it is a folder that can be ours; a link could lead anywhere. Raises OSError."""
        try:
            return stat.S_ISDIR(os.lstat(self.path).st_mode)
        except FileNotFoundError:
            return False

    def make(self) -> None:
        """Make it where it is not there. Raises FileExistsError where others have put something in its place,
        and another OSError.
        """
        if not self.is_there():
            self.path.mkdir()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else works in it meanwhile: another exporter, or the training's own guard.

        Raises OSError. Where the file system has no locks nobody can tell, and all goes on.
        """
        with open(self.path / _LOCK, "ab", opener=unfollowed) as lock:
            try:
                fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
            yield True

    def notes(self) -> dict[int, Note]:
        """All notes, by step. Raises OSError where the folder cannot be read."""
        names = os.listdir(self.path) if self.is_there() else []
        steps = (step_of(name.removesuffix(_NOTE)) for name in names if name.endswith(_NOTE))
        found = (self._read(step) for step in sorted(each for each in steps if each is not None))
        return {note.step: note for note in found if note is not None}

    def note(self, note: Note) -> None:
        """Write it down, whole or not at all. Raises OSError."""
        self.spare.unlink(missing_ok=True)
        self.spare.write_bytes(orjson.dumps({"version": 1, "step": note.step, "files": note.files}))
        os.replace(self.spare, self._note(note.step))

    def forget(self, step: int) -> None:
        """Remove a note: nothing is left of what it tells of. Raises OSError."""
        self._note(step).unlink(missing_ok=True)

    def log(self, event: Mapping[str, object]) -> None:
        """Add a line to the log. Raises OSError."""
        path = self.path / LOG
        line = json.dumps(event, ensure_ascii=False).encode(errors="surrogatepass") + b"\n"
        with open(path, "ab", opener=unfollowed) as file:
            file.write(line if _ends_a_line(path) else b"\n" + line)

    def _note(self, step: int) -> Path:
        return self.path / f"checkpoint-{step}{_NOTE}"

    def _read(self, step: int) -> Note | None:
        try:
            told: Any = orjson.loads(self._note(step).read_bytes())
            files = {str(name): (int(size), int(time)) for name, (size, time) in told["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return None if any(map(_leads_out, files)) else Note(step, files)


def _leads_out(name: str) -> bool:
    return os.path.isabs(name) or ".." in name.split("/")


def _ends_a_line(path: Path) -> bool:
    """Whether what stands there was written to its end: a line may have been cut short."""
    with open(path, "rb", opener=unfollowed) as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
