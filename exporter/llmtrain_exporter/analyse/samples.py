"""What a run's counts and static facts are as series."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.skips import REASONS
from llmtrain_exporter.knowledge.text import written
from llmtrain_exporter.model import Kind, Series, Settings, series


def counters(
    records: Mapping[Kind, int], skipped: Mapping[str, int], resumes: int, dropped: int
) -> dict[Series, float]:
    """The counts of a run, with a 0 for all that may come."""
    found = {series(c.RECORDS, ("kind", kind.value)): float(records.get(kind, 0)) for kind in Kind}
    for reason in [*REASONS, *skipped]:
        found[series(c.SKIPPED, ("reason", reason))] = float(skipped.get(reason, 0))
    found[series(c.RESUMES)] = float(resumes)
    found[series(c.DROPPED_SERIES)] = float(dropped)
    return found


def facts(settings: Settings, labels: Mapping[str, str]) -> dict[str, str]:
    """The static facts of a run as labels; the operator's own never hide one."""
    return {**labels, **{name: written(value) for name, value in settings.numbers.items()}, **settings.info}


def info(dialect: str, profile: str, known: Mapping[str, str]) -> Series:
    """The series whose labels are the static facts of a run: `known` and what its log tells."""
    return series(c.RUN, *sorted({**known, "dialect": dialect, "profile": profile}.items()))
