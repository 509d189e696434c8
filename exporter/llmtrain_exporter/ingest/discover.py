"""Folders to run logs: which files are watched, in which dialect, under which run name.

A walk with scandir, one stat per folder and per matching file. Nothing is read, but for the first bytes of a
file that was named by hand and whose name says nothing.
"""

from __future__ import annotations

import fnmatch
import hashlib
import itertools
import json
import os
import re
import stat
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from llmtrain_exporter.ingest.follow import NotAFileError, demand_regular, explain, open_regular
from llmtrain_exporter.printable import printable

JSON_LINES = ("swift", "llamafactory")  # what a trainer logs while it runs; trainer_state comes now and then
SKIPPED_FOLDERS = frozenset(("runs", "images", "__pycache__", "node_modules"))  # and hidden ones
SNIFFED = 64 << 10  # bytes
LONGEST_NAME = 200  # characters of a run's name

_ROTATED = re.compile(r"\.(\d{1,3}|gz|bz2|xz|zst|zip)$")


def _default_patterns() -> Mapping[str, tuple[str, ...]]:
    return {
        "swift": ("logging.jsonl",),
        "llamafactory": ("trainer_log.jsonl",),
        "trainer_state": ("trainer_state.json",),
        "printed": (),
    }


@dataclass(frozen=True, slots=True)
class Options:
    """What is looked for, and how far."""

    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=_default_patterns)  # dialect: file names
    max_depth: int = 8  # folders below a root
    ignore_older: float | None = 7 * 86400  # seconds since the log was written last; None: no limit
    follow_links: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """One run: its live log, and the other logs of its folder that may add what that one lacks."""

    path: str  # absolute
    run: str  # unique in its scan
    dialect: str
    modified: float  # st_mtime, seconds since the epoch
    size: int  # bytes
    identity: tuple[int, int]  # device, inode
    extra: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """The runs of one walk sorted by name, what it left out by reason, and what was wrong by path."""

    found: tuple[Found, ...]
    left_out: Mapping[str, int]
    errors: Mapping[str, str]


def discover(roots: Sequence[str], options: Options, now: float) -> Scan:
    """The runs below `roots`, which are folders or files; `now` is seconds since the epoch.

    A folder with logs of its run gives one run, a printed log that stands alone another. A root that does not
    exist is an error and may appear later. Never raises OSError.
    """
    paths = list(dict.fromkeys(os.path.abspath(root) for root in roots))
    walk = _Walk(options, now)
    logs = walk.logs(paths)
    names = _names(logs, _labels(walk.named_after))
    found = [_found(log, names[log.path]) for log in logs]
    found.sort(key=lambda run: run.run)
    return Scan(tuple(found), dict(walk.left_out), walk.errors)


def sniff(path: str) -> str:
    """The dialect of a file, by its first bytes. Raises OSError."""
    fd, _ = open_regular(path)
    try:
        head = os.pread(fd, SNIFFED, 0).lstrip()
    finally:
        os.close(fd)
    try:
        first = json.loads(head.partition(b"\n")[0])
    except (ValueError, RecursionError):
        first = None
    if not isinstance(first, dict):
        return "trainer_state" if head.startswith(b"{") and b'"log_history"' in head else "printed"
    if "current_steps" in first:
        return "llamafactory"
    # The summary of an ms-swift log has a history too, and says what the model is.
    return "trainer_state" if "log_history" in first and "model_parameter_info" not in first else "swift"


class _Matcher:
    """File names to dialects. An exact name goes before a pattern, an earlier dialect before a later one."""

    def __init__(self, patterns: Mapping[str, tuple[str, ...]]) -> None:
        self._exact: dict[str, str] = {}
        self._wild: list[tuple[str, re.Pattern[str]]] = []
        self._rank = {dialect: rank for rank, dialect in enumerate(patterns)}
        for dialect, names in patterns.items():
            for name in names:
                if re.search(r"[*?[]", name):
                    self._wild.append((dialect, re.compile(fnmatch.translate(name))))
                else:
                    self._exact.setdefault(name, dialect)

    def exact(self, name: str) -> bool:
        """Whether a file of this name was asked for by just this name."""
        return name in self._exact

    def dialect(self, name: str) -> str | None:
        """The dialect of a file of this name; None: no log."""
        if name in self._exact or not self._wild:
            return self._exact.get(name)
        return next((dialect for dialect, wild in self._wild if wild.match(name)), None)

    def preference(self, log: _Log) -> tuple[bool, float, int, str]:
        """Sorts the logs of one run: live ones first, of those the one written last."""
        return log.dialect == "trainer_state", -log.state.st_mtime, self._rank[log.dialect], log.path

    def beside(self, path: str) -> tuple[str, ...]:
        """The other logs of a run in the folder of its live log."""
        folder = os.path.dirname(path)
        paths = [os.path.join(folder, name) for name in self._exact if self._exact[name] != "printed"]
        return tuple(other for other in paths if other != path and os.path.isfile(other))


