"""Panels to figures, with matplotlib's objects and none of its global state."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from llmtrain_exporter.draw import colours
from llmtrain_exporter.draw.chart import ChartLine, ChartPanel, Marks, Values
from llmtrain_exporter.draw.from_history import shown
from llmtrain_exporter.draw.tick_labels import tick_labels
from llmtrain_exporter.knowledge import report_words
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.text import Lang

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, LOW = 7.2, 2.1, 1.45
SMALL = 2.7, 1.25
FEW = 6
"""Names that stand beside a small panel, each of no more than so many letters."""
LONGEST_SMALL = 16

"""Inches of a panel; low where several stand below each other, so that they are seen together."""

WIDE_RANGE = 30.0
"""Highest over middle value from which on an axis is logarithmic."""

DENSE = 500
"""Values from which on a line of ordinary width becomes an area."""

RINGS = 120
"""Evaluations that are marked one by one; more of them are a line like any other."""

LARGEST = 1e60
"""What lies further out would overflow the arithmetic of axes; nothing that a log measures does."""

LONGEST_NAME = 42

_FAINT: dict[str, Any] = {"alpha": 0.07, "linewidth": 0}
_POSITIVE = ("kl", "grad_norm")
"""Metrics that are never below 0 and can rise a thousandfold."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def figure(
    panels: Sequence[ChartPanel], marks: Marks, lang: Lang, title: str = "", small: bool = False
) -> Figure:
    """The panels below each other on one axis of steps. `small`: three fit beside each other."""
    from matplotlib.figure import Figure

    width, height = SMALL if small else (WIDTH, LOW if len(panels) > 1 else HEIGHT)
    whole = height * max(len(panels), 1) + (0.3 if title else 0.0) + 0.25
    drawn = Figure(figsize=(width, whole), layout="constrained")
    axes = drawn.subplots(max(len(panels), 1), 1, sharex=True, squeeze=False)[:, 0]
    for panel, ax in zip(panels, axes, strict=False):
        _paint(ax, panel, marks, lang)
        _legend(ax, panel, lang, FEW if small else None)
    axes[-1].set_xlabel(marks.unit, color=colours.INK, fontsize=8)
    if title:
        drawn.suptitle(_safe(title, 80), fontsize=10, color=colours.INK, x=0.01, ha="left")
    return drawn


def _paint(ax: Axes, panel: ChartPanel, marks: Marks, lang: Lang) -> None:
    _frame(ax, panel, marks)
    _mark(ax, marks)
    for line, colour in zip(panel.lines, _colours(panel), strict=True):
        _draw_line(ax, line, colour, lang)
    _range(ax, panel, marks)
    _limits(ax, panel, lang)
    _healthy(ax, panel, lang)


def _colours(panel: ChartPanel) -> Iterator[str]:
    """A colour for each line; training and evaluation of the same have the same."""
    parts = list(dict.fromkeys(line.part for line in panel.lines))
    for line in panel.lines:
        yield colours.LINES[parts.index(line.part) % len(colours.LINES)]


def _frame(ax: Axes, panel: ChartPanel, marks: Marks) -> None:
    from matplotlib.ticker import NullFormatter

    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(colours.BASELINE)
    ax.tick_params(labelsize=7, colors=colours.INK, color=colours.BASELINE)
    ax.grid(True, color=colours.GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    first, last = marks.window or _reach(panel)
    room = (last - first) * 0.015 or 1.0
    ax.set_xlim(first - room, last + room)
    if _is_logarithmic(panel, marks):
        ax.set_yscale("log", nonpositive="clip")
        ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(tick_labels())


def _reach(panel: ChartPanel) -> tuple[float, float]:
    steps = [step for line in panel.lines for step in line.steps]
    return float(min(steps, default=0)), float(max(steps, default=0))


def _is_logarithmic(panel: ChartPanel, marks: Marks) -> bool:
    values = [value for line in panel.lines for value in shown(line, marks.window)]
    positive = [value for value in values if value > 0]
    if panel.name not in _POSITIVE or not positive or min(values) < 0:
        return False
    return max(positive) >= WIDE_RANGE * median(positive)


def _mark(ax: Axes, marks: Marks) -> None:
    last = ax.get_xlim()[1]
    for onset, end in marks.incidents:
        ax.axvline(onset, color=colours.CRITICAL, linewidth=0.9, zorder=1.5)
        if end is None or end > onset:
            ax.axvspan(onset, max(last if end is None else end, onset), color=colours.CRITICAL, **_FAINT)
    for step in marks.resumes:
        ax.axvline(step, color=colours.RESUME, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1.5)
    for step in marks.guard:
        ax.axvline(step, color=colours.GUARD, linewidth=0.9, linestyle=(0, (5, 2)), zorder=1.5)


def _draw_line(ax: Axes, line: ChartLine, colour: str, lang: Lang) -> None:
    name, style = _safe(line.name), dict[str, Any]()
    dots: dict[str, Any] = {"markersize": 3.5, "linewidth": 0.8, "linestyle": (0, (1, 1)), "marker": "o"}
    for steps, values, old in _pieces(line):
        if len(steps) == 1 or (line.evaluation and len(steps) <= RINGS):
            ax.plot(steps, values, color=colour, markerfacecolor=colours.GROUND, label=name, **dots)
        else:
            style = {"alpha": 0.35 if old else 1.0, "linewidth": 1.1 if len(steps) < DENSE else 0.5}
            ax.plot(steps, values, "-", color=colour, label=name, **style)
        name = "_nolegend_"
    _baseline(ax, line, lang)
    _spikes(ax, line, colour, lang)
    for begin, end in line.odd:
        places = sorted({begin, end})
        top = [0.97] * len(places)
        ax.plot(
            places,
            top,
            "x-",
            color=colours.CRITICAL,
            markersize=5,
            transform=ax.get_xaxis_transform(),
            label=report_words.NOT_FINITE.of(lang) if begin == line.odd[0][0] else "_nolegend_",
        )


def _pieces(line: ChartLine) -> Iterator[tuple[list[int], list[float], bool]]:
    """Parts of a line without a step that goes back; whether a resumed process took their steps again.

    What a row lacks leaves no gap: keys that are logged every tenth row would leave nothing else.
    """
    old = frozenset(line.superseded)
    steps: list[int] = []
    values: list[float] = []
    was_old = False
    for at, (step, value) in enumerate(zip(line.steps, line.values, strict=True)):
        if steps and (step < steps[-1] or (at in old) != was_old):
            yield steps, values, was_old
            steps, values = [], []
        if value is not None:
            steps.append(step)
            values.append(_bounded(value))
            was_old = at in old
    if steps:
        yield steps, values, was_old


def _baseline(ax: Axes, line: ChartLine, lang: Lang) -> None:
    if line.baseline is None:
        return
    known = _known(line.steps, line.baseline)
    if len(known) > 1:
        name = words.OWN_LEVEL.of(lang)
        steps, values = zip(*known, strict=True)
        style: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 0.8, "alpha": 0.8}
        ax.plot(steps, values, label=name, color=colours.INK, **style)


