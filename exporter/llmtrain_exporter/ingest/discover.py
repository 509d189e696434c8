"""Folders to run logs: which files are watched, in which dialect, under which run name.

A walk with scandir, one stat per folder and per matching file. Nothing is read, but for the first bytes of a
file that was named by hand and whose name says nothing, and of one whose name fits several dialects.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from llmtrain_exporter.ingest import checkpoints, event_folders
from llmtrain_exporter.ingest.dialect import Dialect, Role
from llmtrain_exporter.ingest.readable import NotAFileError, demand_regular, explain
from llmtrain_exporter.ingest.recognise import FileNames, sniff
from llmtrain_exporter.ingest.run_names import labels, run_names
from llmtrain_exporter.ingest.search_options import ALONE, SearchOptions, Surroundings
from llmtrain_exporter.ingest.sqlite_file import LOG
from llmtrain_exporter.ingest.store import StoredRun
from llmtrain_exporter.ingest.stored_logs import runs_in, stored_name, stored_path
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.story_words import NO_RUN_REASONS
from llmtrain_exporter.printable import printable

__all__ = ["ALONE", "Found", "Scan", "SearchOptions", "Surroundings", "discover", "named_after"]

SKIPPED_FOLDERS = frozenset(("images", "__pycache__", "node_modules"))  # and hidden ones

_ROTATED = re.compile(r"\.(\d{1,3}|gz|bz2|xz|zst|zip)$")


@dataclass(frozen=True, slots=True)
class Found:
    """One run: its live log, and the other logs of its folder that may add what that one lacks."""

    path: str  # absolute
    run: str  # unique in its scan
    dialect: Dialect
    modified: float  # st_mtime, seconds since the epoch
    size: int  # bytes
    identity: tuple[int, int]  # device, inode
    extra: tuple[str, ...]
    key: str = ""  # of a run in a store of several: below the store's path

    @property
    def file(self) -> str:
        """The file that it is read from."""
        return os.path.dirname(self.path) if self.key else self.path


@dataclass(frozen=True, slots=True)
class Scan:
    """The runs of one walk sorted by name, what it left out by reason, and what was wrong by path.

    `missing`: the paths among those that do not exist, or not yet. `named_after`: for each root, by its
    absolute path, the path after which its runs are named.
    """

    found: tuple[Found, ...]
    left_out: Mapping[str, int]
    errors: Mapping[str, str]
    missing: frozenset[str] = frozenset()
    named_after: Mapping[str, str] = field(default_factory=dict, compare=False)


def named_after(root: str, options: SearchOptions) -> str:
    """The path after which the runs of a root are named: its folder, or the file without its suffix."""
    path = os.path.abspath(root)
    walk = _Walk(options, 0.0, ALONE)
    walk.roots([path])
    return walk.named_after[0]


def discover(roots: Sequence[str], options: SearchOptions, now: float, around: Surroundings = ALONE) -> Scan:
    """The runs below `roots`, which are folders or files; `now` is seconds since the epoch.

    A folder with logs of its run gives one run, a printed log that stands alone another. A root that does not
    exist is an error and may appear later. Never raises OSError.
    """
    paths = list(dict.fromkeys(os.path.abspath(root) for root in roots))
    walk = _Walk(options, now, around)
    logs = walk.logs(paths)
    names = _names(logs, labels([*walk.named_after, *around.others.values()]))
    found = [_found(log, names[log.path]) for log in logs]
    found.sort(key=lambda run: run.run)
    named_after = dict(zip(paths, walk.named_after, strict=True))
    return Scan(tuple(found), dict(walk.left_out), walk.errors, frozenset(walk.missing), named_after)


class _Folder(NamedTuple):  # a tuple, as is a log, because a scan makes one per folder
    path: str
    root: int  # the index of its root
    name: str  # relative to that; "" for the root itself
    depth: int
    linked: bool  # reached through a symbolic link
    inside: bool = False  # it lies below the output of a training

    def below(self, name: str) -> str:
        return f"{self.name}/{name}" if self.name else name


class _Log(NamedTuple):
    path: str
    root: int
    name: str  # of its run, relative to the root; "" when the run is the root itself
    dialect: Dialect
    linked: bool
    state: os.stat_result
    extra: tuple[str, ...] = ()
    in_checkpoint: bool = False  # it lies there, until the trainer writes it to `path` when it ends
    stored: StoredRun | None = None  # it is one of several in the file

    @property
    def identity(self) -> tuple[int, int, str]:
        return self.state.st_dev, self.state.st_ino, self.stored.key if self.stored else ""

    @property
    def modified(self) -> float:
        return self.stored.modified if self.stored else self.state.st_mtime

    @property
    def printed(self) -> bool:
        """Whether a program printed it, where others log data."""
        return self.dialect.role is Role.CONSOLE

    @property
    def covered_by(self) -> str | None:
        """The folder whose log of data would say it better; None: none would, or it was named by hand."""
        return os.path.splitext(self.path)[0] if self.printed and self.name else None

    @property
    def preference(self) -> tuple[bool, float, str]:
        """Sorts the logs of one run: live ones first, of those the one written last."""
        return not self.dialect.live, -self.modified, self.path


class _Walk:
    """One scan: where it still has to go, where it has been, what it counted."""

    def __init__(self, options: SearchOptions, now: float, around: Surroundings) -> None:
        self.left_out: Counter[str] = Counter()
        self.errors: dict[str, str] = {}
        self.missing: set[str] = set()
        self.named_after: list[str] = []  # for each root the path that its run would be named after
        self._options = options
        self._around = around
        self._oldest = float("-inf") if options.ignore_older is None else now - options.ignore_older
        self._names = FileNames(options.dialects, options.stdout_log)
        # Links come last, so that a run is named after the place where it really lies; roots come first, so
        # that one below another keeps its own name.
        self._folders: deque[_Folder] = deque()
        self._links: deque[_Folder] = deque()
        self._visited: set[tuple[int, int]] = set()

    def roots(self, paths: Sequence[str]) -> list[_Log]:
        """The logs among the roots; folders are noted for later."""
        return [log for index, path in enumerate(paths) for log in self._root(index, path)]

    def logs(self, paths: Sequence[str]) -> list[_Log]:
        """The live log of each run, each file once."""
        self._options.contents.begin_search()
        found = self.roots(paths)
        while folders := self._folders or self._links:
            found.extend(self._visit(folders.popleft()))
        once: dict[tuple[int, int, str], _Log] = {}
        for log in sorted(found, key=lambda log: log.linked):
            once.setdefault(log.identity, log)
        self._leave_out("duplicate", len(found) - len(once))
        return self._uncovered(list(once.values()))

    def _uncovered(self, logs: list[_Log]) -> list[_Log]:
        """Without the printed logs that were found beside the folder of their run: run1.log and run1/.

        What is printed grows with each row, and so covers what stands in checkpoints alone.
        """
        data = [log for log in logs if not (log.printed or log.in_checkpoint or log.dialect.files_per_run)]
        folders = {os.path.dirname(log.path) for log in data}
        printed = {log.covered_by for log in logs}
        alone = [
            log
            for log in logs
            if log.covered_by not in folders
            and not (log.in_checkpoint and os.path.dirname(log.path) in printed)
        ]
        followed = event_folders.followed(alone)
        self._leave_out("covered", len(logs) - len(followed))
        return followed

    def _root(self, index: int, path: str) -> list[_Log]:
        """The log that a root is; a folder is noted for later."""
        self._around.visiting(path)
        candidates, logs = self._names.believed(os.path.basename(path)), []
        dialect = candidates[0] if candidates else None
        try:
            state = os.stat(path)
            if stat.S_ISDIR(state.st_mode):
                self._folders.append(_Folder(path, index, "", 0, linked=False))
                dialect = None
            else:
                demand_regular(state.st_mode, path)
                dialect = sniff(path, candidates or self._options.dialects)
                log = _Log(path, index, "", dialect, False, state, self._beside(path, dialect))
                logs = self._opened(log, candidates or self._options.dialects)
        except FileNotFoundError:
            self.errors[printable(path)] = NO_RUN_REASONS[NoRunReason.NOT_THERE].en
            self.missing.add(printable(path))
        except OSError as error:
            self._unreadable(path, error)
        self.named_after.append(_named_after(path, dialect))
        return self._fresh(logs)

    def _beside(self, path: str, dialect: Dialect) -> tuple[str, ...]:
        """The other logs of a run that was named by its live log."""
        return self._names.beside(path) if dialect.live and not dialect.run_per_file else ()

    def _visit(self, folder: _Folder) -> list[_Log]:
        self._around.visiting(folder.path)
        try:
            state = os.stat(folder.path)
            if (state.st_dev, state.st_ino) in self._visited:
                return []
            self._visited.add((state.st_dev, state.st_ino))
            with os.scandir(folder.path) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self._unreadable(folder.path, error)
            return []
        names = {entry.name for entry in entries}
        if folder.inside and checkpoints.looks_like_checkpoint(names):
            self._leave_out("checkpoint")
            return []
        inside = folder._replace(inside=folder.inside or self._is_output(names))
        logs = [log for entry in entries for log in self._look(inside, entry)]
        return self._runs(logs) if logs else self._in_checkpoints(folder, names)

    def _is_output(self, names: Iterable[str]) -> bool:
        """Whether a folder with these files is the output of a training."""
        return any(
            checkpoints.step_of(name) is not None
            or any(dialect.makes_output for dialect in self._names.candidates(name))
            for name in names
        )

    def _in_checkpoints(self, folder: _Folder, names: Iterable[str]) -> list[_Log]:
        """The run whose log stands in its checkpoints alone; copies inside of another's output are none."""
        if folder.inside:
            return []
        for dialect in self._options.dialects:
            for file in dialect.files if dialect.in_checkpoints else ():
                newest = checkpoints.newest_document(folder.path, file, names)
                if newest is not None:
                    return self._newest(folder, os.path.join(folder.path, file), dialect, newest)
        return []

    def _newest(self, folder: _Folder, path: str, dialect: Dialect, newest: str) -> list[_Log]:
        try:
            state = os.stat(newest)
        except OSError as error:
            self._unreadable(newest, error)
            return []
        log = _Log(path, folder.root, folder.name, dialect, folder.linked, state, in_checkpoint=True)
        return self._fresh([log])

    def _look(self, folder: _Folder, entry: os.DirEntry[str]) -> list[_Log]:
        """The log that an entry is, or those in it; a folder is noted for later."""
        candidates = self._names.candidates(entry.name)
        try:
            linked = entry.is_symlink()
            if (linked and not self._options.follow_links) or self._is_elsewhere(entry.path, linked):
                return []
            if entry.is_dir():
                self._descend(folder, entry, linked)
            elif candidates:
                return self._log(folder, entry, candidates, linked)
        except OSError as error:
            self._unreadable(entry.path, error)
        return []

    def _is_elsewhere(self, path: str, linked: bool) -> bool:
        """Whether a path is, or a link leads into, a root that is searched apart; that is asked nothing."""
        if not self._around.others:
            return False
        if linked:
            path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
            return any(f"{path}/".startswith(f"{root}/") for root in self._around.others)
        return path in self._around.others

    def _descend(self, folder: _Folder, entry: os.DirEntry[str], linked: bool) -> None:
        name = entry.name
        if self._names.exact(name):
            self._leave_out("not_a_file")
        elif self._is_checkpoint(folder, entry, linked):
            self._leave_out("checkpoint")
        elif name.startswith(".") or name in SKIPPED_FOLDERS:
            self._leave_out("skipped_folder")
        elif folder.depth >= self._options.max_depth:
            self._leave_out("too_deep")
        else:
            linked = linked or folder.linked
            name = folder.below(name)
            below = _Folder(entry.path, folder.root, name, folder.depth + 1, linked, folder.inside)
            (self._links if linked else self._folders).append(below)

    def _is_checkpoint(self, folder: _Folder, entry: os.DirEntry[str], linked: bool) -> bool:
        name = entry.name
        if checkpoints.is_checkpoint(name) or (folder.inside and checkpoints.is_copy(name)):
            return True
        return linked and checkpoints.leads_to_checkpoint(entry.path)

    def _log(
        self, folder: _Folder, entry: os.DirEntry[str], candidates: Sequence[Dialect], linked: bool
    ) -> list[_Log]:
        if _ROTATED.search(entry.name) and not self._names.may_be_numbered(entry.name):
            self._leave_out("rotated")
            return []
        state = entry.stat()
        if not stat.S_ISREG(state.st_mode):
            self._leave_out("not_a_file")
            return []
        if (dialect := self._options.contents.dialect(entry.path, state, candidates)) is None:
            return []
        named_by_file = dialect.run_per_file and dialect.store is None
        name = folder.below(os.path.splitext(entry.name)[0]) if named_by_file else folder.name
        log = _Log(entry.path, folder.root, name, dialect, linked or folder.linked, state)
        return self._opened(log, candidates)

    def _opened(self, log: _Log, candidates: Sequence[Dialect]) -> list[_Log]:
        """The log itself; of a store the runs in it, and none where it is no tracker's. Raises OSError."""
        if log.dialect.store is None:
            return [log]
        dialect, runs = runs_in(log.path, candidates) or (log.dialect, ())
        store = log._replace(dialect=dialect, extra=(log.path + LOG,))
        return [
            store._replace(path=stored_path(log.path, run), name=stored_name(log.name, run), stored=run)
            for run in runs
        ]

    def _runs(self, logs: list[_Log]) -> list[_Log]:
        """Of the logs of a folder's run the live one, with the others; and the runs of single files."""
        logs = event_folders.one_per_run(logs, lambda log, state: log._replace(state=state))
        single = [log for log in logs if log.dialect.run_per_file or log.dialect.files_per_run]
        shared = [log for log in logs if log not in single]
        if shared:
            live, *others = sorted(shared, key=lambda log: log.preference)
            if run := self._fresh([live._replace(extra=tuple(other.path for other in others))]):
                logged = [log for log in single if not log.printed]
                self._leave_out("covered", len(single) - len(logged))
                return run + self._fresh(logged)
        return self._fresh(single)

    def _fresh(self, logs: list[_Log]) -> list[_Log]:
        fresh = [log for log in logs if log.modified >= self._oldest]
        self._leave_out("too_old", len(logs) - len(fresh))
        return fresh

    def _leave_out(self, reason: str, count: int = 1) -> None:
        if count:
            self.left_out[reason] += count

    def _unreadable(self, path: str, error: OSError) -> None:
        self._leave_out("not_a_file" if isinstance(error, NotAFileError) else "unreadable")
        self.errors[printable(path)] = explain(error)


def _found(log: _Log, run: str) -> Found:
    return Found(
        path=log.path,
        run=run,
        dialect=log.dialect,
        modified=log.modified,
        size=0 if log.stored else log.state.st_size,
        identity=log.identity[:2],
        extra=log.extra,
        key=log.stored.key if log.stored else "",
    )


def _named_after(path: str, dialect: Dialect | None) -> str:
    """A folder, or a file without its suffix; `dialect` None: the root is a folder, or unknown."""
    if dialect is None:
        return path
    return os.path.splitext(path)[0] if dialect.run_per_file else os.path.dirname(path)


def _names(logs: Iterable[_Log], labels: Sequence[str]) -> dict[str, str]:
    """The run of each log by its path.

    Of those that would be called the same a folder's log keeps the name: a run is not called otherwise
    because a printed log appears beside it.
    """
    wanted = []
    for log in sorted(logs, key=lambda log: (log.dialect.run_per_file, log.path)):
        label = labels[log.root] if len(labels) > 1 or not log.name else ""
        wanted.append((log.path, "/".join(filter(None, (label, log.name)))))
    return run_names(wanted)
