"""A run's own normal."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.baseline import Ring, level_of
from llmtrain_exporter.knowledge.own_level import MATURE, WINDOW, YOUNG

VALUES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=3 * WINDOW)


def test_too_few_values_make_no_level() -> None:
    """Below five values there is no baseline, and absent ones do not count."""
    assert level_of([1.0] * (YOUNG - 1) + [math.nan] * 50) is None
    assert level_of([1.0] * YOUNG) is not None


@given(VALUES)
def test_a_ring_remembers_the_last_values_in_their_order(values: list[float]) -> None:
    """The last WINDOW rows are there, whatever was written before, and `recent` tells them oldest first."""
    ring = Ring(2)
    for value in values:
        ring.put((value, -value))
    kept = values[-WINDOW:]
    assert ring.recent(0, WINDOW) == kept
    assert ring.recent(1, 7) == [-value for value in kept[-7:]]
    assert sorted(value for value in ring.column(0) if value == value) == sorted(kept)


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


@given(st.lists(st.floats(0.5, 2.0), min_size=MATURE, max_size=WINDOW))
def test_one_outlier_hardly_moves_a_level(values: list[float]) -> None:
    """A single value, however large, leaves the median within the range of the others."""
    level = level_of([*values, 1e9])
    assert level is not None
    assert min(values) <= level.median <= max(values)
    assert level.top <= max(values)


def test_limits_are_twice_as_wide_while_a_baseline_is_young() -> None:
    """From five values to twenty a level asks for caution."""
    young, mature = level_of([1.0] * (MATURE - 1)), level_of([1.0] * MATURE)
    assert young is not None
    assert mature is not None
    assert (young.caution, mature.caution) == (2, 1)


def test_a_constant_metric_has_the_least_spread_it_is_given() -> None:
    """Without a floor a tiny change of a constant would be infinitely far out."""
    level = level_of([2.0] * WINDOW)
    assert level is not None
    assert level.score(2.1, 0.1) == (2.1 - 2.0) / 0.1
    assert level.log_score(2.0, 0.05) == 0.0
