"""A training whose log stands in several files: how these are told, and in which order they are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_TRACKED = re.compile(r"(?P<store>.*)/(?:offline-)?run-(?P<began>\d{8}_\d{6})-(?P<id>[^/]+)/[^/]+")


class Part(NamedTuple):
    """What the path of a file says of its training."""

    training: str  # the same for all of its files
    place: str  # sorts them


class SeveralFiles(NamedTuple):
    """How the files of one training are told, where each of them is a log of its own.

    Either a process that goes on with a training begins another file, or two processes write one each, at the
    same time.
    """

    part: Callable[[str], Part | None]  # of a path; None: a file under that name stands for itself
    by_steps: bool = False  # a process that begins anew writes there too: its first step tells
    time_of: Callable[[bytes], float | None] | None = None  # Unix time of a line, of files at the same time

    @property
    def at_once(self) -> bool:
        """Whether two processes write at the same time."""
        return self.time_of is not None


def tracked_part(path: str) -> Part | None:
    """Of a tracker's file in `run-<date>_<time>-<id>/`: a process that goes on with a run has its id."""
    found = _TRACKED.fullmatch(path)
    return Part(f"{found['store']}/{found['id']}", found["began"]) if found else None
