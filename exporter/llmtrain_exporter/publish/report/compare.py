"""Several runs side by side: key figures, settings that differ, and the same metric of all in one chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from llmtrain_exporter.draw.chart import ChartPanel, Marks
from llmtrain_exporter.draw.from_history import MOST_LINES, panels
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import written
from llmtrain_exporter.model import Series, Snapshot, series
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.picture import Picture
from llmtrain_exporter.publish.report.say import Say, cells, chapter, paragraph, short
from llmtrain_exporter.story.blocks import Block, Code, Section, Table
from llmtrain_exporter.story.diagnosis import against, title
from llmtrain_exporter.story.numbers import DASH, number
from llmtrain_exporter.story.verdict import health_mark

OVERLAID = (
    c.KL,
    c.LOSS,
    c.GRAD_NORM,
    c.LEARNING_RATE,
    c.ENTROPY,
    c.TOKEN_ACCURACY,
    c.REWARD,
    c.COMPLETION_LENGTH,
    c.COMPLETION_CLIPPED,
    c.PREFERENCE_MARGIN,
    c.PREFERENCE_ACCURACY,
)
"""What is compared; of each the training series, and of parts the mean."""

_TRAIN = ("split", "train")
_FIGURES = (
    (series(c.KL, _TRAIN), ("median", "high")),
    (series(c.GRAD_NORM), ("median", "high")),
    (series(c.REWARD, _TRAIN), ("median", "last")),
    (series(c.COMPLETION_LENGTH, ("stat", "mean"), _TRAIN), ("median",)),
    (series(c.COMPLETION_CLIPPED, _TRAIN), ("high",)),
    (series(c.LOSS, _TRAIN), ("last",)),
)


def comparison(runs: Sequence[Material], say: Say) -> Section:
    """The section that stands before the runs themselves."""
    figures = _table(say(r.KEY_FIGURES), _figures(runs, say), runs, say)
    return chapter(say(r.COMPARED), figures, _settings(runs, say), *_overlaid(runs, say))


def _table(caption: str, frame: Any, runs: Sequence[Material], say: Say) -> Table:
    """A DataFrame with a row per run as a table, turned where that makes it narrower.

    Columns in which nobody has anything are left out.
    """
    frame = frame.dropna(axis="columns", how="all").astype(object)
    frame = frame.where(frame.notna(), DASH)
    lines = [
        cells(material.run.run, health_mark(material.run.verdict, say.lang), *map(str, values))
        for material, values in zip(runs, frame.itertuples(index=False, name=None), strict=True)
    ]
    head: tuple[str, ...] = (say(r.RUN), say(r.VERDICT), *map(str, frame.columns))
    if len(head) <= len(runs):
        return Table(caption, head, tuple(lines))
    turned = zip(((name,) for name in head[1:]), *(line[1:] for line in lines), strict=True)
    return Table(caption, (head[0], *(material.run.run for material in runs)), tuple(turned))


def _figures(runs: Sequence[Material], say: Say) -> Any:
    import pandas

    return pandas.DataFrame([dict(_of_run(material, say)) for material in runs], dtype=object)


def _of_run(material: Material, say: Say) -> Iterator[tuple[str, object]]:
    run = material.run
    yield say(r.WORST), title(run, say.lang) if against(run) else None
    yield say(r.LAST_STEP), None if run.last_step is None else _place(run.last_step, run, say)
    yield say(r.INCIDENTS_HEAD), str(len(run.incidents))
    yield say(r.FIRST_AT), _place(run.incidents[0].onset_step, run, say) if run.incidents else None
    for compared, statistics in _FIGURES:
        for statistic in statistics:
            yield _heading(compared, statistic, say), _figure(material, compared, statistic, say)
    yield say(r.BEST_OF), None if run.best is None or run.base == "grpo" else number(run.best[0])


def _place(step: int, run: Snapshot, say: Say) -> str:
    """A step; of a run without steps it says so, the others beside it have some."""
    return say.about(run)(words.STEP, first=step) if run.step_is_record else str(step)


def _heading(compared: Series, statistic: str, say: Say) -> str:
    heading = {"median": r.MEDIAN_OF, "high": r.HIGHEST_OF, "last": r.LAST_OF}[statistic]
    return say(heading, metric=short(compared.metric))


def _figure(material: Material, compared: Series, statistic: str, say: Say) -> str | None:
    stats = material.stats.get(compared)
    if statistic == "last":
        value = material.run.samples.get(compared)
    else:
        value = None if stats is None else stats.median if statistic == "median" else stats.high
    return None if value is None else say.value(value, compared)


def _settings(runs: Sequence[Material], say: Say) -> Block:
    """The settings that are not the same in all runs; what a run does not say counts as different."""
    import pandas

    texts = [
        {
            **material.run.hyper_parameters.info,
            **{key: written(value) for key, value in material.run.hyper_parameters.numbers.items()},
        }
        for material in runs
    ]
    frame = pandas.DataFrame(texts, dtype=object)
    differ = [key for key in frame.columns if frame[key].nunique(dropna=False) > 1]
    if not differ:
        return paragraph(say(words.SAME_SETTINGS))
    return _table(say(words.DIFFERENT_SETTINGS), frame[differ], runs, say)


def _overlaid(runs: Sequence[Material], say: Say) -> Iterator[Block]:
    for metric in OVERLAID:
        panel = _overlay(metric, runs)
        if panel is not None:
            caption = say(r.OVERLAID_CHART, metric=short(metric))
            yield Picture(f"all-{short(metric)}", caption, (panel,), Marks())


def _overlay(metric: Metric, runs: Sequence[Material]) -> ChartPanel | None:
    """A line per run, if two have the metric at all."""
    lines = []
    for material in runs:
        for panel in panels(material.drawn, (metric,)):
            first = panel.lines[0]
            if not first.evaluation:
                lines.append(
                    replace(first, name=material.run.run, part=material.run.run, spikes=(), baseline=None)
                )
    if len(lines) < 2:
        return None
    return ChartPanel(short(metric), tuple(lines[:MOST_LINES]), left_out=max(len(lines) - MOST_LINES, 0))


def no_runs(others: Sequence[tuple[str, str]], say: Say) -> Iterator[Block]:
    """The files that were looked at and are no run: path and reason."""
    if others:
        rows = tuple(cells(Code(file), reason) for file, reason in others)
        title = say(r.NO_RUNS)
        yield chapter(title, Table(title, (say(r.FILE), say(r.REASON)), rows))
