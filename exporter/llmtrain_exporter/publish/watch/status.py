"""What there is to show of the runs that are watched, at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmtrain_exporter.model import NoRun, Series, Snapshot


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run at one moment.

    `rewritten`: times that its log was begun anew. `error`: what hinders the reading.
    """

    run: Snapshot
    live: bool
    over: bool
    caught_up: bool
    rewritten: int
    error: str | None


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """All that there is to show. `chosen`: the run to show in full, with the last values of its series.

    `failed`: runs that cannot be analysed, and why. `no_run`: why no run is shown, where none is. `unread`:
    share of the bytes that is still to be read; 0 where nothing more can be read for now.
    """

    path: str
    now: float  # Unix time
    runs: Sequence[RunStatus]
    chosen: RunStatus | None
    courses: Mapping[Series, Sequence[float]]
    failed: Mapping[str, str]
    no_run: NoRun | None
    unread: float
