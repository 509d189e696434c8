"""What a run is as series: its rows and static facts, and its analysis: spikes, signals, incidents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from llmtrain_exporter.analyse import spikes
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.analyse.incidents import CHAIN
from llmtrain_exporter.analyse.signals.tracker import Tracker
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.arguments import NUMBERS
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.skips import REASONS
from llmtrain_exporter.knowledge.text import written
from llmtrain_exporter.model import HyperParameters, RowKind, Series, series

FACTS_KEPT = 256
"""Sets of settings that runs share."""

_SPIKE_METRICS = (m.BASELINE, m.SPIKE_RECORDS, m.SPIKE_SCORE, m.SPIKE, m.BASELINE_RATIO)
_OF_SPIKES = {
    watched: tuple(series(metric, (metric.label, name)) for metric in _SPIKE_METRICS)
    for watched, name in spikes.NAMES.items()
}


def row_counters(
    records: Mapping[RowKind, int], skipped: Mapping[str, int], resumes: int, dropped: int
) -> dict[Series, float]:
    """The counts of a run, with a 0 for all that may come."""
    found = {counted: float(records.get(kind, 0)) for kind, counted in _RECORDS.items()}
    found |= dict.fromkeys(_SKIPPED.values(), 0.0)
    for reason, lines in skipped.items():
        found[_SKIPPED.get(reason) or _skipped(reason)] = float(lines)
    found[_RESUMES] = float(resumes)
    found[_DROPPED] = float(dropped)
    return found


def _skipped(reason: str) -> Series:
    return series(c.SKIPPED, ("reason", reason))


_RECORDS = {kind: series(c.RECORDS, ("kind", kind.value)) for kind in RowKind}
_SKIPPED = {reason: _skipped(reason) for reason in REASONS}
_RESUMES, _DROPPED = series(c.RESUMES), series(c.DROPPED_SERIES)


def facts(known: HyperParameters, labels: Mapping[str, str]) -> Mapping[str, str]:
    """The static facts of a run as labels; the operator's own never hide one. Never to be changed."""
    numbers = {name: written(value) for name, value in known.numbers.items()}
    return _as_mapping(tuple({**labels, **numbers, **known.info}.items()))


@lru_cache(maxsize=FACTS_KEPT)
def _as_mapping(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """One for all runs with the same settings."""
    return dict(items)


def info(dialect: str, profile: str, known: Mapping[str, str]) -> Series:
    """The series whose labels are the static facts of a run: `known` and what its log tells."""
    return series(c.RUN, *sorted({**known, "dialect": dialect, "profile": profile}.items()))


def with_settings(told: Series, changed: Mapping[str, float]) -> Series:
    """That series as it is once these settings have changed; one that is no label of it stays out."""
    numbers = {name: written(changed[name]) for name in NUMBERS if name in changed}
    return series(c.RUN, *sorted({**dict(told.labels), **numbers}.items())) if numbers else told


def counters(analysis: Analysis) -> Iterator[tuple[Series, float]]:
    """Every counter, those at 0 too; of signals once they have come up."""
    for watched, name in spikes.NAMES.items():
        yield _of(m.SPIKES, name), float(analysis.spikes.get(watched, 0))
    for name, severity, tracker in _met(analysis):
        yield _of_severity(m.SIGNAL_RECORDS, name, severity), float(tracker.counts[severity.rank])
    yield series(m.INCIDENTS), float(analysis.incidents_total)


def gauges(analysis: Analysis) -> Iterator[tuple[Series, float]]:
    """All that is not counted."""
    yield from spike_gauges(analysis)
    yield from _signals(analysis)
    yield from _incident(analysis)


def spike_gauges(analysis: Analysis) -> Iterator[tuple[Series, float]]:
    """How the last values lie to those before them: baselines, scores, spikes."""
    records = max(analysis.records, 1)
    for watched, (baseline, share, score, spike, ratio) in _OF_SPIKES.items():
        value, level = analysis.value_of(watched), analysis.levels.get(watched)
        if level is None:
            continue
        yield baseline, level.median
        yield share, analysis.spikes.get(watched, 0) / records
        if value is None:
            continue
        yield score, spikes.score(watched, value, level)
        yield spike, float(spikes.is_spike(watched, value, level))
        if level.median:
            yield ratio, value / level.median


def flags(analysis: Analysis) -> Iterator[tuple[Series, float]]:
    """Whether the signals are there that have come up so far, and whether an incident lasts."""
    for name, tracker in analysis.trackers.items():
        for severity in analysis.limits[name]:
            yield _of_severity(m.SIGNAL_ACTIVE, name, severity), float(tracker.severity is severity)
    yield series(m.INCIDENT_ACTIVE), float(analysis.incident is not None)


def _signals(analysis: Analysis) -> Iterator[tuple[Series, float]]:
    for name, severity, tracker in _met(analysis):
        yield _of_severity(m.SIGNAL_ACTIVE, name, severity), float(tracker.severity is severity)
    for name, tracker in analysis.trackers.items():
        episode = tracker.episode or tracker.last
        if episode is not None:
            yield _of(m.SIGNAL_PEAK, name), episode.peak
            yield _of(m.SIGNAL_STEP, name), float(episode.first_step)


def _incident(analysis: Analysis) -> Iterator[tuple[Series, float]]:
    yield series(m.INCIDENT_ACTIVE), float(analysis.incident is not None)
    last = next(reversed(analysis.incidents), None)
    if last is None:
        return
    broken = [stage for stage, _ in last.stages]
    for family in CHAIN:
        place = broken.index(family.value) + 1 if family.value in broken else 0
        yield _of(m.INCIDENT_STAGE, family.value), float(place)
    for stage, step in last.stages:
        yield _of(m.INCIDENT_STAGE_STEP, stage), float(step)
    yield series(m.INCIDENT_ONSET), float(last.onset_step)


def _met(analysis: Analysis) -> Iterator[tuple[str, Severity, Tracker]]:
    """The severities of each signal that has come up so far.

    The others would be half of a run's series, and say nothing: forty signals that were never there.
    """
    for name, bounds in analysis.limits.items():
        tracker = analysis.trackers.get(name)
        if tracker is not None and any(tracker.counts):
            for severity in bounds:
                yield name, severity, tracker


@cache
def _of(metric: Metric, value: str) -> Series:
    return series(metric, (metric.label, value))


@cache
def _of_severity(metric: Metric, signal: str, severity: Severity) -> Series:
    return series(metric, ("signal", signal), ("severity", severity.value))
