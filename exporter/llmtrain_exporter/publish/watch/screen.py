"""A watched run as a picture: lines that fill a screen, whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge import watch_words
from llmtrain_exporter.model import State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.check_text import verdict_text
from llmtrain_exporter.publish.watch.plain import broken_line, waiting_lines
from llmtrain_exporter.publish.watch.status import FolderStatus, RunStatus, worst_first
from llmtrain_exporter.story.blocks import Part, Section, Story, Table, blocks_of, lines_in
from llmtrain_exporter.story.diagnosis import in_short
from llmtrain_exporter.story.facts import state_text, step_text
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.several import counts_line
from llmtrain_exporter.story.shorten import essentials, shortened
from llmtrain_exporter.story.verdict import health_mark
from llmtrain_exporter.write.columns import columns, padded, shortened_name, wrapped
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style
from llmtrain_exporter.write.terminal import block_lines, indented, narrowed
from llmtrain_exporter.write.terminal_table import table_lines

SIDE_BY_SIDE = 124
"""Columns from which on the table and what happened stand beside each other."""

GAP = 3
"""Columns between them."""

WIDEST_TABLE = 92

SHORTEST_RUN = 16
"""Columns of a run's name in the overview."""

RUNS_SHARE = 4
"""The overview takes no more than one line of so many."""

PROBLEMS_TOLD = 3

MOST_FACTS = 6
"""Lines; a run that was resumed twenty times has more."""

RESET = "\x1b[0m"

ALL = 1 << 20
"""More lines than any picture has."""

EVENTS = (Part.INCIDENTS, Part.FINDINGS)
ADVICE = (Part.CAUSES, Part.ACTIONS)

_STATE_COLOURS = {State.STALLED: "watch", State.FAILED: "broken"}

Fill = Callable[[int], list[str]]
"""A part of the picture: at most so many lines of it."""


