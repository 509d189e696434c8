"""A run that is over as plain data: what is told without its log, after a restart or by another process.

What is read back is held against what such a run can be; nothing of it is believed.
"""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from llmtrain_exporter.analyse.checks import check_samples
from llmtrain_exporter.analyse.shared import shared
from llmtrain_exporter.ingest.arguments import argument_paths
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.ingest.source import read_run_hyper_parameters
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import PRODUCERS
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import (
    Episode,
    Health,
    HyperParameters,
    Resume,
    RowKind,
    Series,
    Snapshot,
    State,
    series,
)
from llmtrain_exporter.serve.sparkline import POINTS, Sparkline
from llmtrain_exporter.story.headline import headline_samples
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.outline import outline
from llmtrain_exporter.watching.parked_log import parked_log
from llmtrain_exporter.watching.predecessor import Predecessor


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What is kept of a run. `samples`: all that a scrape can show of it, checks and headline too."""

    snapshot: Snapshot  # an outline
    samples: Mapping[Series, float]
    before: Predecessor
    course: Sparkline


class PackedRun(NamedTuple):
    """The same as bytes. `layout`: its series, which many runs have alike; `numbers`: their values."""

    facts: bytes
    layout: bytes
    numbers: bytes


class WrongDataError(ValueError):
    """These bytes are of no run."""


def kept_run(run: LiveRun[Sparkline], snapshot: Snapshot) -> KeptRun | None:
    """What is to be kept of a run of which nothing more is expected.

    None where its log alone does not tell all: a guard has its file beside it, or it is no file of whole
    lines. None, too, where it was read with other settings than lie there now.
    """
    before = run.predecessor()
    if run.guard is not None or parked_log(run.found, run.source) is None:
        return None
    if _may_have_changed(run) and read_run_hyper_parameters(run.found) != snapshot.hyper_parameters:
        return None
    return _kept(run, snapshot, before)


def counted_run(run: LiveRun[Sparkline], snapshot: Snapshot) -> KeptRun:
    """What is to be kept of a run for its counters."""
    return _kept(run, snapshot, run.predecessor())


def with_counters(kept: KeptRun, before: Predecessor) -> KeptRun:
    """The same run, counted so."""
    at_least_zero = dict.fromkeys(before.carried, 0.0)  # what is carried may bring a count to nothing
    return replace(kept, samples={**kept.samples, **at_least_zero, **before.counters}, before=before)


def _kept(run: LiveRun[Sparkline], snapshot: Snapshot, before: Predecessor) -> KeptRun:
    samples = {**snapshot.samples, **check_samples(snapshot), **headline_samples(snapshot)}
    return KeptRun(outline(snapshot), samples, before, run.observer.alone())


def _may_have_changed(run: LiveRun[Sparkline]) -> bool:
    """Whether anything was done to the settings beside a log since it was met, whatever their time says.

    What is gone shows in its folder. To read all settings again would cost a tenth of reading a small log.
    """
    paths = argument_paths(os.path.dirname(run.found.path), run.found.dialect.argument_files)
    places = {place for path in paths for place in (path, os.path.dirname(path))}
    return any(_changed_at(place) > run.met_at for place in places)


def _changed_at(path: str) -> float:
    """Unix time; long ago where nothing is."""
    try:
        return os.stat(path).st_ctime
    except OSError:
        return 0.0


class _Facts(BaseModel):
    """All of a run but its samples. Floats are in hexadecimal: JSON has no infinity."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    producer: str
    profile: str
    base: str
    state: State
    health: Health
    verdict: Health
    records: dict[RowKind, int]
    steps: tuple[int | None, int | None, int | None]  # first, last, planned
    resumes: tuple[tuple[int, int], ...]
    skipped: dict[str, int]
    last_record: str | None
    best: tuple[str, int | None] | None
    episodes: tuple[tuple[str, Severity, bool, int], ...]  # signal, severity, active, place of its metric
    metrics: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]  # of the episodes
    step_is_record: bool
    ended_early: bool
    cut_off: bool = False  # left out where it is not so: older programs do not know it
    labels: dict[str, str]
    counters: tuple[tuple[int, str], ...]  # place among the samples, count
    carried: tuple[tuple[int, str], ...]  # of them what did not come from this log, which may be below 0
    counted: tuple[int, int]  # records of all kinds, and those that train
    rewarded: bool
    course: tuple[str, ...]
    length: int  # of the log in bytes, and its checksums
    checksum: int
    doublings: tuple[int, ...]