class _Folder(NamedTuple):  # a tuple, as is a log, because a scan makes one per folder
    path: str
    root: int  # the index of its root
    name: str  # relative to that; "" for the root itself
    depth: int
    linked: bool  # reached through a symbolic link

    def below(self, name: str) -> str:
        return f"{self.name}/{name}" if self.name else name


class _Log(NamedTuple):
    path: str
    root: int
    name: str  # of its run, relative to the root; "" when the run is the root itself
    dialect: str
    linked: bool
    state: os.stat_result
    extra: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[int, int]:
        return self.state.st_dev, self.state.st_ino

    @property
    def printed_below(self) -> bool:
        """Whether it is a printed log that nobody named by hand."""
        return self.dialect == "printed" and self.name != ""


class _Walk:
    """One scan: where it still has to go, where it has been, what it counted."""

    def __init__(self, options: Options, now: float) -> None:
        self.left_out: Counter[str] = Counter()
        self.errors: dict[str, str] = {}
        self.named_after: list[str] = []  # for each root the path that its run would be named after
        self._options = options
        self._oldest = float("-inf") if options.ignore_older is None else now - options.ignore_older
        self._matcher = _Matcher(options.patterns)
        # Links come last, so that a run is named after the place where it really lies; roots come first, so
        # that one below another keeps its own name.
        self._folders: deque[_Folder] = deque()
        self._links: deque[_Folder] = deque()
        self._visited: set[tuple[int, int]] = set()

    def logs(self, paths: Sequence[str]) -> list[_Log]:
        """The live log of each run, each file once."""
        found = [log for index, path in enumerate(paths) for log in self._root(index, path)]
        while folders := self._folders or self._links:
            found.extend(self._visit(folders.popleft()))
        once: dict[tuple[int, int], _Log] = {}
        for log in sorted(found, key=lambda log: log.linked):
            once.setdefault(log.identity, log)
        self._leave_out("duplicate", len(found) - len(once))
        return self._uncovered(list(once.values()))

    def _uncovered(self, logs: list[_Log]) -> list[_Log]:
        """Without the printed logs that were found beside the folder of their run: run1.log and run1/."""
        folders = {os.path.dirname(log.path) for log in logs if log.dialect != "printed"}
        kept = [log for log in logs if not (log.printed_below and os.path.splitext(log.path)[0] in folders)]
        self._leave_out("covered", len(logs) - len(kept))
        return kept

    def _root(self, index: int, path: str) -> list[_Log]:
        """The log that a root is; a folder is noted for later."""
        dialect, logs = self._matcher.dialect(os.path.basename(path)), []
        try:
            state = os.stat(path)
            if stat.S_ISDIR(state.st_mode):
                self._folders.append(_Folder(path, index, "", 0, linked=False))
                dialect = None
            else:
                demand_regular(state.st_mode, path)
                dialect = dialect or sniff(path)
                extra = self._matcher.beside(path) if dialect in JSON_LINES else ()
                logs.append(_Log(path, index, "", dialect, False, state, extra))
        except FileNotFoundError:
            self.errors[printable(path)] = "no such file or folder (yet)"
        except OSError as error:
            self._unreadable(path, error)
        self.named_after.append(_named_after(path, dialect))
        return self._fresh(logs)

    def _visit(self, folder: _Folder) -> list[_Log]:
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
        logs = [log for entry in entries if (log := self._look(folder, entry))]
        return self._runs(logs) if logs else []

    def _look(self, folder: _Folder, entry: os.DirEntry[str]) -> _Log | None:
        """The log that an entry is; a folder is noted for later."""
        dialect = self._matcher.dialect(entry.name)
        try:
            linked = entry.is_symlink()
            if linked and not self._options.follow_links:
                return None
            if entry.is_dir():
                self._descend(folder, entry, linked)
            elif dialect is not None:
                return self._log(folder, entry, dialect, linked)
        except OSError as error:
            self._unreadable(entry.path, error)
        return None

    def _descend(self, folder: _Folder, entry: os.DirEntry[str], linked: bool) -> None:
        name = entry.name
        if self._matcher.exact(name):
            self._leave_out("not_a_file")
        elif name.startswith("checkpoint-"):
            self._leave_out("checkpoint")
        elif name.startswith(".") or name in SKIPPED_FOLDERS:
            self._leave_out("skipped_folder")
        elif folder.depth >= self._options.max_depth:
            self._leave_out("too_deep")
        else:
            linked = linked or folder.linked
            below = _Folder(entry.path, folder.root, folder.below(name), folder.depth + 1, linked)
            (self._links if linked else self._folders).append(below)

    def _log(self, folder: _Folder, entry: os.DirEntry[str], dialect: str, linked: bool) -> _Log | None:
        if _ROTATED.search(entry.name) and not self._matcher.exact(entry.name):
            self._leave_out("rotated")
            return None
        state = entry.stat()
        if not stat.S_ISREG(state.st_mode):
            self._leave_out("not_a_file")
            return None
        name = folder.below(os.path.splitext(entry.name)[0]) if dialect == "printed" else folder.name
        return _Log(entry.path, folder.root, name, dialect, linked or folder.linked, state)

    def _runs(self, logs: list[_Log]) -> list[_Log]:
        """Of the logs of one folder the one that is alive, with the others; else the printed ones."""
        printed = [log for log in logs if log.dialect == "printed"]
        written = [log for log in logs if log.dialect != "printed"]
        if written:
            live, *others = sorted(written, key=self._matcher.preference)
            if others:
                live = live._replace(extra=tuple(other.path for other in others))
            if run := self._fresh([live]):
                self._leave_out("covered", len(printed))
                return run
        return self._fresh(printed)

    def _fresh(self, logs: list[_Log]) -> list[_Log]:
        fresh = [log for log in logs if log.state.st_mtime >= self._oldest]
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
        modified=log.state.st_mtime,
        size=log.state.st_size,
        identity=log.identity,
        extra=log.extra,
    )


