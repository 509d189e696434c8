"""A watched run as a picture: lines that fill a screen, whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import click

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import watch_words, words
from llmtrain_exporter.model import Snapshot, State, series
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.check_text import (
    action_of,
    actions_of,
    causes_of,
    counts_of,
    events_of,
    facts_of,
    in_short,
    step_of,
)
from llmtrain_exporter.publish.style import Style
from llmtrain_exporter.publish.table import ALL, latest, table
from llmtrain_exporter.publish.watch.folder import Look, Scene
from llmtrain_exporter.publish.watch.plain import waiting
from llmtrain_exporter.publish.watch.spans import short_text, time_text
from llmtrain_exporter.publish.wrap import columns, padded, shortened, wrapped
from llmtrain_exporter.story import verdict
from llmtrain_exporter.story.facts import progress, remaining

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

FACTS_TOLD = 6
"""Lines; a run that was resumed twenty times has more."""

LONGEST_BAR = 40
DONE, TO_DO = "━", "─"

RESET = "\x1b[0m"

_STATE_COLOURS = {State.STALLED: "yellow", State.FAILED: "red"}

Block = Callable[[int], list[str]]
"""A part of the picture: at most so many lines of it."""


def picture(scene: Scene, style: Style, height: int) -> list[str]:
    """At most `height` lines, none wider than the style says, coloured as it says."""
    foot = ["", _dim(watch_words.CTRL_C.of(style.lang), style)]
    top = [*_hindrances(scene, style), *_overview(scene, style, height // RUNS_SHARE)]
    if scene.chosen is None:
        top += wrapped(waiting(scene, style), style.width)
    else:
        top += [*_head(scene.chosen, scene.now, style), ""]
        blocks = _beside if style.width >= SIDE_BY_SIDE else _below
        top += blocks(scene.chosen.run, scene, style, height - len(top) - len(foot))
    return [*top[: height - len(foot)], *foot]


def _hindrances(scene: Scene, style: Style) -> Iterator[str]:
    """Why the picture may be incomplete."""
    failed = (
        f"{printable(name)}: {style.say(watch_words.FAILED, error=error)}"
        for name, error in scene.failed.items()
    )
    unread = (look.error for look in scene.looks if look.error)
    for problem in islice(chain(failed, unread), PROBLEMS_TOLD):
        yield from wrapped(problem, style.width)
    if scene.unread:
        yield style.say(watch_words.READING, share=f"{1 - scene.unread:.0%}")


def _overview(scene: Scene, style: Style, most: int) -> Iterator[str]:
    """Of several runs a line each, the worst first, of those the live ones."""
    if len(scene.looks) < 2:
        return
    ordered = sorted(scene.looks, key=_rank)
    shown = ordered if len(ordered) < most else ordered[: max(most - 2, 1)]
    rows = [_overview_cells(look, look is scene.chosen, style) for look in shown]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    yield from wrapped(
        counts_of([look.run for look in ordered if look.run.state is not State.WAITING], style), style.width
    )
    for name, *cells in rows:
        yield _overview_line(name, cells, widths, style.width)
    if len(shown) < len(ordered):
        yield watch_words.MORE_RUNS.of(len(ordered) - len(shown), style.lang)
    yield ""


def _rank(look: Look) -> tuple[int, bool, bool, str]:
    """A run that hangs is as bad as its silence, while somebody waits for it."""
    run = look.run
    worst = max(run.verdict.value, run.health.value if look.live else 0)
    return -worst, run.state is State.WAITING, not look.live, run.run


def _overview_cells(look: Look, chosen: bool, style: Style) -> tuple[str, ...]:
    run = look.run
    state = watch_words.WAITS if run.state is State.WAITING else words.STATE[run.state.value]
    health = "" if run.state is State.WAITING else style.mark(words.HEALTH, run.verdict.name.lower())
    return (
        printable(run.run),
        f"{'>' if chosen else ' '} {health}",
        _coloured(state.of(style.lang), _STATE_COLOURS.get(run.state), style),
        step_of(run, style),
        in_short(run, style),
    )


def _overview_line(name: str, cells: Sequence[str], widths: Sequence[int], width: int) -> str:
    """What does not fit is left out from the right; the name stands last, as in `check`."""
    line = ""
    for cell, wide in zip(cells, widths[1:], strict=True):
        if wide and columns(line) + wide + 2 + min(SHORTEST_RUN, widths[0]) <= width:
            line += padded(cell, wide) + "  "
    return line + shortened(name, width - columns(line))


def _head(look: Look, now: float, style: Style) -> Iterator[str]:
    """Which run, how it is, where it is, how long it still takes."""
    run = look.run
    health = _health(run, style)
    name = shortened(printable(run.run), max(style.width - columns(health) - 2, SHORTEST_RUN))
    yield from wrapped(f"{_bold(name, style)}: {health}" if health else _bold(name, style), style.width)
    facts = [line for fact in facts_of(run, style) for line in wrapped(f"  {fact}", style.width)]
    yield from facts[:FACTS_TOLD]
    bar = _bar(run, min(LONGEST_BAR, style.width // 2), style)
    pace = words.COMMA.of(style.lang).join(_pace(run, now, style))
    if bar and columns(bar) + columns(pace) + 4 <= style.width:
        yield f"  {bar}  {pace}".rstrip()
    else:
        yield from [f"  {bar}"] if bar else []
        yield from wrapped(f"  {pace}", style.width) if pace else []


def _health(run: Snapshot, style: Style) -> str:
    """On all that has been read; of a run that has recovered also how it is now."""
    if run.state is State.WAITING:
        return ""
    health = style.mark(words.HEALTH, run.verdict.name.lower())
    if run.health is run.verdict:
        return health
    at_last = style.mark(words.HEALTH, run.health.name.lower())
    return style.say(watch_words.NOW_ONLY, verdict=health, now=at_last)


def _bar(run: Snapshot, width: int, style: Style) -> str:
    done = progress(run)
    if done is None:
        return ""
    full = round(width * min(done, 1.0))
    colour = {State.FAILED: "red", State.STALLED: "yellow"}.get(run.state, "green")
    rest = _dim(TO_DO * (width - full), style)
    return f"{_coloured(DONE * full, colour, style)}{rest} {min(done, 1.0):.0%}"


def _pace(run: Snapshot, now: float, style: Style) -> Iterator[str]:
    """How long it still takes, how fast it goes, and for how long it has been silent."""
    left, per_step = remaining(run), run.samples.get(series(c.RECENT_SECONDS_PER_STEP))
    if left is not None:
        yield style.say(watch_words.LEFT, time=time_text(left, style.lang))
    if per_step is not None and run.state is State.RUNNING:
        yield style.say(watch_words.PER_STEP, time=short_text(per_step, style.lang))
    if run.last_record is not None and run.state in (State.RUNNING, State.STALLED):
        yield style.say(watch_words.LAST_RECORD, time=time_text(now - run.last_record, style.lang))


def _below(run: Snapshot, scene: Scene, style: Style, height: int) -> list[str]:
    """The table, what happened and what to do, one under the other."""
    blocks = [lambda most: table(run, scene.courses, style, most, latest), *_told(run, style)]
    return _filled(blocks, height)


def _beside(run: Snapshot, scene: Scene, style: Style, height: int) -> list[str]:
    """The table to the left, what happened and what to do to the right."""
    wide = min(style.width * 6 // 10, WIDEST_TABLE)
    left = table(run, scene.courses, replace(style, width=wide), height, latest)
    right = _filled(_told(run, replace(style, width=style.width - wide - GAP)), height)
    if not right:
        return left
    rows = max(len(left), len(right))
    left, right = ([*side, *[""] * (rows - len(side))] for side in (left, right))
    end = RESET if style.coloured else ""  # a coloured word that goes on in the next line
    return [f"{padded(one, wide + GAP)}{other}{end}" for one, other in zip(left, right, strict=True)]


def _told(run: Snapshot, style: Style) -> list[Block]:
    return [lambda most: _events(run, style, most), lambda most: _advice(run, style, most)]


def _filled(blocks: Sequence[Block], height: int) -> list[str]:
    """The blocks with a blank line between them; each gets what it needs, or as much as the others."""
    needs = [len(block(ALL)) for block in blocks]
    height -= max(sum(map(bool, needs)) - 1, 0)
    parts = [block(share) for block, share in zip(blocks, _shares(needs, height), strict=True)]
    for at, block in enumerate(blocks):  # what a block makes no use of
        parts[at] = block(height - sum(map(len, parts)) + len(parts[at]))
    return [line for part in parts if part for line in ("", *part)][1:]


def _shares(needs: Sequence[int], free: int) -> list[int]:
    """Lines for each block: small ones get all that they need, the others equal parts of what is left."""
    shares = [0] * len(needs)
    for done, at in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        shares[at] = max(min(needs[at], (free - sum(shares)) // (len(needs) - done)), 0)
    return shares


def _events(run: Snapshot, style: Style, most: int) -> list[str]:
    """The first thing that happened, and of the others the last that fit."""
    told = [list(wrapped(event, style.width)) for event in events_of(run, style)]
    if sum(map(len, told)) <= most:
        return [line for lines in told for line in lines]
    head, rest = told[:2], told[2:]
    free = most - sum(map(len, head)) - 1
    if free < 0:
        return [line for lines in head for line in lines][:most]
    last: list[list[str]] = []
    while rest and len(rest[-1]) <= free:
        free -= len(rest[-1])
        last.insert(0, rest.pop())
    more = [f"  {watch_words.MORE_EVENTS.of(len(rest), style.lang)}"] if rest else []
    return [*(line for lines in head for line in lines), *more, *(line for lines in last for line in lines)]


def _advice(run: Snapshot, style: Style, most: int) -> list[str]:
    """Causes and remedies; where that is too long the remedies, without how to go about them."""
    causes, actions = list(causes_of(run, style)), list(actions_of(run, style))
    full = [*causes, *([""] if causes and actions else []), *actions]
    lines = [line for text in full for line in wrapped(text, style.width)]
    if len(lines) <= most:
        return lines
    short = [words.WHAT_TO_DO.of(style.lang)]
    for at, action in enumerate(verdict.actions(run, style.lang), 1):
        short += wrapped(f"  {at}. {action_of(action, style)}", style.width)
    return short[:most] if len(short) > 1 else []


def _dim(text: str, style: Style) -> str:
    return click.style(text, dim=True) if style.coloured and text else text


def _bold(text: str, style: Style) -> str:
    return click.style(text, bold=True) if style.coloured else text


def _coloured(text: str, colour: str | None, style: Style) -> str:
    return click.style(text, fg=colour) if style.coloured and colour and text else text
