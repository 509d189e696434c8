"""The doctors beside ours: one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.detection.rivals.contest import Contested, Opinion, ask
from benchmarks.detection.rivals.doctors import DOCTORS, install

OURS = "llmtrain-exporter"
HEAD = (
    "doctor",
    "broken found",
    "healthy called critical",
    "healthy called critical at some look",
    "warnings per 1,000 healthy records",
    "first critical record, median",
    "before ours / with it / after",
    "lacks the data for",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table of texts, in Markdown, which reads well in a terminal too."""

    title: str
    lines: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Title, table, notes."""
        table = [HEAD, tuple("---" for _ in HEAD), *self.lines]
        return "\n".join([self.title, "", *("| " + " | ".join(line) + " |" for line in table), *self.notes])


def compare(title: str, runs: Sequence[Contested], folder: Path, looks: int) -> Comparison:
    """All doctors and ours on the same runs. `folder`: where their environment is or will be.

    `looks`: how often a doctor reads a growing log. Ours follows it.
    """
    python, missing = install(folder)
    opinions = ask(python, runs, looks)
    ours = [run.ours for run in runs]
    lines = [_line(OURS, runs, ours, ours, "memory and speed are watched, not judged")]
    notes = []
    for doctor in DOCTORS:
        name = f"{doctor.package} {doctor.version}"
        if doctor.package in missing:
            lines.append((name, f"not installed: {missing[doctor.package]}", *[""] * 5, doctor.lacks))
            continue
        theirs = opinions[doctor.package]
        lines.append(_line(name, runs, theirs, ours, doctor.lacks))
        notes += _refusals(name, theirs)
    return Comparison(title, tuple(lines), tuple(notes))


def _line(
    name: str, runs: Sequence[Contested], opinions: Sequence[Opinion], ours: Sequence[Opinion], lacks: str
) -> tuple[str, ...]:
    broken = [opinion for run, opinion in zip(runs, opinions, strict=True) if run.broken]
    healthy = [opinion for run, opinion in zip(runs, opinions, strict=True) if not run.broken]
    records = sum(len(run.history.train) for run in runs if not run.broken)
    firsts = [opinion.first_critical for opinion in broken if opinion.critical and opinion.first_critical]
    order = _order(broken, [run.ours for run in runs if run.broken])
    return (
        name,
        f"{sum(opinion.critical for opinion in broken)} of {len(broken)}",
        f"{sum(opinion.critical for opinion in healthy)} of {len(healthy)}",
        f"{sum(opinion.first_critical is not None for opinion in healthy)} of {len(healthy)}",
        f"{1e3 * sum(opinion.warnings for opinion in healthy) / max(records, 1):.2f}",
        f"{median(firsts):g}" if firsts else "-",
        "" if opinions is ours else " / ".join(str(order[key]) for key in ("before", "with", "after")),
        lacks,
    )


def _order(theirs: Sequence[Opinion], ours: Sequence[Opinion]) -> Mapping[str, int]:
    """In how many of the runs that both found theirs came first."""
    pairs = [(t.first_critical, o.first_critical) for t, o in zip(theirs, ours, strict=True) if t.critical]
    both = [(t, o) for t, o in pairs if t is not None and o is not None]
    return {
        "before": sum(t < o for t, o in both),
        "with": sum(t == o for t, o in both),
        "after": sum(t > o for t, o in both),
    }


def _refusals(name: str, opinions: Sequence[Opinion]) -> list[str]:
    reasons = [opinion.refused for opinion in opinions if opinion.refused]
    return [f"{name} refused {len(reasons)} logs, for instance: {reasons[0]}"] if reasons else []
