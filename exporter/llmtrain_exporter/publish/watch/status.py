"""What there is to show of the runs that are watched, at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmtrain_exporter.model import NoRun, Series, Snapshot, State


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


def trouble(run: Snapshot, live: bool) -> int:
    """How bad it is about a run; one that hangs is as bad as its silence, while somebody waits for it."""
    return max(run.verdict.value, run.health.value if live else 0)


def worst_first(runs: Iterable[RunStatus]) -> list[RunStatus]:
    """In the order of an overview: of equally bad ones the live first, those without a record last."""
    return sorted(runs, key=_rank)


def _rank(watched: RunStatus) -> tuple[int, bool, bool, str]:
    run = watched.run
    return -trouble(run, watched.live), run.state is State.WAITING, not watched.live, run.run


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """All that there is to show. `chosen`: the run to show in full, with the courses of its series.

    `failed`: runs that cannot be analysed, and why. `no_run`: why no run is shown, where none is. `unread`:
    share of the bytes that is still to be read; 0 where nothing more can be read for now. `has_keys`:
    whether somebody can press keys to see another run.
    """

    path: str
    now: float  # Unix time
    runs: Sequence[RunStatus]
    chosen: RunStatus | None
    courses: Mapping[Series, Sequence[float]]
    failed: Mapping[str, str]
    no_run: NoRun | None
    unread: float
    has_keys: bool = False
