"""Folders of event files among the logs of a search: many files are one log, and another may say more.

Trainers write them somewhere below their output, `runs/<date>_<host>/` with Transformers; what they log
themselves has more digits, and says more.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

from llmtrain_exporter.ingest.candidates import LogState
from llmtrain_exporter.ingest.dialect import Dialect, Role
from llmtrain_exporter.ingest.evaluation_folders import training_of
from llmtrain_exporter.ingest.file_series import in_order

LEVELS = 2
"""Folders between event files and the output of their training, at most."""


class MetLog(Protocol):
    """A log that a search has met."""

    @property
    def path(self) -> str:
        """Where it lies."""

    @property
    def dialect(self) -> Dialect:
        """How it is read."""

    @property
    def state(self) -> LogState:
        """Of its file."""

    @property
    def in_checkpoint(self) -> bool:
        """Whether it stands in checkpoints alone."""


LogT = TypeVar("LogT", bound=MetLog)


def one_per_run(logs: Iterable[LogT], with_state: Callable[[LogT, LogState], LogT]) -> list[LogT]:
    """The logs of a folder; of a log in many files the first, with the state of that written last."""
    found: list[LogT] = []
    parts: dict[Dialect, list[LogT]] = defaultdict(list)
    for log in logs:
        (parts[log.dialect] if log.dialect.files_per_run else found).append(log)
    for several in parts.values():
        by_name = {os.path.basename(log.path): log for log in several}
        first = by_name[in_order(by_name)[0]]
        newest = max((log.state for log in several), key=lambda state: state.st_mtime)
        found.append(with_state(first, newest))
    return found


def covered(logs: Sequence[LogT], is_silent: Callable[[LogT], bool]) -> dict[str, LogT]:
    """Event files without a row of a training, that another log's training has written; each path with that.

    Those that hold its evaluations alone are read with its own.
    Of those that have rows these tell which training they are of.
    """
    if not any(log.dialect.files_per_run for log in logs):
        return {}
    evaluations = _evaluations(logs)
    logs = [log for log in logs if log.path not in evaluations]
    places = _Places(logs)
    events = [log for log in logs if log.dialect.files_per_run]
    silent = {log.path for log in events if places.has_company(log) and is_silent(log)}
    found = {log.path: places.source_of(log, silent) for log in events if log.path in silent}
    return {**evaluations, **{path: other for path, other in found.items() if other is not None}}


def _evaluations(logs: Iterable[LogT]) -> dict[str, LogT]:
    """Those that hold the evaluations of a training whose event files are read together with them."""
    events = {os.path.dirname(log.path): log for log in logs if log.dialect.files_per_run}
    homes = {folder: training_of(folder, events.__contains__) for folder in events}
    return {events[folder].path: events[home] for folder, home in homes.items() if home is not None}


class _Places:
    """Where the logs of a search lie."""

    def __init__(self, logs: Iterable[LogT]) -> None:
        self._data: dict[str, Any] = {}
        self._events: dict[str, Any] = {}
        self._below: dict[str, list[Any]] = defaultdict(list)
        for log in logs:
            folder = os.path.dirname(log.path)
            if log.dialect.files_per_run:
                self._events[folder] = log
                for home in islice(_homes(folder), 1, None):
                    self._below[home].append(log)
            elif log.dialect.role is Role.FOLDER:
                self._data[folder] = log

    def has_company(self, log: MetLog) -> bool:
        """Whether another log lies where the same training may write."""
        return self.source_of(log, frozenset()) is not None

    def source_of(self, log: MetLog, silent: Collection[str]) -> Any:
        """The log that says more of the run of some event files without a row; None: there is none.

        `silent`: the paths of others that say nothing either, which only hide what lies below them.
        """
        folder = os.path.dirname(log.path)
        homes = list(_homes(folder))
        above = self._events.get(homes[1])  # add_hparams and add_scalars write into folders below
        others = (*(self._data.get(home) for home in homes), above)
        below = (each for each in self._below.get(folder, ()) if each.path not in silent)
        return next((other for other in (*others, *below) if other is not None), None)


def _homes(folder: str) -> Iterator[str]:
    """The folder, and those above it that may be the output of its training."""
    for _ in range(LEVELS + 1):
        yield folder
        folder = os.path.dirname(folder)
