"""Which runs are healthy and which broken: as somebody says, else as they went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from llmtrain_exporter.model import Health, Snapshot, State
from llmtrain_exporter.publish.calibrate.kept_log import KeptLog


class CalibrateError(ValueError):
    """What is wrong with what was asked for, for people."""


@dataclass(frozen=True, slots=True)
class MarkedLogs:
    """The logs that are learned from, and those that teach nothing.

    These have neither ended well nor broken, or broke where no run of their kind is healthy.
    """

    healthy: Sequence[KeptLog]
    broken: Sequence[KeptLog]
    others: Sequence[KeptLog]


def marked(logs: Sequence[KeptLog], healthy: Sequence[str], broken: Sequence[str]) -> MarkedLogs:
    """Part logs by patterns of the names of runs, and those that no pattern names by how they went.

    Raises CalibrateError where there are runs and a pattern names none, or a run is named by both.
    """
    well, ill = _named(logs, healthy, "--healthy"), _named(logs, broken, "--broken")
    for log in logs:
        if log.run.run in well & ill:
            raise CalibrateError(f"{log.run.run}: is named by --healthy and by --broken")
    well |= {log.run.run for log in logs if log.run.run not in ill and _ended_well(log.run)}
    ill |= {log.run.run for log in logs if log.run.run not in well and log.run.verdict is Health.BROKEN}
    healthy_logs = [log for log in logs if log.run.run in well]
    kinds = {log.run.profile for log in healthy_logs}
    ill = {log.run.run for log in logs if log.run.run in ill and log.run.profile in kinds}
    return MarkedLogs(
        healthy_logs,
        [log for log in logs if log.run.run in ill],
        [log for log in logs if log.run.run not in well | ill],
    )


def _named(logs: Iterable[KeptLog], patterns: Sequence[str], option: str) -> set[str]:
    names = [log.run.run for log in logs]
    for pattern in patterns:
        if names and not any(fnmatchcase(name, pattern) for name in names):
            raise CalibrateError(f"{option} {pattern}: no run has such a name")
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}


def _ended_well(run: Snapshot) -> bool:
    """Whether a run came to its end, with nothing critical and no incident."""
    return _went_well(run) and run.state is State.FINISHED and not run.ended_early


def _went_well(run: Snapshot) -> bool:
    """Whether there was nothing critical and no incident in a run, whether or not it has ended."""
    fine = run.verdict in (Health.HEALTHY, Health.WATCH) and not run.incidents
    return fine and not any(episode.critical_step is not None for episode in run.episodes)


def unclosed(logs: Iterable[KeptLog]) -> list[str]:
    """The names of runs that went well so far, and whose logs do not say that they have ended."""
    runs = (log.run for log in logs)
    return [run.run for run in runs if run.state in (State.RUNNING, State.STALLED) and _went_well(run)]