def packed_run(kept: KeptRun) -> PackedRun | None:
    """The run as bytes; None where it has what cannot be written so."""
    run, before = kept.snapshot, kept.before
    counted = {*before.counters, *before.carried}
    if before.fingerprint is None or not counted <= kept.samples.keys():
        return None
    places = {key: place for place, key in enumerate(kept.samples)}
    metrics = list(dict.fromkeys(episode.metric for episode in run.episodes))
    try:
        facts = _Facts(
            producer=run.producer.name,
            profile=run.profile,
            base=run.base,
            state=run.state,
            health=run.health,
            verdict=run.verdict,
            records=dict(run.records),
            steps=(run.first_step, run.last_step, run.max_steps),
            resumes=tuple((each.last, each.first) for each in run.resumes),
            skipped=dict(run.skipped),
            last_record=None if run.last_record is None else run.last_record.hex(),
            best=None if run.best is None else (float(run.best[0]).hex(), run.best[1]),
            episodes=tuple(
                (each.signal, each.severity, each.active, metrics.index(each.metric)) for each in run.episodes
            ),
            metrics=tuple((key.metric.name, key.labels) for key in metrics),
            step_is_record=run.step_is_record,
            ended_early=run.ended_early,
            cut_off=run.cut_off,
            labels=dict(run.labels),
            counters=_placed(before.counters, places),
            carried=_placed(before.carried, places),
            counted=(before.records, before.training),
            rewarded=kept.course.rewarded,
            course=tuple(value.hex() for value in kept.course.values),
            length=before.fingerprint.length,
            checksum=before.fingerprint.crc,
            doublings=tuple(before.fingerprint.doublings),
        )
        layout = orjson.dumps([(key.metric.name, key.labels) for key in kept.samples])
        return PackedRun(
            facts.model_dump_json(exclude_defaults=True).encode(),
            layout,
            array("d", kept.samples.values()).tobytes(),
        )
    except (ValueError, TypeError):  # a text that is no UTF-8, a step beyond 64 bits
        return None


def unpacked_run(packed: PackedRun) -> KeptRun:
    """The run again, called nothing and lying nowhere; see `named`. Raises WrongDataError."""
    try:
        facts = _Facts.model_validate_json(packed.facts)
        keys = _layout(packed.layout)
        numbers = array("d", packed.numbers)
        samples = dict(zip(keys, numbers, strict=True))
        return KeptRun(_snapshot(facts), samples, _predecessor(facts, keys), _course(facts))
    except (ValidationError, ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise WrongDataError(str(error)) from error


def named(kept: KeptRun, found: Found, name: str) -> KeptRun:
    """The same as the run of that log, called so."""
    return replace(kept, snapshot=replace(kept.snapshot, run=name, file=found.path))


def _snapshot(facts: _Facts) -> Snapshot:
    first, last, planned = facts.steps
    metrics = _known_series(facts.metrics)
    return outline(
        Snapshot(
            run="",
            file="",
            producer=_producers()[facts.producer],
            profile=shared(facts.profile),
            base=shared(facts.base),
            state=facts.state,
            health=facts.health,
            verdict=facts.verdict,
            records=facts.records,
            first_step=first,
            last_step=last,
            max_steps=planned,
            resumes=tuple(Resume(*each) for each in facts.resumes),
            skipped=facts.skipped,
            last_record=None if facts.last_record is None else _finite(facts.last_record),
            best=None if facts.best is None else (float.fromhex(facts.best[0]), facts.best[1]),
            hyper_parameters=HyperParameters(),
            limits={},
            episodes=tuple(
                _episode(signal, severity, active, metrics[place])
                for signal, severity, active, place in facts.episodes
            ),
            incidents=(),
            samples={},
            step_is_record=facts.step_is_record,
            ended_early=facts.ended_early,
            cut_off=facts.cut_off,
            labels=facts.labels,
        )
    )


def _episode(signal: str, severity: Severity, active: bool, metric: Series) -> Episode:
    known = SIGNALS[signal].name
    return Episode(known, severity, 0, 0, 0, 0.0, 0, 0.0, metric, None, None, active)


def _predecessor(facts: _Facts, keys: Sequence[Series]) -> Predecessor:
    fingerprint = Fingerprint()
    fingerprint.length, fingerprint.crc = facts.length, facts.checksum
    fingerprint.doublings = array("I", facts.doublings)
    if facts.length < 0 or len(facts.doublings) != facts.length.bit_length():
        raise WrongDataError("no fingerprint has such checksums")
    counters, carried = (_counts(each, keys) for each in (facts.counters, facts.carried))
    first, last, _ = facts.steps
    return Predecessor(counters, carried, *facts.counted, first, last, fingerprint)


def _placed(counts: Mapping[Series, float], places: Mapping[Series, int]) -> tuple[tuple[int, str], ...]:
    return tuple((places[key], float(count).hex()) for key, count in counts.items())


def _counts(placed: Iterable[tuple[int, str]], keys: Sequence[Series]) -> dict[Series, float]:
    return {keys[place]: _finite(count) for place, count in placed if place >= 0}


def _course(facts: _Facts) -> Sparkline:
    line = Sparkline()
    line.rewarded = facts.rewarded
    line.values = array("f", list(map(_finite, facts.course[:POINTS])))  # of a list no place is spare
    return line


def _finite(text: str) -> float:
    value = float.fromhex(text)
    if not math.isfinite(value):
        raise WrongDataError("a number that is none")
    return value


@lru_cache(64)
def _layout(text: bytes) -> tuple[Series, ...]:
    return _known_series(orjson.loads(text))


def _known_series(described: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> tuple[Series, ...]:
    metrics = _metrics()
    return tuple(series(metrics[name], *map(_label, labels)) for name, labels in described)


def _label(label: Sequence[str]) -> tuple[str, str]:
    name, value = label
    if type(name) is not str or type(value) is not str or not (name.isascii() and name.isidentifier()):
        raise WrongDataError("no label")
    return shared(name), value


@cache
def _metrics() -> Mapping[str, Metric]:
    return {metric.name: metric for metric in METRICS}


@cache
def _producers() -> Mapping[str, Producer]:
    others = (dialect.producer for dialect in registered().values())
    return {producer.name: producer for producer in (*PRODUCERS, *others)}
