"""A run that is over as lists show it: what else there is to tell of it is read from its log again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from llmtrain_exporter.analyse.shared import shared
from llmtrain_exporter.model import Courses, Episode, HyperParameters, RowKind, Series, Snapshot

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

_UNTOLD = HyperParameters()
_NO_SAMPLES: Mapping[Series, float] = {}
_NO_COURSES: Mapping[RowKind, Courses] = {}


def outline(run: Snapshot) -> Snapshot:
    """The same without its samples, settings, courses and incidents; of episodes which there were alone.

    What many runs have alike they share: ten thousand of these are kept.
    """
    return replace(
        run,
        records=_shared(tuple(run.records.items())),
        skipped=_shared(tuple(run.skipped.items())),
        hyper_parameters=_UNTOLD,
        episodes=shared(tuple(dict.fromkeys(map(_bare, run.episodes)))),
        incidents=(),
        samples=_NO_SAMPLES,
        courses=_NO_COURSES,
        labels=_shared(tuple(run.labels.items())),
    )


def told_again(outlined: Snapshot, read: Snapshot) -> Snapshot:
    """All that was read of a run again, with what only who saw it live can know."""
    return replace(
        read,
        run=outlined.run,
        file=outlined.file,
        state=outlined.state,
        health=outlined.health,
        verdict=outlined.verdict,
        last_record=outlined.last_record,
        cut_off=outlined.cut_off,
    )


@lru_cache(1 << 12)
def _shared(items: tuple[tuple[KeyT, ValueT], ...]) -> Mapping[KeyT, ValueT]:
    return dict(items)


def _bare(episode: Episode) -> Episode:
    """What a list has to know: of which signal it is, how bad, and whether it lasts."""
    return episode._replace(
        first_step=0,
        last_step=0,
        records=0,
        peak=0.0,
        peak_step=0,
        limit=0.0,
        baseline=None,
        critical_step=None,
        times=1,
    )
