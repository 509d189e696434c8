"""The verdict on runs as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, NoRun, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import Paragraph, Part, Section, Table, blocks_of
from llmtrain_exporter.story.diagnosis import in_short
from llmtrain_exporter.story.facts import step_text
from llmtrain_exporter.story.metrics import Courses
from llmtrain_exporter.story.no_run import details
from llmtrain_exporter.story.run_story import ACTIONS_TOLD, run_story
from llmtrain_exporter.story.several import counts_line, no_run_line
from llmtrain_exporter.story.shorten import at_most, brief, essentials, shortened, urgent_rows, with_rows
from llmtrain_exporter.story.verdict import health_mark
from llmtrain_exporter.write.columns import columns, padded, wrapped
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style
from llmtrain_exporter.write.terminal import INDENT, block_lines, indented, narrowed

LEAST = 30
"""Lines that each of many runs may have, whatever stands above them."""

MOST_EXPLAINED = 3
"""Paths without a run of which it is told what lies there; of more, `--verbose` tells it."""

SCREEN = 50
"""Lines that are told of a run, so that all of it stands on a screen; `--verbose` tells the rest."""


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
    overview = list(_overview(ordered, style)) if several else []
    yield from _ended(overview)
    most = None if verbose else max(SCREEN - len(overview) - several, LEAST)
    for at, run in enumerate(ordered):
        if verbose or not several or run.verdict is not Health.HEALTHY:
            yield "\n" if several or at else ""
            yield from _ended(_run(run, courses.get(run.run, {}), style, most))
    if runs and others:
        yield "\n"
    for other in others:
        yield from _ended(
            wrapped(line_text(no_run_line(other, style.lang), style), style.width, whole_paths=True)
        )
        if verbose or len(others) <= MOST_EXPLAINED:
            for line in details(other, style.lang):
                yield from _ended(indented(wrapped(line, style.width - INDENT, whole_paths=True)))


def _ended(lines: Iterable[str]) -> Iterator[str]:
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


def _run(run: Snapshot, courses: Courses, style: Style, most: int | None) -> list[str]:
    """The lines of a run, no more than `most`: what matters least goes first."""
    story = run_story(run, style.lang, courses, most_actions=None if most is None else ACTIONS_TOLD)
    sections = essentials(story)
    if most is None:
        sections += tuple(section for section in story.sections if section.part is Part.CHECKS)
    whole = _lines(run, sections, style)
    if most is None or len(whole) <= most:
        return whole
    rest = ["", *wrapped(f"  {words.REST_WITH_V.of(style.lang)}", style.width)]
    for shorter in _ever_shorter(sections, style.lang):
        lines = _lines(run, shorter, style)
        if len(lines) + len(rest) <= most:
            break
    return [*lines, *rest]


def _lines(run: Snapshot, sections: Sequence[Section], style: Style) -> list[str]:
    below = [section for section in sections if section.part is not Part.VERDICT]
    verdict = verdict_text(sections, style)
    name = printable(run.run)
    head = wrapped(f"{name}: {verdict}" if verdict else name, style.width)
    return [*head, *indented(block_lines(below, narrowed(style)))]


def _ever_shorter(sections: Sequence[Section], lang: Lang) -> Iterator[Sequence[Section]]:
    """First without what only says more, then with fewer of each, last with whole sections gone."""
    left = {section.part: section for section in sections}
    for part, shorter in _CUTS:
        if part in left:
            left[part] = shorter(left[part], lang)
            yield tuple(left.values())
    yield from shortened(tuple(left.values()), lang)


def _rows(most: int) -> Callable[[Section, Lang], Section]:
    def shorter(section: Section, _: Lang) -> Section:
        tables = (
            with_rows(block, urgent_rows(block, most)) if isinstance(block, Table) else block
            for block in section.blocks
        )
        return replace(section, blocks=tuple(tables))

    return shorter


def _items(most: int, needed: bool = False) -> Callable[[Section, Lang], Section]:
    return lambda section, lang: at_most(section, most, lang, needed)


def _brief(section: Section, _: Lang) -> Section:
    return brief(section)


_CUTS: Sequence[tuple[Part, Callable[[Section, Lang], Section]]] = (
    (Part.METRICS, _rows(8)),
    (Part.ACTIONS, _brief),
    (Part.FINDINGS, _items(5, needed=True)),
    (Part.CAUSES, _items(3)),
    (Part.GUARD, _items(5)),
    (Part.CAUSES, _brief),
    (Part.METRICS, _rows(5)),
    (Part.ACTIONS, _items(4)),
    (Part.INCIDENTS, _items(3)),
    (Part.GUARD, _items(3)),
    (Part.FINDINGS, _items(3, needed=True)),
)
"""What gives way one after the other where a run does not fit on a screen."""


def verdict_text(sections: Sequence[Section], style: Style) -> str:
    """The verdict of a story in a word or two; empty where there is nothing to judge."""
    blocks = blocks_of(sections, Part.VERDICT)
    return "".join(line_text(block.line, style) for block in blocks if isinstance(block, Paragraph))
