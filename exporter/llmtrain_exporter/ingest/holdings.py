"""What the entries of a folder are to a search, as far as names and kinds tell, before anything is asked.

So it is the same as long as nothing comes to the folder or goes.
"""

from __future__ import annotations

import os
import re
from operator import attrgetter
from typing import NamedTuple

from llmtrain_exporter.ingest import checkpoints
from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.folders import Folder, Holding, PossibleLog
from llmtrain_exporter.ingest.recognise import FileNames, NameEnds
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER

SKIPPED_INSIDE = frozenset(("images",))
"""Folders below the output of a training with its pictures; elsewhere people keep their runs in them."""

SKIPPED_FOLDERS = SKIPPED_INSIDE | {"__pycache__", "node_modules", KEPT_FOLDER}  # and hidden ones

CHECKPOINT, NOT_A_FILE, ROTATED = "checkpoint", "not_a_file", "rotated"
"""Why a folder or a file is left out."""

_ENTERED = ""

_name_of = attrgetter("name")

_ROTATED = re.compile(r"\.(\d{1,3}|gz|bz2|xz|zst|zip)$")


class Sorting(NamedTuple):
    """How the entries of folders are sorted. Equal ones come to the same."""

    names: FileNames
    max_depth: int
    others: frozenset[str]  # paths of roots that are searched apart

    def sorted_out(self, folder: Folder, entries: list[os.DirEntry[str]]) -> Holding:
        """What a folder with these entries holds."""
        if folder.inside and checkpoints.looks_like_checkpoint({entry.name for entry in entries}):
            return Holding(left_out=((CHECKPOINT, ""),))
        leading = _leading_on(entries, self.names.name_ends)
        if not leading:
            return Holding(folder.inside)
        leading.sort(key=_name_of)
        candidates = {entry.name: self.names.candidates(entry.name) for entry in leading}
        steps = tuple([name for name in candidates if checkpoints.step_of(name) is not None])
        makes_output = any(dialect.makes_output for fitting in candidates.values() for dialect in fitting)
        inside = folder.inside or makes_output or bool(steps)
        files, below, left_out = [], [], []
        for entry in leading:
            name = entry.name
            place = self._place_of(entry, candidates[name])
            if isinstance(place, PossibleLog):
                files.append(place)
            elif place is not None and (reason := place or self.bar(folder, name, inside)):
                left_out.append((reason, name))
            elif place is not None:
                below.append(name)
        doubtful = [file.name for file in files if self.names.only_by_content(file.name)]
        return Holding(inside, tuple(below), tuple(left_out), tuple(files), frozenset(doubtful), steps)

    def _place_of(self, entry: os.DirEntry[str], candidates: tuple[Dialect, ...]) -> PossibleLog | str | None:
        """What is to be looked at each time; `_ENTERED` for a folder, a reason to leave a file out.

        None: it is nothing to a search.
        """
        name = entry.name
        try:
            is_file = entry.is_file(follow_symlinks=False)
            linked = not is_file and entry.is_symlink()
            if not linked and self.others and entry.path in self.others:
                return None
            if not (is_file or linked) and entry.is_dir(follow_symlinks=False):
                return _ENTERED
        except OSError:
            is_file = linked = False  # whoever looks at it tells what is wrong
        if is_file and not (candidates or self.names.may_be_printed(name)):
            return None
        if candidates and not linked and self.is_rotated(name):
            return ROTATED
        return PossibleLog(name, candidates, is_file, linked)

    def is_rotated(self, name: str) -> bool:
        """Whether an old log was put aside under this name."""
        return _ROTATED.search(name) is not None and not self.names.may_be_numbered(name)

    def bar(self, folder: Folder, name: str, inside: bool) -> str:
        """Why a folder in another one is not entered; "": it is. `inside`: see `Holding`."""
        if self.names.exact(name):
            return NOT_A_FILE
        if checkpoints.is_checkpoint(name) or (inside and checkpoints.is_copy(name)):
            return CHECKPOINT
        if name.startswith(".") or (name in SKIPPED_FOLDERS and (inside or name not in SKIPPED_INSIDE)):
            return "skipped_folder"
        return "too_deep" if folder.depth >= self.max_depth else _ENTERED


def _leading_on(entries: list[os.DirEntry[str]], names: NameEnds) -> list[os.DirEntry[str]]:
    """Folders, links, and files whose names may be those of logs; nearly all entries are none of these."""
    begins, ends = names
    try:
        return [
            entry
            for entry in entries
            if entry.name.endswith(ends)
            or entry.name.startswith(begins)
            or not entry.is_file(follow_symlinks=False)
        ]
    except OSError:
        return entries  # whoever looks at each tells which one it is
