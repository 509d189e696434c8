"""Folders to run logs: which files are watched, in which dialect, under which run name.

`walk.py` goes through the folders, `glimpses.py` knows printed logs by their content, `one_run.py` which of
several logs of one training is followed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llmtrain_exporter.ingest.candidates import Basis, Log
from llmtrain_exporter.ingest.found import Found
from llmtrain_exporter.ingest.run_names import labels, run_names, shortened
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
    before = {path: run.run for path, run in memory.found.items()}
    names = _names(logs, labels([*walk.named_after, *around.others.values()]), before)
    found = [_found(log, names[log.path], memory.found.get(log.path)) for log in logs]
    memory.found = {run.path: run for run in found}
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


def _found(log: Log, run: str, before: Found | None) -> Found:
    """The run of a log; the very one of `before` where nothing has changed."""
    size = 0 if log.stored else log.state.st_size
    now = (run, log.dialect, log.modified, size, log.identity[:2], log.extra, log.key, log.basis, log.parts)
    if before is not None and now == before.particulars:
        return before
    return Found(log.path, *now)


def _names(logs: Sequence[Log], labels: Sequence[str], before: Mapping[str, str]) -> dict[str, str]:
    """The run of each log by its path. `before`: as the last search has called them.

    Of those that would be called the same that which was called so keeps the name, else a folder's log, else
    the run that began first: no run is called otherwise because another one begins.
    """
    wanted = {log.path: _wanted_name(log, labels) for log in logs}
    short = {path: shortened(name, path) for path, name in wanted.items()}
    if len(set(short.values())) == len(short):
        return short
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
