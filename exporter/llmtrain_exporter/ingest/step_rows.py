"""Numbers that are logged one by one, or in parts, to whole rows: all of one step together."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from llmtrain_exporter.ingest.phases import is_evaluation

SETTLING_SECONDS = 3.0
"""A row that has all that those before it had is whole when nothing came for so long."""

FLUSHING_SECONDS = 150.0
"""So long a part of a row may wait in its writer: SummaryWriter flushes every 120 seconds."""

MOST_NAMES = 1 << 14
"""In one row, or known of a log at a time; more only come from hostile or broken logs."""


@dataclass(slots=True)
class StepRow:
    """What was logged at a step so far."""

    step: int
    cells: dict[str, float] = field(default_factory=dict)
    began: float = math.nan  # Unix time at which the first of it was logged
    ended: float = math.nan  # and the last
    goes_back: bool = False  # what is in it had been logged at a later step before


class StepRows:
    """The rows of one log whose steps are not whole yet.

    A row ends where its step is left, where a number of it comes again, or in silence: `wait`.
    """

    def __init__(self, again: Collection[str] = (), ahead: int = 0, needs: Collection[str] = ()) -> None:
        """`again`: names that each part of a row repeats.

        `ahead`: steps that one process may be ahead of another in a log of both: a row is not left before it
        has what it `needs`, or is so far behind.
        """
        self._again = frozenset(again)
        self._ahead = ahead
        self._needs = frozenset(needs)
        self._open: dict[int, StepRow] = {}  # by step, in the order in which they began
        self._last: dict[str, int] = {}  # the step at which each name was logged last
        self._usual: frozenset[str] = frozenset()  # names that the last two rows of a kind shared
        self._before: frozenset[str] = frozenset()

    def add(self, step: int, cells: Mapping[str, float], time: float) -> Sequence[StepRow]:
        """Take some numbers of a step in; the rows that end with that. `time`: Unix time."""
        row = self._open.get(step)
        back = row is None and any(self._last.get(name, step) > step for name in cells)
        if len(self._last) > MOST_NAMES:
            self._last.clear()
        for name in cells:
            self._last[name] = step
        if row is not None and self._belongs(row, cells):
            row.cells.update(cells)
            row.ended = time
            return self._left_for(step) if self._ahead else ()
        ended = self.end() if row is not None or back else self._left_for(step)
        self._open[step] = StepRow(step, dict(cells), time, time, back)
        return ended

    def end(self) -> Sequence[StepRow]:
        """All rows, as they are."""
        return self._close(list(self._open))

    def settle(self) -> Sequence[StepRow]:
        """The rows of which no more is to come, after the silence that was to be waited for."""
        return self._close(
            [step for step, row in self._open.items() if not self._ahead or self._has_all(row)]
        )

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which no more is to come of what is open; None: nothing is, or it may."""
        rows = self._open.values()
        if self._ahead:
            return SETTLING_SECONDS if any(map(self._has_all, rows)) else None
        if not rows:
            return None
        return FLUSHING_SECONDS if any(map(self._is_torn, rows)) else SETTLING_SECONDS

    def _left_for(self, step: int) -> Sequence[StepRow]:
        """The other rows that end when this step goes on."""
        others = [other for other in self._open if other != step]
        late = others[: max(len(others) - self._ahead, 0)]
        return self._close(sorted({*late, *(other for other in others if self._has_all(self._open[other]))}))

    def _belongs(self, row: StepRow, cells: Mapping[str, float]) -> bool:
        return len(row.cells) < MOST_NAMES and self._again.issuperset(row.cells.keys() & cells.keys())

    def _has_all(self, row: StepRow) -> bool:
        """Whether a row has what it needs; an evaluation needs nothing of that."""
        return self._needs <= row.cells.keys() or all(map(is_evaluation, row.cells))

    def _is_torn(self, row: StepRow) -> bool:
        """Whether a row has some of what is usual and not all of it; an evaluation has nothing of that."""
        there = self._usual & row.cells.keys()
        return 0 < len(there) < len(self._usual)

    def _close(self, steps: Iterable[int]) -> Sequence[StepRow]:
        rows = [self._open.pop(step) for step in steps]
        for row in rows:
            names = frozenset(row.cells) - self._again
            self._usual = self._before & names or self._usual
            self._before = names
        return rows
