"""What a search meets before it knows the runs: logs, in folders."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from enum import Enum
from typing import NamedTuple

from llmtrain_exporter.ingest.dialect import Dialect, Role
from llmtrain_exporter.ingest.store import StoredRun

_TRACKED = re.compile(
    r"(.*)/(?:wandb/(?:offline-)?run-[^/]+(?:/files)?|swanlog/run-[^/]+|mlruns/[^/]+/[^/]+)"
)
"""Where W&B, SwanLab and MLflow keep a run and its output, below the folder where a training was started."""

_OUTPUTS = re.compile(r"(.*)/(?:(?:[^/]{0,80}[-_.])?logs?|tb|tensorboard)(?:/[^/]+)?")
"""Where people keep what trainings print, and event files, beside the folders to which those write."""

_EVENTS = re.compile(r"(.*)/(?:runs(?:/[^/]+)?|tensorboard_log/[^/]+/[^/]+)")
"""Where Transformers keeps event files below its output, and verl below that folder."""


LATE_SECONDS = 600.0
"""So long after the last line of a training its other log may still be written: saving, a last evaluation."""


class Basis(Enum):
    """Why a file is taken for a log."""

    NAME = "name"  # its dialect calls its files so
    ASKED = "asked"  # somebody named the very file
    STDOUT_LOG = "stdout_log"  # the operator calls printed logs so
    CONTENT = "content"  # a row of a training stands in it
    CHECKPOINT = "checkpoint"  # each checkpoint has one


class LogState(NamedTuple):
    """What matters of an `os.stat_result`, in a third of the memory: a search holds that of all logs."""

    st_dev: int
    st_ino: int
    st_size: int  # bytes
    st_mtime: float  # Unix time


def state_of_log(state: os.stat_result) -> LogState:
    """So much of it."""
    return LogState(state.st_dev, state.st_ino, state.st_size, state.st_mtime)


class Log(NamedTuple):  # a tuple because a search makes one per file
    """A log that a search has met."""

    path: str
    root: int
    name: str  # of its run, relative to the root; "" when the run is the root itself
    dialect: Dialect
    linked: bool
    state: LogState
    extra: tuple[str, ...] = ()
    basis: Basis = Basis.NAME
    stored: StoredRun | None = None  # it is one of several in the file
    parts: tuple[str, ...] = ()  # the further files in which it stands, in the order in which they are read

    @property
    def key(self) -> str:
        """Of one of several in a file, below whose path it stands."""
        return self.stored.key if self.stored else ""

    @property
    def identity(self) -> tuple[int, int, str]:
        """Device and inode, and the key of one of several in a file."""
        return self.state.st_dev, self.state.st_ino, self.key

    @property
    def modified(self) -> float:
        """When it was written last, seconds since the epoch."""
        return self.stored.modified if self.stored else self.state.st_mtime

    @property
    def began(self) -> float:
        """When its run began, Unix time; 0 where nothing says that but its rows."""
        return self.stored.began if self.stored else 0.0

    @property
    def in_checkpoint(self) -> bool:
        """Whether it lies there alone, until the trainer writes it to `path` when it ends."""
        return self.basis is Basis.CHECKPOINT

    @property
    def by_content(self) -> bool:
        """Whether it is a printed log that nobody named: a row of a training stands in it."""
        return self.basis is Basis.CONTENT and self.printed

    @property
    def folder(self) -> str:
        """Where it lies."""
        return os.path.dirname(self.path)

    @property
    def printed(self) -> bool:
        """Whether a program printed it, where others log data."""
        return self.dialect.role is Role.CONSOLE

    @property
    def covered_by(self) -> str | None:
        """The folder whose log of data would say it better; None: none would, or it was named by hand."""
        return os.path.splitext(self.path)[0] if self.printed and self.name else None

    @property
    def home(self) -> str:
        """The folder in or below which its training may write as well."""
        folder = os.path.dirname(self.folder) if self.key else self.folder
        kept = (_EVENTS if self.dialect.files_per_run else _TRACKED).fullmatch(folder)
        return kept[1] if kept else folder

    @property
    def origin(self) -> str:
        """The folder in or below which its training may write as well, if rows are alike."""
        kept = _OUTPUTS.fullmatch(self.home) if self.printed or self.dialect.files_per_run else None
        return kept[1] if kept else self.home

    def preference(self, newest: float) -> tuple[bool, bool, bool, float, str]:
        """Sorts the logs of one run: empty ones last, live ones first, of those the one written last.

        `newest`: when the last of them was written. One that leads goes before others while it grows.
        """
        leads = self.dialect.leads and newest - self.modified <= LATE_SECONDS
        return self.is_empty, not self.dialect.live, not leads, -self.modified, self.path

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in it yet."""
        return not self.stored and self.state.st_size == 0

    def says_less_than(self, other: Log) -> bool:
        """Whether nothing stands in it, and something in the other one."""
        return self.is_empty and not other.is_empty


def covered_by_name(logs: Collection[Log]) -> Mapping[str, Log]:
    """The logs that give way to another one of their name: run1.log and the log in run1/, by their paths.

    What is printed grows with each row, and so covers what stands in checkpoints alone.
    """
    if not any(log.printed or log.in_checkpoint for log in logs):
        return {}
    own = [log for log in logs if not (log.printed or log.in_checkpoint or log.dialect.files_per_run)]
    data = {log.folder: log for log in own}
    pairs = [(log, data[log.covered_by]) for log in logs if log.covered_by in data]
    by_data = dict(
        (other.path, log) if other.says_less_than(log) else (log.path, other) for log, other in pairs
    )
    printed = {log.covered_by: log for log in logs}
    by_print = {log.path: printed[log.folder] for log in logs if log.in_checkpoint and log.folder in printed}
    return {**by_data, **by_print}
