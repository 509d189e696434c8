"""The last rows of a run."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.window import MovingWindow, Ring, Window
from llmtrain_exporter.knowledge.own_level import WINDOW

VALUES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=3 * WINDOW)
CELLS = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan))


@given(VALUES)
def test_a_ring_remembers_the_last_values_in_their_order(values: list[float]) -> None:
    """The last WINDOW rows are there, whatever was written before, and `recent` tells them oldest first."""
    ring = Ring(2)
    for value in values:
        ring.put((value, -value))
    kept = values[-WINDOW:]
    assert ring.recent(0, WINDOW) == kept
    assert ring.recent(1, 7) == [-value for value in kept[-7:]]
    assert ring.column(0) == kept


@given(VALUES)
def test_a_wider_ring_still_knows_the_old_columns(values: list[float]) -> None:
    """A metric that appears late gets a column; the others keep theirs."""
    ring = Ring(1)
    for value in values:
        ring.put((value,))
    wide = ring.widened(3)
    wide.put((7.0, 8.0, 9.0))
    assert wide.recent(0, WINDOW) == [*values, 7.0][-WINDOW:]
    assert wide.recent(2, WINDOW) == [9.0]


def full_ring(values: list[float], more: int) -> Ring:
    """One with two columns and as many rows as it keeps, the first of which may stand anywhere."""
    ring = Ring(2)
    for value in (values * WINDOW)[: WINDOW + more]:
        ring.put((value, -value))
    return ring


def told(window: Window) -> str:
    """All that can be asked of a window; as text, since NaN is not equal to itself."""
    counts = (1, 7, 16, WINDOW, WINDOW + 20)
    return repr(
        [
            *([window.recent(1, count), window.mean(1, count)] for count in counts),
            *(window.pairs(0, 1, count) for count in counts),
            window.column(1),
        ]
    )


@given(
    st.lists(CELLS, min_size=1, max_size=40),
    st.integers(0, WINDOW),
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=3 * WINDOW),
    st.lists(st.integers(0, 3 * WINDOW), max_size=3),
)
def test_a_window_that_moves_over_rows_is_a_ring_that_takes_them_in(
    values: list[float], more: int, rows: list[tuple[float, float]], stops: list[int]
) -> None:
    """At each stop on its way, and when it has come to rest."""
    ring, one_by_one = full_ring(values, more), full_ring(values, more)
    window = MovingWindow(ring, list(zip(*rows, strict=True)))
    for begin, end in pairwise([0, *sorted(min(stop, len(rows)) for stop in stops)]):
        for row in rows[begin:end]:
            one_by_one.put(row)
        window.passed = end
        assert told(window) == told(one_by_one)
    assert told(window.rest()) == told(one_by_one)
    for kept in (ring, one_by_one):
        kept.put((1.0, 2.0))
    assert told(ring) == told(one_by_one)
