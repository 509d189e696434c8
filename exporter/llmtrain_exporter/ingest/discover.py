"""Folders to run logs: which files are watched, in which dialect, under which run name.

`walk.py` goes through the folders, `glimpses.py` knows printed logs by their content, `one_run.py` which of
several logs of one training is followed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llmtrain_exporter.ingest.candidates import Basis, Log
from llmtrain_exporter.ingest.checkpoints import current_document
from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.run_names import labels, run_names
from llmtrain_exporter.ingest.search_options import ALONE, SearchMemory, SearchOptions, Surroundings
from llmtrain_exporter.ingest.walk import Walk
from llmtrain_exporter.model import LeftOut

__all__ = [
    "ALONE",
    "Basis",
    "Found",
    "Scan",
    "SearchMemory",
    "SearchOptions",
    "Surroundings",
    "discover",
    "named_after",
]


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
    basis: Basis = field(default=Basis.NAME, compare=False)  # why the file is taken for a log
    parts: tuple[str, ...] = ()  # the further files in which its log stands

    @property
    def file(self) -> str:
        """The file that it is read from now."""
        if self.dialect.in_checkpoints:
            return current_document(self.path)
        return os.path.dirname(self.path) if self.key else self.path

    @property
    def told(self) -> str:
        """What people are told of where it lies."""
        return self.path if self.key else self.file


@dataclass(frozen=True, slots=True)
class Scan:
    """The runs of one walk sorted by name, what it left out by reason, and what was wrong by path.

    `missing`: the paths among those that do not exist, or not yet. `named_after`: for each root, by its
    absolute path, the path after which its runs are named. `passed`: what was left out by path, the first of
    very many, with files that might have been printed logs by their name and are none by their content.
    """

    found: tuple[Found, ...]
    left_out: Mapping[str, int]
    errors: Mapping[str, str]
    missing: frozenset[str] = frozenset()
    named_after: Mapping[str, str] = field(default_factory=dict, compare=False)
    passed: tuple[LeftOut, ...] = field(default=(), compare=False)


def named_after(root: str, options: SearchOptions) -> str:
    """The path after which the runs of a root are named: its folder, or the file without its suffix."""
    path = os.path.abspath(root)
    walk = Walk(options, 0.0, ALONE, SearchMemory(options))
    walk.roots([path])
    return walk.named_after[0]


def discover(
    roots: Sequence[str],
    options: SearchOptions,
    now: float,
    around: Surroundings = ALONE,
    memory: SearchMemory | None = None,
) -> Scan:
    """The runs below `roots`, which are folders or files; `now` is seconds since the epoch.

    A folder with logs of its run gives one run, a printed log that stands alone another. A root that does not
    exist is an error and may appear later. `memory`: of the searches before, so that this one reads no file
    again. Never raises OSError.
    """
    paths = list(dict.fromkeys(os.path.abspath(root) for root in roots))
    memory = memory or SearchMemory(options)
    walk = Walk(options, now, around, memory)
    logs = walk.logs(paths)
    memory.names = names = _names(logs, labels([*walk.named_after, *around.others.values()]), memory.names)
    found = [_found(log, names[log.path]) for log in logs]
    found.sort(key=lambda run: run.run)
    named_after = dict(zip(paths, walk.named_after, strict=True))
    return Scan(
        tuple(found),
        dict(walk.left_out),
        walk.errors,
        frozenset(walk.missing),
        named_after,
        tuple(walk.passed),
    )


def _found(log: Log, run: str) -> Found:
    return Found(
        path=log.path,
        run=run,
        dialect=log.dialect,
        modified=log.modified,
        size=0 if log.stored else log.state.st_size,
        identity=log.identity[:2],
        extra=log.extra,
        key=log.key,
        basis=log.basis,
        parts=log.parts,
    )


def _names(logs: Sequence[Log], labels: Sequence[str], before: Mapping[str, str]) -> dict[str, str]:
    """The run of each log by its path. `before`: as the last search has called them.

    Of those that would be called the same that which was called so keeps the name, else a folder's log, else
    the run that began first: no run is called otherwise because another one begins.
    """
    wanted = {log.path: _wanted_name(log, labels) for log in logs}
    ordered = sorted(
        logs,
        key=lambda log: (
            before.get(log.path) != wanted[log.path],
            log.dialect.run_per_file,
            log.began,
            log.path,
        ),
    )
    return run_names((log.path, wanted[log.path]) for log in ordered)


def _wanted_name(log: Log, labels: Sequence[str]) -> str:
    """What its run would be called if it were the only one."""
    label = labels[log.root] if len(labels) > 1 or not log.name else ""
    return "/".join(filter(None, (label, log.name)))
