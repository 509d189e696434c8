"""What a run's counts and static facts are as series."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.knowledge import catalogue as c
from exporter.knowledge.skips import REASONS
from exporter.knowledge.text import written
from exporter.model import Kind, Series, Settings, series


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


def info(dialect: str, profile: str, settings: Settings, labels: Mapping[str, str]) -> Series:
    """The series whose labels are the static facts of a run; the operator's own labels never hide one."""
    numbers = {name: written(value) for name, value in settings.numbers.items()}
    facts = {**labels, **numbers, **settings.info, "dialect": dialect, "profile": profile}
    return series(c.RUN, *sorted(facts.items()))