def picture(status: FolderStatus, style: Style, height: int) -> list[str]:
    """At most `height` lines, none wider than the style says, coloured as it says."""
    style = replace(style, now=status.now)
    keys = status.has_keys and len(status.runs) > 1
    told = (watch_words.KEYS if keys else watch_words.CTRL_C).of(style.lang)
    foot = ["", *map(style.dim, wrapped(told, style.width))]
    top = [*_hindrances(status, style), *_overview(status, style, height // RUNS_SHARE)]
    if status.no_run is not None:
        top += waiting_lines(status.path, status.no_run, style)
    if status.chosen is not None:
        story = run_story(status.chosen.run, style.lang, status.courses)
        top += [*_head(story, style), ""]
        arranged = _beside if style.width >= SIDE_BY_SIDE else _below
        top += arranged(essentials(story), style, height - len(top) - len(foot))
    return [*top[: height - len(foot)], *foot]


def _hindrances(status: FolderStatus, style: Style) -> Iterator[str]:
    """Why the picture may be incomplete."""
    failed = (
        f"{printable(name)}: {line_text(broken_line(error, style.lang), style)}"
        for name, error in status.failed.items()
    )
    unread = (printable(watched.error) for watched in status.runs if watched.error)
    for problem in islice(chain(failed, unread), PROBLEMS_TOLD):
        yield from wrapped(problem, style.width)
    if status.unread:
        yield watch_words.READING.of(style.lang).format(share=f"{1 - status.unread:.0%}")


def _overview(status: FolderStatus, style: Style, most: int) -> Iterator[str]:
    """Of several runs a line each."""
    if len(status.runs) < 2:
        return
    ordered = worst_first(status.runs)
    shown = _in_reach(ordered, status.chosen, most)
    rows = [_overview_cells(watched, watched is status.chosen, style) for watched in shown]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    judged = [watched.run for watched in ordered if watched.run.state is not State.WAITING]
    yield from wrapped(line_text(counts_line(judged, style.lang), style), style.width)
    for name, *cells in rows:
        yield _overview_line(name, cells, widths, style.width)
    if len(shown) < len(ordered):
        yield watch_words.MORE_RUNS.of(len(ordered) - len(shown), style.lang)
    yield ""


def _in_reach(ordered: Sequence[RunStatus], chosen: RunStatus | None, most: int) -> Sequence[RunStatus]:
    """The runs for which there are lines, always with the one that is shown in full."""
    if len(ordered) < most:
        return ordered
    room = max(most - 2, 1)
    shown = ordered[:room]
    return shown if chosen is None or chosen in shown else [*shown[: room - 1], chosen]


def _overview_cells(watched: RunStatus, chosen: bool, style: Style) -> tuple[str, ...]:
    run = watched.run
    waits = run.state is State.WAITING
    state = watch_words.WAITS.of(style.lang) if waits else state_text(run, style.lang)
    health = "" if waits else line_text((health_mark(run.verdict, style.lang),), style)
    return (
        printable(run.run),
        f"{'>' if chosen else ' '} {health}",
        style.paint(state, _STATE_COLOURS.get(run.state, "")),
        step_text(run, style.lang),
        in_short(run, style.lang),
    )


def _overview_line(name: str, cells: Sequence[str], widths: Sequence[int], width: int) -> str:
    """What does not fit is left out from the right; the name stands last, as in `check`."""
    line = ""
    for cell, wide in zip(cells, widths[1:], strict=True):
        if wide and columns(line) + wide + 2 + min(SHORTEST_RUN, widths[0]) <= width:
            line += padded(cell, wide) + "  "
    return line + shortened_name(name, width - columns(line))


def _head(story: Story, style: Style) -> Iterator[str]:
    """Which run, how it is, where it is, how long it still takes."""
    verdict = verdict_text(story.sections, style)
    name = shortened_name(printable(story.run), max(style.width - columns(verdict) - 2, SHORTEST_RUN))
    yield from wrapped(f"{style.bold(name)}: {verdict}" if verdict else style.bold(name), style.width)
    facts = _of(essentials(story), (Part.FACTS, Part.REASON))
    yield from indented(islice(block_lines(facts, narrowed(style)), MOST_FACTS))
    yield from indented(_progress(story, style))


def _progress(story: Story, style: Style) -> Iterator[str]:
    """On one line, if that is wide enough for all of it."""
    lines = [line_text(line, style) for line in lines_in(blocks_of(story.sections, Part.PROGRESS))]
    together, width = "  ".join(lines), narrowed(style).width
    for line in [together] if columns(together) <= width else lines:
        yield from wrapped(line, width)


def _below(sections: Sequence[Section], style: Style, height: int) -> list[str]:
    """The table, what happened and what to do, one under the other."""
    return _filled([_table(sections, style), *_texts(sections, style)], height)


def _beside(sections: Sequence[Section], style: Style, height: int) -> list[str]:
    """The table to the left, what happened and what to do to the right."""
    wide = min(style.width * 6 // 10, WIDEST_TABLE)
    left = _table(sections, replace(style, width=wide))(height)
    right = _filled(_texts(sections, replace(style, width=style.width - wide - GAP)), height)
    if not right:
        return left
    rows = max(len(left), len(right))
    left, right = ([*side, *[""] * (rows - len(side))] for side in (left, right))
    end = RESET if style.coloured else ""  # a coloured word that goes on in the next line
    return [f"{padded(row, wide + GAP)}{text}{end}" for row, text in zip(left, right, strict=True)]


def _of(sections: Sequence[Section], parts: Sequence[Part]) -> list[Section]:
    return [section for section in sections if section.part in parts]


def _table(sections: Sequence[Section], style: Style) -> Fill:
    tables = [block for block in blocks_of(sections, Part.METRICS) if isinstance(block, Table)]
    return lambda most: [
        line for table in tables for line in table_lines(table, style, most, words.MORE_METRICS)
    ]


def _texts(sections: Sequence[Section], style: Style) -> list[Fill]:
    return [_text(_of(sections, parts), style) for parts in (EVENTS, ADVICE)]


def _text(sections: Sequence[Section], style: Style) -> Fill:
    """As much of the sections as fits, what matters most."""

    def fill(most: int) -> list[str]:
        lines: list[str] = []
        for fewer in shortened(sections, style.lang):
            lines = list(block_lines(fewer, style))
            if len(lines) <= most:
                break
        return lines[:most] if most > 1 else []  # a heading alone says nothing

    return fill


def _filled(parts: Sequence[Fill], height: int) -> list[str]:
    """The parts with a blank line between them; each gets what it needs, or as much as the others."""
    needs = [len(part(ALL)) for part in parts]
    height -= max(sum(map(bool, needs)) - 1, 0)
    filled = [part(share) for part, share in zip(parts, _shares(needs, height), strict=True)]
    for at, part in enumerate(parts):  # what a part makes no use of
        filled[at] = part(height - sum(map(len, filled)) + len(filled[at]))
    return [line for lines in filled if lines for line in ("", *lines)][1:]


def _shares(needs: Sequence[int], free: int) -> list[int]:
    """Lines for each part: small ones get all that they need, the others equal shares of what is left."""
    shares = [0] * len(needs)
    for done, at in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        shares[at] = max(min(needs[at], (free - sum(shares)) // (len(needs) - done)), 0)
    return shares
