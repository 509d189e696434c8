"""How a run went, in as many points as are kept, however long it is."""

from __future__ import annotations

import math

import pytest
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
def test_a_long_run_keeps_its_mean_and_its_largest_value(values: list[float]) -> None:
    """In no more points than there may be."""
    courses = kept(values).courses()
    losses, longest = courses.of(LOSS), courses.of(LONGEST)
    assert len(losses) <= COURSE_POINTS
    assert max(point.value for point in longest) == max(values)
    assert [point.step for point in losses] == sorted({point.step for point in losses})
    assert losses[0].step == 1
    assert min(values) <= min(point.value for point in losses)
    assert max(point.value for point in losses) <= max(values)


@pytest.mark.parametrize("count", [COURSE_POINTS * 4, COURSE_POINTS * 64])
def test_points_of_a_whole_run_stand_for_as_many_records_each(count: int) -> None:
    """So that the mean of the points is that of the run."""
    values = [float(at % 7) for at in range(count)]
    points = kept(values).courses().of(LOSS)
    assert sum(point.value for point in points) / len(points) == pytest.approx(sum(values) / count, rel=1e-3)


def test_what_is_not_finite_is_left_out() -> None:
    """A point of such values alone is none."""
    courses = kept([1.0, math.nan, math.inf, 4.0]).courses()
    assert courses.of(LOSS) == [Point(1, 1.0), Point(4, 4.0)]


def test_what_32_bits_cannot_hold_is_as_much_as_they_can() -> None:
    """No trainer means such a number, and none may stop the analysis."""
    assert [point.value > 1e38 for point in kept([1e308, 1.0]).courses().of(LOSS)] == [True, False]


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
