"""The verdict on runs as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from llmtrain_exporter.model import Health, NoRun, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import Paragraph, Part, Section, blocks_of
from llmtrain_exporter.story.diagnosis import in_short
from llmtrain_exporter.story.facts import step_text
from llmtrain_exporter.story.metrics import Courses
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.several import counts_line, no_run_line
from llmtrain_exporter.story.shorten import essentials
from llmtrain_exporter.story.verdict import health_mark
from llmtrain_exporter.write.columns import columns, padded, wrapped
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style
from llmtrain_exporter.write.terminal import block_lines, indented, narrowed


def as_text(
    runs: Sequence[Snapshot],
    others: Sequence[NoRun],
    style: Style,
    verbose: bool,
    courses: Mapping[str, Courses] = MappingProxyType({}),
) -> Iterator[str]:
    """The verdict on each run, and the files that are none.

    Of several runs each has a line, the worst first; those that are not healthy, or with `verbose` all, are
    then told in full. `courses`: by run, the values to draw beside its metrics.
    """
    ordered = sorted(runs, key=lambda run: -run.verdict.value)
    several = len(ordered) > 1
    if several:
        yield from _ended(_overview(ordered, style))
    for at, run in enumerate(ordered):
        if verbose or not several or run.verdict is not Health.HEALTHY:
            yield "\n" if several or at else ""
            yield from _ended(_run(run, courses.get(run.run, {}), style))
    if runs and others:
        yield "\n"
    for other in others:
        yield from _ended(wrapped(line_text(no_run_line(other, style.lang), style), style.width))


def _ended(lines: Iterator[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)


def _overview(runs: Sequence[Snapshot], style: Style) -> Iterator[str]:
    yield line_text(counts_line(runs, style.lang), style)
    rows = [
        (
            line_text((health_mark(run.verdict, style.lang),), style),
            in_short(run, style.lang),
            step_text(run, style.lang),
            printable(run.run),
        )
        for run in runs
    ]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        yield f"  {'  '.join(map(padded, cells, widths))}".rstrip()


def _run(run: Snapshot, courses: Courses, style: Style) -> Iterator[str]:
    sections = essentials(run_story(run, style.lang, courses))
    below = [section for section in sections if section.part is not Part.VERDICT]
    verdict = verdict_text(sections, style)
    name = printable(run.run)
    yield from wrapped(f"{name}: {verdict}" if verdict else name, style.width)
    yield from indented(block_lines(below, narrowed(style)))


def verdict_text(sections: Sequence[Section], style: Style) -> str:
    """The verdict of a story in a word or two; empty where there is nothing to judge."""
    blocks = blocks_of(sections, Part.VERDICT)
    return "".join(line_text(block.line, style) for block in blocks if isinstance(block, Paragraph))
