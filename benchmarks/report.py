"""What a benchmark found, and how it is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import Enum

Cells = tuple[str, ...]
Figure = tuple[str, float]
Compared = tuple[str, float | None, "Target | None"]
"""Contestant, figure (None: not installed here) and target of the ratio."""

HEAD: Cells = ("", "figure", "unit", "ratio", "target", "result")
NUMERIC = ("figure", "ratio")


class Verdict(str, Enum):
    """What became of a target."""

    NONE = ""
    PASS = "pass"
    FAIL = "FAIL"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a row's ratio, or on its figure where it has no ratio."""

    bound: float
    at_most: bool = False

    def met(self, value: float) -> bool:
        """Whether a value keeps to it."""
        return value <= self.bound if self.at_most else value >= self.bound

    def __str__(self) -> str:
        return f"at {'most' if self.at_most else 'least'} {number(self.bound)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `figure` None: the contestant is not installed here."""

    who: str
    figure: float | None
    unit: str
    ratio: float | None = None
    target: Target | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether the target was met."""
        if self.figure is None:
            return Verdict.MISSING
        if self.target is None:
            return Verdict.NONE
        met = self.target.met(self.figure if self.ratio is None else self.ratio)
        return Verdict.PASS if met else Verdict.FAIL

    def cells(self) -> Cells:
        """The row as text, below HEAD."""
        figure = "-" if self.figure is None else number(self.figure)
        ratio = "" if self.ratio is None else number(self.ratio) + "x"
        return self.who, figure, self.unit, ratio, str(self.target or ""), self.verdict.value


@dataclass(frozen=True, slots=True)
class Table:
    """One question and its answer. The ratio of a row says how many times better than that row ours is."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def failed(self, require_real: bool) -> bool:
        """Whether a target was missed; where everything must be there, a missing contestant counts too."""
        bad = {Verdict.FAIL, Verdict.MISSING} if require_real else {Verdict.FAIL}
        return any(row.verdict in bad for row in self.rows)

    def text(self) -> str:
        """The table for a terminal."""
        lines = [HEAD, *(row.cells() for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
        pads = [str.rjust if name in NUMERIC else str.ljust for name in HEAD]
        shown = [
            "  ".join(pad(cell, width) for pad, cell, width in zip(pads, line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *shown, *self.notes])

    def markdown(self) -> str:
        """The table for the README."""
        rule = tuple("---:" if name in NUMERIC else "---" for name in HEAD)
        lines = [HEAD, rule, *(row.cells() for row in self.rows)]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return "\n\n".join([f"**{self.title}**", table, *self.notes])


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found; `trouble` says why it found nothing."""

    name: str
    tables: tuple[Table, ...]
    trouble: str = ""

    def failed(self, require_real: bool) -> bool:
        """Whether it counts against the exit code."""
        return bool(self.trouble) or any(table.failed(require_real) for table in self.tables)

    def text(self) -> str:
        """All of it, for a terminal."""
        if self.trouble:
            return f"{self.name}: could not be measured: {self.trouble}\n"
        return "\n\n".join(f"{self.name}: {table.text()}" for table in self.tables) + "\n"

    def json(self) -> dict[str, object]:
        """All of it, for a program; `verdict` and `target` of a row as text."""
        tables = [
            {"title": table.title, "rows": [_plain(row) for row in table.rows], "notes": list(table.notes)}
            for table in self.tables
        ]
        return {"name": self.name, "tables": tables, "trouble": self.trouble}


def _plain(row: Row) -> dict[str, object]:
    return {**asdict(row), "target": str(row.target or ""), "verdict": row.verdict.value}


def rates(unit: str, ours: Figure, others: Iterable[Compared]) -> tuple[Row, ...]:
    """Our row and those of others, of figures of which more is better."""
    return Row(*ours, unit), *_others(unit, ours[1], others, ratio)


def costs(
    unit: str, ours: Figure, others: Iterable[Compared], limit: Target | None = None
) -> tuple[Row, ...]:
    """Our row and those of others, of figures of which less is better; `limit`: the target of our figure."""
    compared = _others(unit, ours[1], others, lambda mine, other: ratio(other, mine))
    return Row(*ours, unit, target=limit), *compared


def _others(
    unit: str, mine: float, others: Iterable[Compared], better: Callable[[float, float], float]
) -> Iterator[Row]:
    for who, figure, target in others:
        yield Row(who, figure, unit, None if figure is None else better(mine, figure), target)


def ratio(one: float, other: float) -> float:
    """One over the other; infinite over a figure that was too small to measure."""
    return one / other if other else math.inf


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value == 0 or not abs(value) < float("inf"):
        return f"{value:g}"
    if abs(value) >= 100:
        return f"{round(value, 2 - len(str(int(abs(value)))) + 1):,.0f}"
    return f"{value:.3g}"


def fill_in(readme: str, results: Iterable[Result], where: str) -> str:
    """The README's text with the sections of these benchmarks written anew; `where`: what they ran on."""
    for result in results:
        begin, end = f"<!-- {result.name} -->\n", f"<!-- /{result.name} -->"
        if begin in readme:
            before, _, rest = readme.partition(begin)
            readme = before + begin + _section(result, where) + end + rest.partition(end)[2]
    return readme


def _section(result: Result, where: str) -> str:
    if result.trouble:
        return f"Could not be measured: {result.trouble}\n"
    return "\n\n".join([where, *(table.markdown() for table in result.tables)]) + "\n"
