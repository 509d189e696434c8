"""Logs of a search that are one training's, in several files: one log of all of them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from llmtrain_exporter.ingest.candidates import Basis, Log
from llmtrain_exporter.ingest.log_ends import read_first
from llmtrain_exporter.ingest.met_files import MetFiles
from llmtrain_exporter.ingest.several_files import Part


class _Training(NamedTuple):
    """What the logs of one training have in common."""

    dialect: str
    root: int
    name: str


class JoinedLogs:
    """Joins the logs of each search, and remembers with which steps they begin. For one thread at a time."""

    def __init__(self) -> None:
        self._first_steps: MetFiles[tuple[int, int, str], int] = MetFiles()

    def begin_search(self) -> None:
        """Forget the files that the search before did not meet."""
        self._first_steps.begin_search()

    def join(self, logs: Sequence[Log], old: Sequence[Log]) -> list[Log]:
        """The logs, those of one training as one. `old`: logs that count only as parts of these."""
        trainings: dict[_Training, list[tuple[str, Log]]] = defaultdict(list)
        for log in (*logs, *old):
            if part := _part(log):
                trainings[_training(log, part)].append((part.place, log))
        parts: dict[str, Log] = {}  # by the path of each
        for found in trainings.values():
            in_order = [log for _, log in sorted(found, key=lambda each: (each[0], each[1].path))]
            for joined in self._joined(in_order):
                parts |= dict.fromkeys((joined.path, *joined.parts), joined)
        kept = (parts.get(log.path, log) for log in logs)
        return list({log.path: log for log in kept}.values())

    def _joined(self, logs: Sequence[Log]) -> Iterator[Log]:
        several = logs[0].dialect.several
        if several is None:
            return
        if several.at_once:
            places = {part.place for log in logs if (part := several.part(log.path))}
            pair = len(logs) == len(places) == 2
            groups = [logs] if pair else [[log] for log in logs]
            yield from (_named_above(_as_one(group)) for group in groups)
        elif len(logs) > 1:
            yield from map(_as_one, self._by_steps(logs) if several.by_steps else [logs])

    def _by_steps(self, logs: Sequence[Log]) -> Iterable[Sequence[Log]]:
        """The logs of each training: one that begins where the one before began is of another."""
        trainings: list[list[Log]] = []
        began: int | None = None
        for log in logs:
            first = self._first_step(log)
            if began is not None and first is not None and first > began:
                trainings[-1].append(log)
            else:
                trainings.append([log])
                began = first
        return trainings

    def _first_step(self, log: Log) -> int | None:
        step = self._first_steps.get(log.identity)
        if step is None:
            row = read_first(log.path, log.dialect)
            step = row.step if row is not None else None
        if step is not None:
            self._first_steps.put(log.identity, step)
        return step


def are_parts(log: Log, other: Log) -> bool:
    """Whether both are files of one training, by their names."""
    part, of_other = _part(log), _part(other)
    return bool(part and of_other and _training(log, part) == _training(other, of_other))


def _part(log: Log) -> Part | None:
    several = log.dialect.several
    return several.part(log.path) if several and log.basis is not Basis.ASKED else None


def _training(log: Log, part: Part) -> _Training:
    return _Training(log.dialect.name, log.root, part.training)


def _as_one(logs: Sequence[Log]) -> Log:
    """The first one, with the others as its parts, and the state of that which was written last."""
    newest = max((log.state for log in logs), key=lambda state: (state.st_size > 0, state.st_mtime))
    return logs[0]._replace(state=newest, parts=tuple(log.path for log in logs[1:]))


def _named_above(log: Log) -> Log:
    """A process that writes below the output of its training is not what the run is called after."""
    several = log.dialect.several
    part = several.part(log.path) if several else None
    is_below = part is not None and part.training != os.path.dirname(log.path)
    return log._replace(name=os.path.dirname(log.name)) if is_below else log
