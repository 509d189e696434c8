"""Whether two logs show the rows of one training: the same at each step, or the same one after the other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from llmtrain_exporter.knowledge.catalogue.optimisation import LEARNING_RATE
from llmtrain_exporter.model import Series

TELLING_VALUES = 2
"""Values of a row that are the same and no zeros; the learning rate alone is that of many trainings."""

TELLING_ROWS = 2  # as many, or all that there are, show that it is the same training

PLAIN_VALUES = 3
"""Telling values of a single row that no other one has."""

FEW_VALUES = 6
"""Values of all rows that show it too, where each row has a single one."""

DIGITS, PRECISE = 1e-3, 1e-6
"""Relative difference of a value that is the same: some print four digits of what others log whole.

Where both logs have more digits than that it is the difference of a number of 32 bits.
"""

DECIMAL = 1e-3
"""The coarsest to which values are rounded, whatever their size; others are to eight decimals."""

MOST_STARTS, MOST_SKIPPED = 16, 256
"""Places where one log may begin in the other, and rows of one that the other may lack there."""


class TrainingRow(NamedTuple):
    """A row by what tells it from others: clocks and speeds do not."""

    step: int | None  # as it states it
    values: Mapping[Series, float]


class Agreement(Enum):
    """What the rows of two logs say."""

    SAME = "same"  # all that both have
    DIFFERENT = "different"  # some that both have are not the same
    APART = "apart"  # there are none that both have
    UNSURE = "unsure"  # they begin alike, and how they go on was not read


def agreement(some: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> Agreement:
    """Of two parts of logs, each without a gap: by steps where both state them, else by their order."""
    if all(row.step is not None for row in (*some, *others)):
        return _by_steps(some, others)
    return _by_order(some, others)


def last_stands_in(rows: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> bool:
    """Whether the last of some rows is among others: by what it says, or with the one before it."""
    return _stand_in(rows[-1:], others, PLAIN_VALUES) or _stand_in(rows[-2:], others, TELLING_VALUES)


def first_stands_in(rows: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> bool:
    """Whether the first of some rows is among others: by what it says, or with the next one."""
    return _stand_in(rows[:1], others, PLAIN_VALUES) or _stand_in(rows[:2], others, TELLING_VALUES)


def _stand_in(rows: Sequence[TrainingRow], others: Sequence[TrainingRow], values: int) -> bool:
    """Whether rows that follow each other do so among others, with as many telling values or more."""
    for place in range(len(others) - len(rows) + 1) if rows else ():
        found = [_alike(row, others[place + at]) for at, row in enumerate(rows)]
        if min(found) >= 0 and sum(found) >= values:
            return True
    return False


def stands_by_step(rows: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> bool:
    """Whether the last of some rows is among others, or these went further without it; all state steps."""
    last = max(row.step or 0 for row in rows)
    at_step = [row for row in others if row.step == last]
    if not at_step:
        return max(row.step or 0 for row in others) > last
    return any(_alike(row, other) >= 0 for row in rows if row.step == last for other in at_step)


def _by_steps(some: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> Agreement:
    """What has several rows, after a restart or because more was logged, is the same if one of them is."""
    here, there = _of_each_step(some), _of_each_step(others)
    found = []
    for step in here.keys() & there:
        telling = max(_alike(row, other) for row in here[step] for other in there[step])
        if telling < 0:
            return Agreement.DIFFERENT
        found.append(telling)
    return Agreement.SAME if _shows(found, min(len(some), len(others))) else Agreement.APART


def _of_each_step(rows: Sequence[TrainingRow]) -> Mapping[int | None, Sequence[TrainingRow]]:
    found: dict[int | None, list[TrainingRow]] = defaultdict(list)
    for row in rows:
        found[row.step].append(row)
    return found


def _by_order(some: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> Agreement:
    """One of them begins somewhere in the other; either may lack rows in between."""
    parted = False
    for start, beside in _starts(some, others):
        found = list(_in_step(some[start:], others[beside:]))
        if found[-1] >= 0 and _shows(found, min(len(some), len(others))):
            return Agreement.SAME
        parted |= sum(telling >= TELLING_VALUES for telling in found) > TELLING_ROWS
    begun = bool(some and others) and _alike(some[0], others[0]) >= TELLING_VALUES
    return Agreement.DIFFERENT if parted or begun else Agreement.APART


def _starts(some: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> Iterator[tuple[int, int]]:
    if not (some and others):
        return
    found = 0
    in_others = ((0, at) for at, row in enumerate(others) if _alike(some[0], row) >= TELLING_VALUES)
    in_some = ((at, 0) for at, row in enumerate(some) if at and _alike(row, others[0]) >= TELLING_VALUES)
    for places in (in_others, in_some):
        for place in places:
            yield place
            found += 1
            if found == MOST_STARTS:
                return


def _in_step(some: Sequence[TrainingRow], others: Sequence[TrainingRow]) -> Iterator[int]:
    """How many telling values pairs of rows share, as far as both go; -1 at last where they part."""
    at = beside = 0
    while at < len(some) and beside < len(others):
        telling = _alike(some[at], others[beside])
        if telling < 0:
            skipped = _skipped(some, at, others, beside)
            if skipped is None:
                yield -1
                return
            at, beside = skipped
            continue
        yield telling
        at, beside = at + 1, beside + 1


def _skipped(
    some: Sequence[TrainingRow], at: int, others: Sequence[TrainingRow], beside: int
) -> tuple[int, int] | None:
    """Where both go on together, if one of them only has rows more; a row or two may be so by chance."""
    for more in range(1, MOST_SKIPPED):
        for here, there in ((at + more, beside), (at, beside + more)):
            ahead = list(zip(some[here : here + 3], others[there : there + 3], strict=False))
            if ahead and all(_alike(*pair) >= TELLING_VALUES for pair in ahead):
                return here, there
    return None


def _shows(found: Sequence[int], rows: int) -> bool:
    """Whether pairs of rows with so many telling values show one training.

    `rows`: of the shorter log, of which the last may be half a row.
    """
    whole = sum(telling >= TELLING_VALUES for telling in found)
    return whole >= min(TELLING_ROWS, max(rows - 1, 1)) or sum(found) >= FEW_VALUES


def _alike(one: TrainingRow, other: TrainingRow) -> int:
    """How many telling values two rows share, all that both have being the same; -1: one is not."""
    names = one.values.keys() & other.values.keys()
    telling = 0
    for name in names:
        here, there = one.values[name], other.values[name]
        if not _is_same(here, there):
            return -1
        telling += here != 0 and there != 0 and math.isfinite(here)
    only_planned = telling == 1 and any(name.metric is LEARNING_RATE for name in names)
    return 0 if only_planned else telling


def _is_same(one: float, other: float) -> bool:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    if not (math.isfinite(one) and math.isfinite(other)):
        return False
    apart, size = abs(one - other), max(abs(one), abs(other))
    if apart > max(DIGITS * size, DECIMAL):
        return False  # most values are, and what follows takes longer
    unit = max(_unit(one), _unit(other))
    rounded = max(min(DIGITS * size, unit), 0.51 * min(unit, DECIMAL))
    return apart <= max(PRECISE * size, rounded)


def _unit(value: float) -> float:
    """What the last digit of a value stands for; of a whole number that is not known."""
    return math.inf if value.is_integer() else 10.0 ** int(Decimal(repr(value)).as_tuple().exponent)
