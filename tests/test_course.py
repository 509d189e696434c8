"""How a run went, in as many points as are kept, however long it is."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.course import CourseKeeper
from llmtrain_exporter.ingest.normalise import layout_of
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.evidence_limits import COURSE_POINTS
from llmtrain_exporter.model import Point, RowKind, series

TRAIN = ("split", "train")
LOSS = series(c.LOSS, TRAIN)
LONGEST = series(c.COMPLETION_LENGTH, ("stat", "max"), TRAIN)
SHORTEST = series(c.COMPLETION_LENGTH, ("stat", "min"), TRAIN)
LAYOUT = layout_of(RowKind.TRAIN, [LOSS, LONGEST, SHORTEST])
VALUES = st.floats(-1e6, 1e6, width=32)


def kept(values: list[float]) -> CourseKeeper:
    """The course of a run whose loss and longest answer have these values."""
    keeper = CourseKeeper()
    for step, value in enumerate(values, 1):
        keeper.put(step, LAYOUT, (value, value, value))
    return keeper


def test_a_short_run_is_kept_record_by_record() -> None:
    """Each at its own step."""
    assert kept([3.0, 1.0, 2.0]).courses().of(LOSS) == [Point(1, 3.0), Point(2, 1.0), Point(3, 2.0)]


@given(st.lists(VALUES, min_size=1, max_size=2000))
def test_a_long_run_is_kept_in_no_more_points_than_there_may_be(values: list[float]) -> None:
    """From its first record on, each at its own step and with its own value, evenly spaced."""
    points = kept(values).courses().of(LOSS)
    assert len(points) < COURSE_POINTS
    assert len(points) >= min(len(values), COURSE_POINTS // 2)
    assert points[0].step == 1
    assert all(point.value == values[point.step - 1] for point in points)
    apart = {later.step - earlier.step for earlier, later in pairwise(points)}
    assert len(apart) <= 1
    assert not apart or len(values) - points[-1].step < max(apart)


def test_steps_of_any_size_stay_what_they_are() -> None:
    """Small ones are held in 32 bits until one is no longer small."""
    keeper, steps = CourseKeeper(), [1, 2**31 - 1, 2**31, 2**40]
    for step in steps:
        keeper.put(step, LAYOUT, (1.0, 1.0, 1.0))
    assert [point.step for point in keeper.courses().of(LOSS)] == steps


def test_what_is_not_finite_is_left_out() -> None:
    """A point of such values alone is none."""
    courses = kept([1.0, math.nan, math.inf, 4.0]).courses()
    assert courses.of(LOSS) == [Point(1, 1.0), Point(4, 4.0)]


def test_what_32_bits_cannot_hold_is_left_out() -> None:
    """No trainer means such a number, and none may stop the analysis."""
    assert kept([1e308, 1.0, -1e308]).courses().of(LOSS) == [Point(2, 1.0)]


def test_only_what_a_diagnosis_asks_for_is_kept() -> None:
    """The shortest answer is not."""
    assert kept([1.0]).courses().of(SHORTEST) == []


def test_a_course_does_not_change_after_it_was_taken() -> None:
    """Whoever holds a snapshot reads it while the run goes on."""
    keeper = kept([1.0, 2.0])
    courses = keeper.courses()
    keeper.put(3, LAYOUT, (9.0, 9.0, 9.0))
    assert courses.of(LOSS) == [Point(1, 1.0), Point(2, 2.0)]


def test_a_series_that_comes_later_has_no_value_before() -> None:
    """And one that ends has none after."""
    keeper = CourseKeeper()
    first, second = layout_of(RowKind.TRAIN, [LOSS]), layout_of(RowKind.TRAIN, [LONGEST])
    keeper.put(1, first, (1.0,))
    keeper.put(2, second, (5.0,))
    assert keeper.courses().of(LONGEST) == [Point(2, 5.0)]
    assert keeper.courses().of(LOSS) == [Point(1, 1.0)]


def test_a_course_that_was_taken_outlasts_new_columns_and_thinning() -> None:
    """The arrays that it reads are added to, or left behind, and never changed."""
    keeper = CourseKeeper()
    first, second = layout_of(RowKind.TRAIN, [LOSS]), layout_of(RowKind.TRAIN, [LONGEST, LOSS])
    keeper.put(1, first, (1.0,))
    taken = keeper.courses()
    for step in range(2, 3 * COURSE_POINTS):
        keeper.put(step, second, (5.0, 2.0))
    assert (taken.of(LOSS), taken.of(LONGEST)) == ([Point(1, 1.0)], [])
    assert keeper.courses().of(LOSS)[0] == Point(1, 1.0)
    assert keeper.courses().of(LONGEST)[-1].value == 5.0
