"""Keeps checkpoints from a trainer's rotation: links, clones or copies beside them, whole or not at all.

A kept checkpoint is made under another name and renamed when all of it is there. A file that is a mere link
changes when the same step is saved into the same folder once more. So what is small, among it all that tells
where a training stood, is copied at once; the rest, weights and optimizer of many gigabytes that no rotation
would wait for, becomes a copy as soon as steps go back (`part`). And whatever else writes into it is seen by
sizes and times: what has changed is never told to be kept.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from llmtrain_exporter.guard.checkpoints import STATE, Checkpoint, Files, files_of, is_complete
from llmtrain_exporter.guard.disk import Disk
from llmtrain_exporter.guard.kept_folder import KeptFolder, Note, held_in
from llmtrain_exporter.guard.obstacles import KeepingError, Obstacle, obstacle_of
from llmtrain_exporter.knowledge.guarding import FREE_BYTES, KEEP

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be kept of a training: checkpoints, and bytes that are left free on its disk."""

    most: int = KEEP
    free_bytes: int = FREE_BYTES


class Keeper:
    """Keeps checkpoints of one training. For one thread at a time; another process waits for its turn.

    No method raises: what cannot be done is counted, and said the first time.
    """

    def __init__(
        self,
        output_dir: Path,
        bounds: Bounds = Bounds(),  # frozen
        say: Callable[[str], object] = log.warning,
        now: Callable[[], float] = time.time,
        disk: Disk | None = None,
    ) -> None:
        """`say`: takes a sentence for people. `now`: Unix time, for the log."""
        self.output_dir = output_dir
        self.bounds = bounds
        self.done: Counter[str] = Counter()  # by action, as in the log
        self.obstacles: Counter[Obstacle] = Counter()  # what could not be done, by reason
        self._folder = KeptFolder(output_dir)
        self._say = say
        self._now = now
        self._disk = disk or Disk()

    def keep(self, checkpoint: Checkpoint, because: str) -> bool:
        """Have a complete checkpoint kept, as it is now; whether it is."""
        return self._try(partial(self._keep, checkpoint, because), False)

    def kept(self) -> list[Checkpoint]:
        """What is kept and has not changed since, by step."""
        try:
            notes = self._folder.notes().values()
            return [kept for note in notes if (kept := self._unchanged(note)) is not None]
        except OSError as error:
            self._tell(KeepingError(obstacle_of(error), str(error)))
            return []

    def let_go(self, step: int, because: str) -> bool:
        """Remove what is kept of a step; whether nothing of it is kept now."""
        return self._try(partial(self._let_go, step, because), False)

    def part(self, first: int, because: str) -> bool:
        """Make what is kept of this step and later ones independent of the folders that it came from.

        To be called before any of these steps can be saved again. False: some is a mere link still.
        """
        return not self._is_there() or self._try(partial(self._part, first, because), False)

    def tidy(self) -> None:
        """Finish what was cut short, set aside what has changed, and give room back where that is short."""
        if self._is_there():
            self._try(self._tidy, None)

    def hinder(self, obstacle: Obstacle, where: str) -> None:
        """Count what stands in the way, and say it the first time."""
        self._tell(KeepingError(obstacle, where))

    def bytes_held(self) -> int:
        """Bytes that nothing but what is kept takes: what has no other name."""
        try:
            notes = self._folder.notes().values()
            return sum(_alone(files_of(self._folder.whole(note.step))) for note in notes)
        except OSError:
            return 0

    def _is_there(self) -> bool:
        try:
            return self._folder.is_there()
        except OSError:
            return False

    def _try(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            return self._do(work)
        except KeepingError as problem:
            self._tell(problem)
        except OSError as error:
            self._tell(KeepingError(obstacle_of(error), str(error)))
        return otherwise

    def _do(self, work: Callable[[], T]) -> T:
        self._make()
        with self._folder.alone() as alone:
            if not alone:
                raise KeepingError(Obstacle.BUSY, str(self._folder.path))
            self._finish()
            try:
                return work()
            except (OSError, KeepingError):
                self._finish()
                raise

    def _make(self) -> None:
        if self._folder.is_there():
            return
        try:
            self._folder.path.mkdir()
        except FileExistsError:
            raise KeepingError(Obstacle.NOT_OURS, str(self._folder.path)) from None

    def _finish(self) -> None:
        """Remove what is half: a note without its folder tells of it."""
        self._folder.spare.unlink(missing_ok=True)
        for step, note in self._folder.notes().items():
            if not os.path.lexists(self._folder.whole(step)):
                try:
                    self._empty(self._folder.partial(step), note)
                except KeepingError as problem:
                    self._tell(problem)
                self._folder.forget(step)

    def _keep(self, checkpoint: Checkpoint, because: str) -> bool:
        files, step = files_of(checkpoint.path), checkpoint.step
        whole, half = self._folder.whole(step), self._folder.partial(step)
        note = self._folder.notes().get(step)
        if note is not None:
            if note.files == held_in(files) and self._unchanged(note) is not None:
                return True
            self._let_go(step, "saved again")
        elif os.path.lexists(whole):
            raise KeepingError(Obstacle.NOT_OURS, str(whole))
        _refuse_links(checkpoint.path, files)
        self._make_room(self.bounds.free_bytes + _size(files.values()), before=step)
        note = Note(step, held_in(files))
        self._folder.note(note)
        ways = self._double(checkpoint.path, files, half)
        if held_in(files_of(half)) != note.files or not is_complete(half):
            raise KeepingError(Obstacle.CHANGED, str(checkpoint.path))
        os.rename(half, whole)
        self._log("keep", step, because, bytes=_size(files.values()), **ways)
        return True

    def _double(self, source: Path, files: Files, target: Path) -> Counter[str]:
        ways: Counter[str] = Counter()
        target.mkdir()
        for name in files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            ways[self._disk.double(source / name, target / name)] += 1
        return ways

    def _unchanged(self, note: Note) -> Checkpoint | None:
        """A kept checkpoint, if it is what it was."""
        whole = self._folder.whole(note.step)
        try:
            same = STATE in note.files and held_in(files_of(whole)) == note.files
        except OSError:
            return None
        return Checkpoint(whole, note.step, note.files[STATE][1] / 1e9) if same else None

    def _let_go(self, step: int, because: str) -> bool:
        note = self._folder.notes().get(step)
        if note is None:
            return not os.path.lexists(self._folder.whole(step))
        whole = self._folder.whole(step)
        if files_of(whole).keys() - note.files.keys():
            raise KeepingError(Obstacle.NOT_OURS, str(whole))
        os.rename(whole, self._folder.partial(step))
        self._empty(self._folder.partial(step), note)
        self._folder.forget(step)
        self._log("let_go", step, because)
        return True

    def _empty(self, folder: Path, note: Note) -> None:
        """Remove the files that a note names, and their folders. Raises KeepingError if they hold more."""
        if not os.path.lexists(folder):
            return
        there = files_of(folder).keys()
        for name in there & note.files.keys():
            (folder / name).unlink()
        if there - note.files.keys():
            raise KeepingError(Obstacle.NOT_OURS, str(folder))
        for parent, _, _ in os.walk(folder, topdown=False):
            os.rmdir(parent)

    def _part(self, first: int, because: str) -> bool:
        for step, note in sorted(self._folder.notes().items()):
            whole = self._folder.whole(step)
            shared = {name: each for name, each in files_of(whole).items() if each.st_nlink > 1}
            if step < first or not shared:
                continue
            self._make_room(self.bounds.free_bytes + _size(shared.values()), before=step)
            for name in shared:
                self._replace(whole / name, note.files.get(name))
            self._log("part", step, because, bytes=_size(shared.values()))
        return True

    def _replace(self, file: Path, held: tuple[int, int] | None) -> None:
        """Have a copy in the place of a link, unless that has changed by now."""
        self._disk.copy(file, self._folder.spare)
        copied = os.lstat(self._folder.spare)
        if (copied.st_size, copied.st_mtime_ns) != held:
            raise KeepingError(Obstacle.CHANGED, str(file))
        os.replace(self._folder.spare, file)

    def _tidy(self) -> None:
        for step, note in self._folder.notes().items():
            if self._unchanged(note) is None:
                self._set_aside(step, note)
        self._make_room(self.bounds.free_bytes)

    def _set_aside(self, step: int, note: Note) -> None:
        """What has changed is no longer what was kept. It is removed where that loses nothing."""
        whole = self._folder.whole(step)
        files = files_of(whole)
        changed = [name for name, held in held_in(files).items() if note.files.get(name) != held]
        if all(files[name].st_nlink > 1 for name in changed):
            self._let_go(step, "changed by another save")
            return
        aside = self._folder.path / f"changed-checkpoint-{step}"
        if not os.path.lexists(aside):
            os.rename(whole, aside)
            self._folder.forget(step)
            self._log("set_aside", step, "changed by others")

    def _make_room(self, wanted: int, before: int | None = None) -> None:
        """Let the oldest go until so many bytes are free, if that helps; `before`: of earlier steps alone."""
        lacking = wanted - self._disk.free_bytes(self._folder.path)
        if lacking <= 0:
            return
        steps = [step for step in self._folder.notes() if before is None or step < before]
        gains = {step: _alone(files_of(self._folder.whole(step))) for step in steps}
        if sum(gains.values()) < lacking:
            raise KeepingError(Obstacle.NO_ROOM, f"{self._folder.path}: {lacking} bytes are lacking")
        for step in sorted(step for step, gain in gains.items() if gain):
            if self._disk.free_bytes(self._folder.path) < wanted:
                self._let_go(step, "room is short")

    def _log(self, action: str, step: int, because: str, **details: object) -> None:
        self.done[action] += 1
        event = {"time": self._now(), "step": step, "action": action, "because": because, "details": details}
        try:
            self._folder.log(event)
        except OSError as error:
            self._tell(KeepingError(obstacle_of(error), str(error)))

    def _tell(self, problem: KeepingError) -> None:
        self.obstacles[problem.obstacle] += 1
        if self.obstacles[problem.obstacle] == 1:
            self._say(str(problem))


def _size(files: Iterable[os.stat_result]) -> int:
    return sum(each.st_size for each in files)


def _alone(files: Files) -> int:
    """Bytes that are given back when these files go."""
    return _size(each for each in files.values() if each.st_nlink == 1)


def _refuse_links(path: Path, files: Files) -> None:
    for name, each in files.items():
        if not stat.S_ISREG(each.st_mode):
            raise KeepingError(Obstacle.LINK, str(path / name))
