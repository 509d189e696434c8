"""Which files are logs whose names others use too, as `*.jsonl`: their first lines tell, and are read once.

Data sets are called so by the thousand. One that is no log is not even asked for its size as long as nothing
comes to its folder or goes, and one search looks into so many of them and no more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.folders import Folder, PossibleLog
from llmtrain_exporter.ingest.met_files import MetFiles
from llmtrain_exporter.ingest.parts import read_part

LOOKED_AT = 1 << 10
"""Bytes of a file; a data set can be large."""

MOST_LOOKS = 256
"""Files that a search looks into; the next one goes on with those that are left."""

SEARCHES_APART = 10
"""After so many searches a file that is no log is asked again: somebody may have written it anew."""


class _Seen(NamedTuple):
    dialect: Dialect | None
    file: int  # its inode
    size: int  # bytes, at the look
    settled: bool  # what comes behind it would show the same

    def holds(self, state: os.stat_result) -> bool:
        """Whether another look would show the same: a log stays one."""
        return self.file == state.st_ino and (self.dialect is not None or self.size == state.st_size)


@dataclass(slots=True)
class _Folder:
    """The files in a folder that are no logs."""

    modified: int = -1  # st_mtime_ns, of the folder
    search: int = 0  # the number of that which found the first of them
    names: set[str] = field(default_factory=set)


class Contents:
    """Knows which of the files that searches meet are logs. For one thread at a time."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._dialects = tuple(dialect for dialect in dialects if dialect.by_content)
        self._files: MetFiles[str, _Seen] = MetFiles()  # by path
        self._folders: MetFiles[tuple[int, int], _Folder] = MetFiles()  # by device and inode
        self._folder = _Folder()  # in which the search is
        self._search = 0
        self._looks = 0  # of this search

    def begin_search(self) -> None:
        """Begin another one; what the one before did not meet is forgotten."""
        self._files.begin_search()
        self._folders.begin_search()
        self._search += 1
        self._looks = 0

    def worth_a_look(
        self, state: os.stat_result, folder: Folder, files: Sequence[PossibleLog], doubtful: Set[str]
    ) -> Sequence[PossibleLog]:
        """The files of a folder, which is searched now, but for those that are no logs or have to wait.

        `doubtful`: names of those whose content has to tell.
        """
        nothing = self._enter(state).names
        if self._looks >= MOST_LOOKS:
            waiting = (name for name in doubtful if not self._is_log(folder.path_of(name)))
            nothing = nothing.union(waiting)
        return [file for file in files if file.name not in nothing] if nothing else files

    def _enter(self, state: os.stat_result) -> _Folder:
        identity = (state.st_dev, state.st_ino)
        folder = self._folders.get(identity)
        late = folder is not None and self._search - folder.search >= SEARCHES_APART
        if folder is None or late or folder.modified != state.st_mtime_ns:
            self._folder = _Folder(state.st_mtime_ns, self._search)
            self._folders.put(identity, self._folder)
        else:
            self._folder = folder
        return self._folder

    def _is_log(self, path: str) -> bool:
        seen = self._files.get(path)
        return seen is not None and seen.dialect is not None

    def dialect(self, path: str, state: os.stat_result) -> Dialect | None:
        """The dialect of a file in the folder; None: it is no log, or not yet. Raises OSError."""
        seen = self._files.get(path)
        if seen is None or not seen.holds(state):
            if self._looks >= MOST_LOOKS:
                return None
            self._looks += 1
            seen = _look(path, state, self._dialects)
            self._files.put(path, seen)
        if seen.dialect is None and seen.settled:
            self._folder.names.add(os.path.basename(path))
        return seen.dialect


def _look(path: str, state: os.stat_result, dialects: Sequence[Dialect]) -> _Seen:
    head = Head.of(read_part(path, LOOKED_AT))
    found = next((dialect for dialect in dialects if dialect.sniff(head) is Confidence.SURE), None)
    begun = head.text[:1] not in (b"", b"{") or b"\n" in head.text
    return _Seen(found, state.st_ino, state.st_size, begun or state.st_size >= LOOKED_AT)