def _named_after(path: str, dialect: str | None) -> str:
    """A folder, or a printed log without its suffix; `dialect` None: the root is a folder, or unknown."""
    if dialect is None:
        return path
    return os.path.splitext(path)[0] if dialect == "printed" else os.path.dirname(path)


def _labels(paths: Sequence[str]) -> list[str]:
    """For each path the shortest end of it that no other has; the whole path where there is none."""
    parts = [path.strip("/").split("/") for path in paths]
    labels = [""] * len(paths)
    for length in range(1, max(map(len, parts), default=0) + 1):
        ends = ["/".join(part[-length:]) for part in parts]
        count = Counter(ends)
        labels = [label or (end if count[end] == 1 else "") for label, end in zip(labels, ends, strict=True)]
        if all(labels):
            break
    return [label or path.strip("/") or "root" for label, path in zip(labels, paths, strict=True)]


def _names(logs: Iterable[_Log], labels: Sequence[str]) -> dict[str, str]:
    """The run of each log by its path: printable, not too long, unique, the same at every scan.

    Of those that would be called the same one keeps the name, a folder's log before a printed one: a run is
    not called otherwise because a printed log appears beside it.
    """
    named: dict[str, str] = {}  # path by name
    later: list[tuple[str, str]] = []
    for log in sorted(logs, key=lambda log: (log.dialect == "printed", log.path)):
        label = labels[log.root] if len(labels) > 1 or not log.name else ""
        name = _shortened("/".join(filter(None, (label, log.name))), log.path)
        if named.setdefault(name, log.path) != log.path:
            later.append((name, log.path))
    for name, path in later:
        marks = (_marked(name, path, attempt) for attempt in itertools.count())
        named[next(marked for marked in marks if marked not in named)] = path
    return {path: name for name, path in named.items()}


def _shortened(name: str, path: str) -> str:
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else _marked(name, path)


def _marked(name: str, path: str, attempt: int = 0) -> str:
    """`attempt`: for another mark, where somebody called a folder like the first one."""
    mark = "~" + hashlib.sha256(os.fsencode(path) + b"\0" * attempt).hexdigest()[:8]
    return name[: LONGEST_NAME - len(mark)] + mark
