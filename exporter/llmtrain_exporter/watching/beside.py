"""What lies beside the log of a run: checkpoints, and what a guard tells."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from llmtrain_exporter.analyse.guarded import guard_samples
from llmtrain_exporter.analyse.run_series import with_settings
from llmtrain_exporter.ingest.checkpoints import output_folder, read_checkpoints, read_kept
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.guard_file import read_told
from llmtrain_exporter.knowledge.catalogue import RUN
from llmtrain_exporter.knowledge.guarding import GUARD_FILE
from llmtrain_exporter.knowledge.producers import RECORDED_LOG
from llmtrain_exporter.model import Series, Snapshot
from llmtrain_exporter.model.guarded import GuardFile

_Identity = tuple[int, int, int]


class GuardBeside:
    """The guard's file of one run. For one thread at a time."""

    __slots__ = ("_known", "_path", "file")

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: _Identity | None = None  # of what was read last
        self.file: GuardFile | None = None  # what it says; None: there is none
        self.look()

    def look(self) -> bool:
        """Read it again if it is another than before; whether it is. A single stat where it is not."""
        identity = _identity(self._path)
        if identity == self._known:
            return False
        self._known = identity
        self.file = None if identity is None else read_told(Path(self._path))
        return True

    @property
    def may_go_on(self) -> bool:
        """Whether the guard may still do something, though the log has ended."""
        return self.file is not None and self.file.state in ("watching", "stopped")


def guard_beside(found: Found) -> GuardBeside | None:
    """Of a log that a guard records, or that has its file beside it; None of any other, which has none."""
    path = os.path.join(output_folder(found.path), GUARD_FILE)
    recorded = os.path.basename(found.path) == RECORDED_LOG
    return GuardBeside(path) if recorded or _identity(path) is not None else None


def with_guard(run: Snapshot, guard: GuardBeside | None) -> Snapshot:
    """The run with what its guard has told: settings are those with which it trained last."""
    if guard is None or guard.file is None:
        return run
    settings, samples, changed = run.hyper_parameters, run.samples, guard.file.settings
    if changed:
        settings = replace(settings, numbers={**settings.numbers, **changed})
        samples = {
            in_force(key, guard) if key.metric is RUN else key: value for key, value in samples.items()
        }
    samples = {**samples, **guard_samples(guard.file)}
    return replace(run, guard=guard.file, hyper_parameters=settings, samples=samples)


def in_force(info: Series, guard: GuardBeside | None) -> Series:
    """The static facts of a run with the settings that its guard has changed."""
    known = guard is not None and guard.file is not None and guard.file.settings
    return with_settings(info, known) if known else info


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # a name with a NUL
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def with_checkpoints(run: Snapshot) -> Snapshot:
    """The same with the checkpoints that lie beside its log by now."""
    folder = output_folder(run.file)
    return replace(run, checkpoints=read_checkpoints(folder), kept=read_kept(folder))
