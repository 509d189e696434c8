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
    fine = run.verdict in (Health.HEALTHY, Health.WATCH) and not run.incidents
    critical = any(episode.critical_step is not None for episode in run.episodes)
    return fine and not critical and run.state is State.FINISHED and not run.ended_early
