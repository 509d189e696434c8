"""What the analysis finds in random runs of each kind, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Episode

from benchmarks.detection.kinds import KINDS, Due, KindCase, of_kind
from benchmarks.detection.score import analyse
from benchmarks.report import Row, Table, Target

FOUND = Target(0.97)
FALSE = Target(0, at_most=True)
WARNINGS = Target(1.5, at_most=True)


@dataclass(slots=True)
class KindScore:
    """Sums over the runs of a kind."""

    faults: int = 0
    in_time: int = 0
    false_critical: int = 0
    warnings: int = 0  # that begin in healthy records
    healthy: int = 0  # records


Tell = Callable[[KindCase, str], None]
"""Is told of each miss and each false alarm."""


def score_kind(cases: Iterable[KindCase], tell: Tell | None = None) -> KindScore:
    """What our analysis makes of runs of a kind."""
    total = KindScore()
    for made in cases:
        snapshot, steps = analyse(made.case.log, made.case.dialect, made.case.arguments)
        at = {step: record for record, step in enumerate(dict.fromkeys(steps))}
        signs = [e for e in snapshot.episodes if e.severity is not Severity.INFO]
        _count(total, made, [(e, _moments(e, at)) for e in signs], tell)
    return total


@dataclass(frozen=True, slots=True)
class Moments:
    """Of an episode, in records: its first sign, since when it was critical, its last."""

    first: int
    critical: int | None
    last: int


def _moments(episode: Episode, at: dict[int, int]) -> Moments:
    critical = None if episode.critical_step is None else at[episode.critical_step]
    return Moments(at.get(episode.first_step, 0), critical, at[episode.last_step])


def _count(
    total: KindScore, made: KindCase, signs: Sequence[tuple[Episode, Moments]], tell: Tell | None
) -> None:
    moments, truth = [moment for _, moment in signs], made.case.truth
    for due in made.due:
        found = _in_time(due, moments)
        total.faults, total.in_time = total.faults + 1, total.in_time + found
        if tell and not found:
            tell(made, f"missed: {due}")
    for episode, moment in signs:
        if moment.critical is not None and truth.is_healthy(moment.critical):
            total.false_critical += 1
            if tell:
                tell(made, f"false: {episode.signal} critical at record {moment.critical}")
        elif episode.severity is Severity.WARNING and truth.is_healthy(moment.first):
            total.warnings += 1
            if tell:
                tell(made, f"warning: {episode.signal} at record {moment.first}")
    total.healthy += sum(truth.is_healthy(record) for record in range(truth.records))


def _in_time(due: Due, moments: Sequence[Moments]) -> bool:
    critical = any(
        moment.critical is not None and moment.critical <= due.critical and moment.last >= due.begins
        for moment in moments
    )
    return critical and any(moment.first <= due.sign and moment.last >= due.begins for moment in moments)


def tables(seeds: Sequence[int], runs: int) -> list[Table]:
    """One table for each kind, `runs` random runs with each of the seeds."""
    found = []
    for kind in KINDS.values():
        total = score_kind(case for seed in seeds for case in of_kind(kind, seed, runs))
        rows = [
            Row("critical false alarms", _per(total.false_critical, total, 1e5), PER_100K, target=FALSE),
            Row("warnings", _per(total.warnings, total, 1e3), PER_1K, target=WARNINGS),
        ]
        if total.faults:
            share = total.in_time / total.faults
            rows.insert(0, Row("found in time", share, f"of {total.faults}: {kind.in_time}", target=FOUND))
        title = f"{kind.name}: {runs} runs with each of the seeds {', '.join(map(str, seeds))}"
        found.append(Table(title, tuple(rows)))
    return found


PER_100K, PER_1K = "per 100,000 healthy records", "per 1,000 healthy records"


def _per(count: int, total: KindScore, records: float) -> float:
    return count * records / max(total.healthy, 1)
