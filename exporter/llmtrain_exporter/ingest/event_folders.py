"""Folders of event files among the logs of a search: many files are one log, and another may say more.

Trainers write them somewhere below their output, `runs/<date>_<host>/` with Transformers; what they log
themselves has more digits, and says more.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from llmtrain_exporter.ingest.dialect import Dialect, Role
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
    def state(self) -> os.stat_result:
        """Of its file."""

    @property
    def in_checkpoint(self) -> bool:
        """Whether it stands in checkpoints alone."""


LogT = TypeVar("LogT", bound=MetLog)


def one_per_run(logs: Iterable[LogT], with_state: Callable[[LogT, os.stat_result], LogT]) -> list[LogT]:
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


def covered(logs: Sequence[LogT]) -> dict[str, LogT]:
    """The logs that give way to another of their run, by their paths, each with that one.

    Event files grow with each row, and so go before what stands in checkpoints alone.
    """
    places = _Places(logs)
    found: dict[str, LogT] = {}
    for log in logs:
        if log.dialect.files_per_run and (other := places.source_of(log)) is not None:
            if other.in_checkpoint:
                found[other.path] = log
            else:
                found[log.path] = other
    return found


class _Places:
    """Where the logs of a search lie."""

    def __init__(self, logs: Iterable[LogT]) -> None:
        self._data: dict[str, Any] = {}
        self._events: dict[str, Any] = {}
        for log in logs:
            folder = os.path.dirname(log.path)
            if log.dialect.files_per_run:
                self._events[folder] = log
            elif log.dialect.role is Role.FOLDER:
                self._data[folder] = log

    def source_of(self, log: MetLog) -> Any:
        """The log that says more of the run of some event files; None: there is none."""
        folder = os.path.dirname(log.path)
        homes = list(_homes(folder))
        others = (
            *(self._data.get(home) for home in homes),
            self._events.get(homes[1]),  # add_hparams and add_scalars write into folders below
        )
        return next((other for other in others if other is not None), None)


def _homes(folder: str) -> Iterator[str]:
    """The folder, and those above it that may be the output of its training."""
    for _ in range(LEVELS + 1):
        yield folder
        folder = os.path.dirname(folder)
