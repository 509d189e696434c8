"""What the list shows of a run, on the page and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.printable import label_value, printable
from llmtrain_exporter.serve.fleet import Shown
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.story import diagnosis
from llmtrain_exporter.story.facts import progress
from llmtrain_exporter.story.headline import worst_lasting


@dataclass(frozen=True, slots=True)
class LastingSignal:
    """A signal that has not cleared."""

    name: str
    severity: str
    title: str


@dataclass(frozen=True, slots=True)
class DrawnCourse:
    """How a run's reward went, or its loss ("reward", "loss"), in a few values from its start until now."""

    metric: str
    values: list[float]


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run of the list. `health`: at the last record; `verdict`: on the whole log.

    `signal`: the worst that lasts; `earlier`: where none does, the title of the worst that had spoken against
    the run; `progress`: from 0 to 1; `last_record_timestamp`: Unix time; `labels`:
    the operator's own; `note`: what an operator has noted; `metrics`: last values, by the names of `LISTED`.
    """

    run: str
    health: str
    verdict: str
    state: str
    profile: str
    last_step: int | None
    max_steps: int | None
    step_is_record: bool
    progress: float | None
    remaining_seconds: float | None
    last_record_timestamp: float | None
    labels: Mapping[str, str]
    note: str
    metrics: Mapping[str, float]
    signal: LastingSignal | None
    earlier: str | None
    sparkline: DrawnCourse | None


def listed_run(shown: Shown, lang: Lang) -> ListedRun:
    """What the list shows of a published run, in one language."""
    run = shown.snapshot
    signal = _lasting_signal(run, lang)
    return ListedRun(
        run=label_value(run.run),
        health=run.health.name.lower(),
        verdict=run.verdict.name.lower(),
        state=run.state.value,
        profile=printable(run.profile),
        last_step=run.last_step,
        max_steps=run.max_steps,
        step_is_record=run.step_is_record,
        progress=progress(run),
        remaining_seconds=shown.remaining,
        last_record_timestamp=run.last_record,
        labels={name: printable(value) for name, value in run.labels.items()},
        note=shown.note,
        metrics=shown.metrics,
        signal=signal,
        earlier=diagnosis.title(run, lang) if signal is None and diagnosis.against(run) else None,
        sparkline=None if shown.sparkline is None else _course(shown.sparkline),
    )


def _lasting_signal(run: Snapshot, lang: Lang) -> LastingSignal | None:
    found = worst_lasting(run)
    if found is None:
        return None
    name, severity = found
    return LastingSignal(name, severity.value, diagnosis.signal_title(run, name, lang))


def _course(line: Sparkline) -> DrawnCourse:
    return DrawnCourse(line.metric, [float(f"{value:.4g}") for value in line.values.tolist()])
