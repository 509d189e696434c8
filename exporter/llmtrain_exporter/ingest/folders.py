"""Folders that a search comes to, and what it knows of them."""

from __future__ import annotations

from typing import NamedTuple

from llmtrain_exporter.ingest.dialect import Dialect


class KnownFolder:
    """What is remembered of a folder from one search to the next."""

    __slots__ = ("below", "children", "holding", "inside", "since", "times")

    def __init__(self) -> None:
        self.times = 0  # a number that another one takes the place of when anything comes to it or goes
        self.since = 0.0  # Unix time of the first search that saw these times
        self.inside = False  # as it was when it was looked into
        self.below: tuple[str, ...] = ()  # names of the folders in it that are entered
        self.children: tuple[KnownFolder, ...] = ()  # those
        self.holding: Holding | None = None  # None: it has to be looked into


class Folder(NamedTuple):  # a tuple, as is a log, because a search makes one per folder
    """A folder that a search comes to."""

    path: str
    root: int  # the index of its root
    name: str  # relative to that; "" for the root itself
    depth: int
    linked: bool  # reached through a symbolic link
    inside: bool  # it lies below the output of a training
    known: KnownFolder

    def below(self, name: str) -> str:
        """The name of what lies in it."""
        return f"{self.name}/{name}" if self.name else name

    def path_of(self, name: str) -> str:
        """The path of what lies in it; its own of ""."""
        return (f"{self.path}/{name}" if self.path != "/" else f"/{name}") if name else self.path


class PossibleLog(NamedTuple):
    """What may be a log in a folder, or lead to one."""

    name: str
    candidates: tuple[Dialect, ...]  # that call their files so
    is_file: bool  # else a link, or something that has to be asked what it is
    linked: bool


class Holding(NamedTuple):
    """What a folder holds that matters to a search, as far as names and kinds tell.

    No path stands in it: folders that are alike hold the same.
    """

    inside: bool = False  # it is the output of a training, or lies below that
    below: tuple[str, ...] = ()  # names of folders to enter
    left_out: tuple[tuple[str, str], ...] = ()  # reason and name, "" for the folder itself
    files: tuple[PossibleLog, ...] = ()
    doubtful: frozenset[str] = frozenset()  # names of those whose content has to tell
    steps: tuple[str, ...] = ()  # names of checkpoints
