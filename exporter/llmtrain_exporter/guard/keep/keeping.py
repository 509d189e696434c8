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
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from llmtrain_exporter.guard.keep.checkpoints import (
    STATE,
    Checkpoint,
    alone_in,
    files_of,
    is_complete,
    size_of,
)
from llmtrain_exporter.guard.keep.disk import Disk
from llmtrain_exporter.guard.keep.kept_files import changed, double, empty, part, refuse_links
from llmtrain_exporter.guard.keep.kept_folder import KeptFolder, Note, held_in
from llmtrain_exporter.guard.keep.obstacles import KeepingError, Obstacle, obstacle_of
from llmtrain_exporter.knowledge.guarding import FREE_BYTES, KEEP

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be kept of a training: checkpoints, and bytes that are left free on its disk."""

    most: int = KEEP
    free_bytes: int = FREE_BYTES


class CheckpointKeeper:
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
            self._tell(error)
            return []

    def let_go(self, step: int, because: str) -> bool:
        """Remove what is kept of a step; whether nothing of it is kept now."""
        return not self._is_there() or self._try(partial(self._let_go, step, because), False)

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
            return sum(alone_in(files_of(self._folder.whole(note.step))) for note in notes)
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
        except (OSError, KeepingError) as error:
            self._tell(error)
        return otherwise

    def _try_each(self, work: Callable[[], None]) -> bool:
        """Do it for one of several, the others of which may go better; whether it is done."""
        try:
            work()
        except (OSError, KeepingError) as error:
            self._tell(error)
            return False
        return True

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
        try:
            self._folder.make()
        except FileExistsError:
            raise KeepingError(Obstacle.NOT_OURS, str(self._folder.path)) from None

    def _finish(self) -> None:
        """Remove what is half: a note without its folder tells of it."""
        self._folder.spare.unlink(missing_ok=True)
        for step, note in self._folder.notes().items():
            if not os.path.lexists(self._folder.whole(step)):
                emptied = self._try_each(partial(empty, self._folder.partial(step), note.files))
                if emptied:
                    self._folder.forget(step)

    def _keep(self, checkpoint: Checkpoint, because: str) -> bool:
        files, step = files_of(checkpoint.path), checkpoint.step
        whole, half = self._folder.whole(step), self._folder.partial(step)
        known = self._folder.notes().get(step)
        if known is not None and known.files == held_in(files) and self._unchanged(known) is not None:
            return True
        refuse_links(checkpoint.path, files)
        self._make_room(self.bounds.free_bytes + size_of(files), before=step)
        if known is not None:
            self._let_go(step, "saved again")
        if os.path.lexists(whole):
            raise KeepingError(Obstacle.NOT_OURS, str(whole))
        note = Note(step, held_in(files))
        self._folder.note(note)
        ways = double(self._disk, checkpoint.path, files, half)
        if held_in(files_of(half)) != note.files or not is_complete(half):
            raise KeepingError(Obstacle.CHANGED, str(checkpoint.path))
        os.rename(half, whole)
        self._log("keep", step, because, bytes=size_of(files), **ways)
        return True

    def _unchanged(self, note: Note) -> Checkpoint | None:
        """A kept checkpoint, if it is what it was."""
        whole = self._folder.whole(note.step)
        try:
            same = STATE in note.files and not changed(note.files, files_of(whole))
        except OSError:
            return None
        return Checkpoint(whole, note.step, note.files[STATE][1] / 1e9) if same else None

    def _let_go(self, step: int, because: str) -> bool:
        note = self._folder.notes().get(step)
        if note is not None and self._unchanged(note) is not None:
            self._remove(note, because)
        elif note is not None:
            self._set_aside(note)
        return not os.path.lexists(self._folder.whole(step))

    def _remove(self, note: Note, because: str) -> None:
        if files_of(self._folder.whole(note.step)).keys() - note.files.keys():
            raise KeepingError(Obstacle.NOT_OURS, str(self._folder.whole(note.step)))
        os.rename(self._folder.whole(note.step), self._folder.partial(note.step))
        empty(self._folder.partial(note.step), note.files)
        self._folder.forget(note.step)
        self._log("let_go", note.step, because)

    def _set_aside(self, note: Note) -> None:
        """What has changed is no longer what was kept. It is removed where that loses nothing."""
        whole = self._folder.whole(note.step)
        files = files_of(whole)
        aside = self._folder.path / f"changed-checkpoint-{note.step}"
        if all(name not in files or files[name].st_nlink > 1 for name in changed(note.files, files)):
            self._remove(note, "changed by another save")
        elif not os.path.lexists(aside):
            os.rename(whole, aside)
            self._folder.forget(note.step)
            self._log("set_aside", note.step, "changed by others")

    def _part(self, first: int, because: str) -> bool:
        notes = [note for step, note in sorted(self._folder.notes().items()) if step >= first]
        done = [self._try_each(partial(self._part_one, note, because)) for note in notes]
        return all(done)

    def _part_one(self, note: Note, because: str) -> None:
        whole = self._folder.whole(note.step)
        shared = {name: each for name, each in files_of(whole).items() if each.st_nlink > 1}
        if not shared:
            return
        self._make_room(self.bounds.free_bytes + size_of(shared), before=note.step)
        for name in shared:
            part(self._disk, whole / name, self._folder.spare, note.files.get(name))
        self._log("part", note.step, because, bytes=size_of(shared))

    def _tidy(self) -> None:
        self._give_back()
        for note in self._folder.notes().values():
            if self._unchanged(note) is None:
                self._try_each(partial(self._set_aside, note))

    def _give_back(self) -> None:
        """Let the oldest go while less is free than has to be."""
        for step, gain in sorted(self._gains().items()):
            if gain and self._disk.free_bytes(self._folder.path) < self.bounds.free_bytes:
                self._let_go(step, "room is short")

    def _gains(self) -> Mapping[int, int]:
        """Bytes that are given back when a step is let go."""
        return {step: alone_in(files_of(self._folder.whole(step))) for step in self._folder.notes()}

    def _make_room(self, wanted: int, before: int) -> None:
        """Let the oldest of earlier steps go until so many bytes are free, if that is enough."""
        lacking = wanted - self._disk.free_bytes(self._folder.path)
        if lacking <= 0:
            return
        gains = {step: gain for step, gain in self._gains().items() if step < before and gain}
        if sum(gains.values()) < lacking:
            raise KeepingError(Obstacle.NO_ROOM, f"{self._folder.path}: {lacking} bytes are lacking")
        for step in sorted(gains):
            if self._disk.free_bytes(self._folder.path) < wanted:
                self._let_go(step, "room is short")

    def _log(self, action: str, step: int, because: str, **details: object) -> None:
        self.done[action] += 1
        event = {"time": self._now(), "step": step, "action": action, "because": because, "details": details}
        try:
            self._folder.log(event)
        except OSError as error:
            self._tell(error)

    def _tell(self, error: OSError | KeepingError) -> None:
        problem = error if isinstance(error, KeepingError) else KeepingError(obstacle_of(error), str(error))
        self.obstacles[problem.obstacle] += 1
        if self.obstacles[problem.obstacle] == 1:
            self._say(str(problem))
