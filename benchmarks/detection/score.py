"""Counts what a detector found, missed and made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialect import Dialect, Shape
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.white_list import select
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import HyperParameters, Record, RowKind, Snapshot

from benchmarks.detection.generator import Case, Truth
from benchmarks.detection.simulation import Row

LATE = 10
"""Records after a collapse has ended in which it may still be found."""


@dataclass(slots=True)
class Score:
    """Sums over runs."""

    events: int = 0
    found: int = 0
    incidents: int = 0  # in the course of found events
    false_critical: int = 0
    warnings: int = 0  # that begin in healthy records
    healthy: int = 0  # records
    leads: list[int] = field(default_factory=list)  # records from critical until the last link broke
    earlies: list[int] = field(default_factory=list)  # the same from the first sign of any severity

    @property
    def recall(self) -> float:
        """Share of the events that were found."""
        return self.found / max(self.events, 1)

    @property
    def false_per_100k(self) -> float:
        """Critical false alarms per 100,000 healthy records."""
        return self.false_critical * 1e5 / max(self.healthy, 1)

    @property
    def warnings_per_1k(self) -> float:
        """Warnings per 1,000 healthy records."""
        return self.warnings * 1e3 / max(self.healthy, 1)

    @property
    def incidents_per_event(self) -> float:
        """How often one event is told."""
        return self.incidents / max(self.found, 1)

    @property
    def lead(self) -> float:
        """Median lead in records."""
        return median(self.leads) if self.leads else 0.0

    @property
    def early(self) -> float:
        """Median lead of the first sign."""
        return median(self.earlies) if self.earlies else 0.0


def analyse(
    lines: bytes, dialect: Dialect, arguments: bytes | None = None, options: RunOptions | None = None
) -> tuple[Snapshot, list[int]]:
    """The analysis of a log, and the step of each of its training records."""
    reader = Readers().reader(dialect)
    run = Run(options or RunOptions(), select(json.loads(arguments)) if arguments else HyperParameters())
    steps: list[int] = []
    for line in [lines] if dialect.shape is Shape.DOCUMENT else lines.split(b"\n"):
        for record in reader.read(line):
            if isinstance(record, Record):
                run.fold(record, 0.0)
                if record.kind is RowKind.TRAIN:
                    steps.append(run.position.last_step or 0)
    return run.snapshot("run", "log", dialect.producer, 0.0), steps


def score(
    cases: Iterable[Case],
    tell: Callable[[Case, Sequence[int]], None] | None = None,
    options: RunOptions | None = None,
) -> Score:
    """What our analysis makes of generated runs. `tell` is called with the missed and the false, if any."""
    total = Score()
    for case in cases:
        snapshot, steps = analyse(case.log, case.dialect, case.arguments, options)
        index = {step: at for at, step in enumerate(dict.fromkeys(steps))}
        critical = [e for e in snapshot.episodes if e.critical_step is not None]
        spans = [(index[e.critical_step or 0], index[e.last_step]) for e in critical]
        starts = [index[i.onset_step] for i in snapshot.incidents]
        episodes = [e for e in snapshot.episodes if e.severity is not Severity.INFO]
        signs = [(index[e.first_step], e.severity) for e in episodes]
        bad = _add(total, case.truth, spans, starts, signs)
        if bad and tell is not None:
            tell(case, bad)
    return total


def score_other(cases: Iterable[Case], alarms: Callable[[Sequence[Row]], list[int]]) -> Score:
    """What another rule makes of them. Alarms closer than ten records are one."""
    total = Score()
    for case in cases:
        merged: list[tuple[int, int]] = []
        for at in alarms(case.rows):
            if merged and at - merged[-1][1] <= LATE:
                merged[-1] = merged[-1][0], at
            else:
                merged.append((at, at))
        _add(total, case.truth, merged, [first for first, _ in merged], [])
    return total


def _add(
    total: Score,
    truth: Truth,
    spans: Sequence[tuple[int, int]],
    incidents: Sequence[int],
    signs: Sequence[tuple[int, Severity]],
) -> list[int]:
    """Count a run; the records of what was missed (as negative numbers) and of what was made up."""
    wrong = []
    for first, worst, end in truth.events:
        inside = [at for at, last in spans if at <= end + LATE and last >= first]
        total.events += 1
        if inside:
            total.found += 1
            total.incidents += sum(first - LATE <= at <= end + LATE for at in incidents) or 1
            total.leads.append(worst - min(inside))
            total.earlies.append(worst - min([at for at, _ in signs if first - LATE <= at <= end] or inside))
        else:
            wrong.append(-first)
    false = [at for at, _ in spans if truth.is_healthy(at)]
    total.false_critical += len(false)
    total.warnings += sum(severity is Severity.WARNING and truth.is_healthy(at) for at, severity in signs)
    total.healthy += sum(truth.is_healthy(at) for at in range(truth.records))
    return wrong + false
