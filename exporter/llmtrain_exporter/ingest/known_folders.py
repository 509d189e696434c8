"""What folders held when they were looked into, as long as their own times say that this is so still.

Whoever makes, removes or renames something in a folder changes the times of that folder; what only grows does
not. So a search asks each folder for its times, and looks into those that have changed.
"""

from __future__ import annotations

import os
from functools import lru_cache

from llmtrain_exporter.ingest.borders import fickle_devices
from llmtrain_exporter.ingest.folders import Folder, Holding, KnownFolder
from llmtrain_exporter.ingest.met_files import MetFiles

GRAIN_SECONDS = 2.0
"""File systems keep times to so much at the worst: what comes sooner after a look may leave them as they are.

So a folder is looked into once more when its times have stood so long. They are held against one another
alone: the clock of a file server may be any.
"""

LOOKS_APART = 31
"""After so many searches a folder is looked into whatever its times say. Its inode says with which of them.

A prime number: where folders are alike their inodes are equal steps apart.
"""

MOST_FILES = 64
"""Files and links of a folder; one that has more of them, as a data set has, is not remembered."""


class KnownFolders:
    """Knows what the folders of a search hold. For one thread at a time."""

    def __init__(self) -> None:
        self._begins: MetFiles[tuple[str, int], KnownFolder] = MetFiles()
        self._sorting: object = None
        self._search = 0
        self._now = 0.0
        self._lying: set[int] = set()  # devices on which something came to a folder whose times stayed
        self._fickle: frozenset[int] | None = None  # devices, as this search has found them

    def begin_search(self, sorting: object, now: float) -> None:
        """Begin another one, at a Unix time; what the one before did not meet is forgotten.

        `sorting`: how the entries of folders are sorted; by another one nothing is known.
        """
        if sorting != self._sorting:
            self._begins = MetFiles()
        self._begins.begin_search()
        self._sorting, self._now, self._fickle = sorting, now, None
        self._search += 1

    def begin_at(self, path: str, depth: int) -> KnownFolder:
        """What is known of a folder that is in no other one: a root, or one to which a link leads.

        `depth`: folders below its root; how far one goes on from there depends on it.
        """
        known = self._begins.get((path, depth))
        if known is None:
            known = KnownFolder()
            self._begins.put((path, depth), known)
        return known

    def holding(self, folder: Folder, state: os.stat_result) -> Holding | None:
        """What a folder holds that is met; None: it has to be looked into."""
        known = folder.known
        if known.times != _times(state) or known.inside != folder.inside or state.st_dev in self._lying:
            return None
        return known.holding if (self._search + state.st_ino) % LOOKS_APART else None

    def note(self, folder: Folder, state: os.stat_result, holding: Holding) -> None:
        """A folder was looked into. `state`: from before that. Raises OSError."""
        known, times, holding = folder.known, _times(state), _shared(holding)
        if known.times != times or known.inside != folder.inside:
            known.times, known.inside, known.since, known.holding = times, folder.inside, self._now, None
        elif known.holding is not None and known.holding != holding:
            known.holding = None
            if _times(os.stat(folder.path)) != times:  # something came between that state and the look
                known.times = 0
            else:
                self._lying.add(state.st_dev)
        _note_below(known, holding.below)
        settled = self._now - known.since >= GRAIN_SECONDS and len(holding.files) <= MOST_FILES
        known.holding = holding if settled and self._tells_times(state.st_dev) else None

    def _tells_times(self, device: int) -> bool:
        """Whether a file system changes the times of a folder together with what it holds."""
        if self._fickle is None:
            self._fickle = fickle_devices()
        return device not in self._lying and device not in self._fickle


def _times(state: os.stat_result) -> int:
    """One number for the times of a folder, and which one it is: nobody sets st_ctime back."""
    return hash((state.st_dev, state.st_ino, state.st_mtime_ns, state.st_ctime_ns))


def _note_below(known: KnownFolder, names: tuple[str, ...]) -> None:
    if known.below != names:
        before = dict(zip(known.below, known.children, strict=True))
        known.children = tuple(before.get(name) or KnownFolder() for name in names)
        known.below = names


@lru_cache(256)
def _shared(holding: Holding) -> Holding:
    """One object for folders that hold the same, as those of like runs do."""
    return holding
