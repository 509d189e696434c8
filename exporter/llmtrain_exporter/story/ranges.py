"""Between which values a series is healthy, and from where on a signal speaks of it."""

from __future__ import annotations

from fnmatch import fnmatchcase

from llmtrain_exporter.knowledge.meaning import Healthy, Meaning, Worry, number
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import Series, Snapshot

_PARTS = ("", "mean", "region_mean", "low_mean", "high_mean")
"""Extremes have no limit of their own."""


def meaning_of(series: Series) -> Meaning | None:
    """What a series means: its own part of the metric, if that has one."""
    meaning = MEANINGS.get(series.metric)
    if meaning is None:
        return None
    label = dict(series.labels).get(series.metric.label, "")
    return next((part for pattern, part in meaning.parts.items() if fnmatchcase(label, pattern)), meaning)


def healthy_of(series: Series, base: str) -> Healthy | None:
    """The healthy range of a series in a built-in profile."""
    meaning, whole = meaning_of(series), MEANINGS.get(series.metric)
    if meaning is None or whole is None:
        return None
    return meaning.healthy.get(base) or whole.healthy.get(base)


def limits_of(series: Series, run: Snapshot) -> dict[Severity, float]:
    """The limits that a series is held against as it stands, in its own unit, under the run's profile.

    Where one was crossed that is stricter in this run, as below a clamp, it is that one.
    """
    if dict(series.labels).get(series.metric.label, "") not in _PARTS:
        return {}
    names = [name for name in run.limits if series.metric in SIGNALS[name].levels]
    limits = {severity: bound.limit for name in names for severity, bound in run.limits[name].items()}
    own = (episode for episode in run.episodes if episode.metric is series and episode.signal in names)
    return limits | {episode.severity: episode.limit for episode in own if episode.peak >= episode.limit}


def band_of(series: Series, run: Snapshot) -> tuple[float | None, float | None]:
    """The healthy range as numbers, (low, high): only the sides that are worth a look."""
    healthy = healthy_of(series, run.base)
    if healthy is None:
        return None, None
    low = None if healthy.worry is Worry.ABOVE else number(healthy.low, run.limits)
    high = None if healthy.worry is Worry.BELOW else number(healthy.high, run.limits)
    return low, high
