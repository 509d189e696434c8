"""The rows of the list in words and numbers: their template only puts them into cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.serve.pages.listed_run import DrawnCourse, ListedRun
from llmtrain_exporter.serve.pages.wording import Wording, count, label_texts
from llmtrain_exporter.story.blocks import Line, Moment
from llmtrain_exporter.story.numbers import number
from llmtrain_exporter.story.unit import RECORD, unit_words

SPARKLINE_SIZE = 120, 24
"""Width and height of a sparkline, in its own units."""

_MARGIN = 2  # above and below its line


@dataclass(frozen=True, slots=True)
class StepsDone:
    """How far a run is. `share`: from 0 to 1, None where its end is not known."""

    share: float | None
    steps: str


@dataclass(frozen=True, slots=True)
class SparklineDrawing:
    """A sparkline: what it shows ("reward", "loss"), the points of its line, the same in words."""

    metric: str
    points: str
    label: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A row of the list. Empty texts and None: nothing is known, or there is nothing to say."""

    run: str
    address: str
    profile: str
    health: str  # a key of `words.HEALTH`
    health_text: str
    trouble: str  # what is wrong, or had been
    is_over: bool  # the trouble
    state: str
    progress: StepsDone | None
    left: str
    sparkline: SparklineDrawing | None
    last_record: Line  # a moment
    labels: Sequence[str]  # as "team=vision"
    note: str  # the operator's
    metrics: Sequence[str]  # the values of the columns that are asked for


def run_row(
    run: ListedRun,
    say: Wording,
    link_parameters: Mapping[str, str],
    now: float,
    state: str,
    columns: Sequence[str] = (),
) -> RunRow:
    """A run as the list shows it. `link_parameters`: parameters of every link; `now`: Unix time.

    `state`: what it does, in words; `columns`: metrics, names of `LISTED`.
    """
    left, last = run.remaining_seconds, run.last_record_timestamp
    return RunRow(
        run=run.run,
        address=f"run?{urlencode({'run': run.run, **link_parameters})}",
        profile=run.profile,
        health=run.health,
        health_text=say(f"health.{run.health}"),
        trouble=_trouble(run, say),
        is_over=run.signal is None,
        state=state,
        progress=progress_of(run, run.progress, say.lang),
        left="" if left is None else say.age(left),
        sparkline=_drawing(run.sparkline, say),
        last_record=() if last is None else (Moment(say.ago(now - last), last),),
        labels=label_texts(run.labels),
        note=run.note,
        metrics=[number(run.metrics[name]) if name in run.metrics else "" for name in columns],
    )


def _trouble(run: ListedRun, say: Wording) -> str:
    if run.signal is not None:
        return run.signal.title
    return "" if run.earlier is None else say("earlier", title=run.earlier)


def progress_of(run: ListedRun | Snapshot, share: float | None, lang: Lang) -> StepsDone | None:
    """How far a run is; None where nothing is known. `share`: of its plan, from 0 to 1."""
    if run.last_step is None:
        return None
    if run.step_is_record:
        record = unit_words(RECORD, lang)
        return StepsDone(None, words.STEP.of(lang).format(first=count(run.last_step), **record))
    if share is None or run.max_steps is None:
        return StepsDone(None, count(run.last_step))
    return StepsDone(round(min(max(share, 0.0), 1.0), 4), f"{count(run.last_step)} / {count(run.max_steps)}")


def _drawing(course: DrawnCourse | None, say: Wording) -> SparklineDrawing | None:
    if course is None or len(course.values) < 2:
        return None
    first, last = number(course.values[0]), number(course.values[-1])
    label = say("course_of", metric=say(f"course_{course.metric}"), first=first, last=last)
    return SparklineDrawing(course.metric, polyline(course.values), label)


def polyline(values: list[float]) -> str:
    """The points of a sparkline of two values or more, as SVG has them."""
    (width, height), low, high = SPARKLINE_SIZE, min(values), max(values)
    scale = (height - 2 * _MARGIN) / (high - low) if high > low else 0.0
    step, bottom = width / (len(values) - 1), height - _MARGIN
    places = (bottom - (value - low) * scale for value in values)
    return " ".join(f"{step * at:.1f},{place:.1f}" for at, place in enumerate(places))