def _known(steps: Sequence[int], values: Values) -> list[tuple[float, float]]:
    """Points of a line; NaN in front of a step that goes back, so that nothing is drawn across."""
    known: list[tuple[float, float]] = []
    for step, value in zip(steps, values, strict=True):
        if value is None:
            continue
        if known and step < known[-1][0]:
            known.append((step, math.nan))
        known.append((step, _bounded(value)))
    return known


def _spikes(ax: Axes, line: ChartLine, colour: str, lang: Lang) -> None:
    points = [(line.steps[at], line.values[at]) for at in line.spikes]
    known = [(step, _bounded(value)) for step, value in points if value is not None]
    if known:
        steps, values = zip(*known, strict=True)
        ax.plot(
            steps,
            values,
            "v",
            color=colours.CRITICAL,
            markersize=4,
            markeredgecolor=colour,
            markeredgewidth=0.4,
            label=words.SPIKE.of(lang),
        )


def _range(ax: Axes, panel: ChartPanel, marks: Marks) -> None:
    """What is seen is what the window holds, and a limit that is near enough to matter."""
    values = [_bounded(value) for line in panel.lines for value in shown(line, marks.window)]
    logarithmic = ax.get_yscale() == "log"
    if logarithmic:
        values = [value for value in values if value > 0]
    if not values:
        return
    low, high = min(values), max(values)
    near = [limit for limit in panel.limits.values() if _is_near(limit, low, high, logarithmic)]
    low, high = min(low, *near, low), max(high, *near, high)
    if logarithmic:
        ax.set_ylim(low / 1.5, high * 1.8)
    else:
        room = (high - low) * 0.08 or abs(high) * 0.1 or 0.5
        ax.set_ylim(low - room, high + room * 1.5)


def _is_near(limit: float, low: float, high: float, logarithmic: bool) -> bool:
    if logarithmic:
        return low / 3 <= limit <= high * 3
    return low - 0.5 * (high - low) <= limit <= high + 0.5 * (high - low)


def _limits(ax: Axes, panel: ChartPanel, lang: Lang) -> None:
    bottom, top = ax.get_ylim()
    for severity, limit in panel.limits.items():
        if bottom <= limit <= top:
            name = f"{words.LIMIT.of(lang)} {number(limit)}"
            ax.axhline(limit, label=name, linestyle="--", linewidth=1.0, color=colours.LIMITS[severity])


def _healthy(ax: Axes, panel: ChartPanel, lang: Lang) -> None:
    """A bar along the axis, from where to where it is healthy: a ground would hide the incidents."""
    low, high = panel.healthy
    if low is None and high is None:
        return
    bottom, top = ax.get_ylim()
    begin, end = max(bottom, bottom if low is None else low), min(top, top if high is None else high)
    if begin < end:
        style: dict[str, Any] = {"linewidth": 4, "alpha": 0.6, "solid_capstyle": "butt"}
        ax.plot(
            [0, 0],
            [begin, end],
            color=colours.HEALTHY,
            transform=ax.get_yaxis_transform(),
            label=words.RANGE.of(lang),
            **style,
        )


def _legend(ax: Axes, panel: ChartPanel, lang: Lang, most: int | None) -> None:
    """The name, and what its lines are: no more than `most` of them, where somebody says so."""
    handles, labels = ax.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    ax.set_title(_safe(panel.name), fontsize=9, color=colours.INK, loc="left", fontweight="bold")
    if panel.left_out and most is None:
        ax.set_title(
            report_words.MORE_LINES.of(panel.left_out, lang), fontsize=7, color=colours.BASELINE, loc="right"
        )
    if len(once) > 1:
        ax.legend(
            list(once.values())[:most],
            [_safe(label, LONGEST_NAME if most is None else LONGEST_SMALL) for label in once][:most],
            fontsize=6.5 if most is None else 5.5,
            frameon=False,
            labelcolor=colours.INK,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            borderaxespad=0.2,
            handlelength=1.6,
        )


def _bounded(value: float) -> float:
    return min(max(value, -LARGEST), LARGEST)


def _safe(text: str, most: int = LONGEST_NAME) -> str:
    """A name of a stranger, without what XML cannot hold, nor the "_" in front that legends obey."""
    clean = _NO_XML.sub("\ufffd", f" {text}" if text.startswith("_") else text)
    return clean if len(clean) <= most else f"{clean[: most // 2]}…{clean[-(most // 2) :]}"
