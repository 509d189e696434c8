"""Quantities as producers write them, in base units."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.ingest import values

HUGE = 10**400

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just(HUGE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (0.5, 0.5),
        (3, 3.0),
        ("8.226e+04", 82260.0),
        ("0", 0.0),
        ("-0.25", -0.25),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        (HUGE, math.inf),
        (-HUGE, -math.inf),
        ("12abc", None),
        ("1_000", None),
        ("", None),
        ("1" * 41, None),
        (True, None),
        (None, None),
        ([1.0], None),
        ({}, None),
    ],
)
def test_a_number_is_what_a_log_means_as_one(written: object, number: float | None) -> None:
    """Numbers, and numbers printed as text; no truth values, no containers, no prose."""
    assert values.number(written) == number


@pytest.mark.parametrize("written", ["nan", "NaN", math.nan])
def test_a_number_can_be_none_of_the_numbers(written: object) -> None:
    """NaN is a value that a trainer logs, not an absent one."""
    assert math.isnan(values.number(written) or 0.0)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("5s", 5.0),
        ("60s", 60.0),
        ("1m 8s", 68.0),
        ("18h 37m 22s", 67042.0),
        ("12d 22h 12m 9s", 1116729.0),
        ("1d 0h 50m 28s", 89428.0),
        ("0:00:26", 26.0),
        ("2:08:37", 7717.0),
        ("1 day, 0:00:26", 86426.0),
        ("3 days, 17:51:32", 323492.0),
        ("0:00:01.5", 1.5),
        (12.5, 12.5),
        (7, 7.0),
        ("12.5", 12.5),
    ],
)
def test_time_strings_of_every_producer_are_seconds(written: object, seconds: float) -> None:
    """ms-swift's words, LLaMA-Factory's timedeltas, and plain numbers."""
    assert values.duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    ["", "s", "soon", "5x 3s", "m s", "0:60", "-1s", "-0s", "1d -30h", "1d -3h", None, True, "9" * 99 + "s"],
)
def test_what_is_no_time_is_none(written: object) -> None:
    """It is left out, as if it was absent."""
    assert values.duration(written) is None


@pytest.mark.parametrize(
    ("read", "written", "base"),
    [
        (values.percent, "1.67%", 1.67 / 100),
        (values.percent, "100.00%", 1.0),
        (values.percent, 8.33, 8.33 / 100),
        (values.percent, 0, 0.0),
        (values.gibibytes, 0.5, 536870912.0),
        (values.gibibytes, "64.38", 64.38 * 2**30),
        (values.gigabytes, "8.104", 8_104_000_000.0),
        (values.gigabytes, 0.001, 1_000_000.0),
        (values.gigabytes, math.inf, math.inf),
        (values.per_second, 0.25, 4.0),
        (values.per_second, "2", 0.5),
        (values.per_second, 0.0, math.inf),
        (values.per_second, math.inf, 0.0),
    ],
)
def test_units_become_base_units(
    read: Callable[[object], float | None], written: object, base: float
) -> None:
    """Percent to ratio, GiB to bytes, steps per second to seconds per step."""
    assert read(written) == base


@pytest.mark.parametrize(
    ("written", "position"),
    [
        ("45/150", (45, 150)),
        ("0/1", (0, 1)),
        (" 45 / 150 ", (45, 150)),
        ("45", (45, None)),
        (45, (45, None)),
        ("/150", (None, 150)),
        ("x/y", (None, None)),
        ("-1/-1", (None, None)),
        ("nan/inf", (None, None)),
        ("9007199254740991/9007199254740992", (2**53 - 1, None)),
        ("9" * 30 + "/" + "9" * 9, (None, 999_999_999)),
        ("1/" + "9" * 99, (None, None)),
        (None, (None, None)),
    ],
)
def test_a_position_is_a_step_and_the_planned_steps(
    written: object, position: tuple[int | None, int | None]
) -> None:
    """As in "45/150"; a step that no float can hold exactly is none."""
    assert values.fraction(written) == position


@pytest.mark.parametrize(
    ("written", "step"),
    [
        (10, 10),
        (10.0, 10),
        ("10", 10),
        (0, 0),
        (-1, None),
        (math.nan, None),
        (2**53, None),
        (HUGE, None),
        (True, None),
    ],
)
def test_a_step_is_a_whole_number(written: object, step: int | None) -> None:
    """Negative, infinite and enormous ones are none."""
    assert values.count(written) == step


@given(json_values)
def test_no_value_makes_a_reader_fail(written: object) -> None:
    """Each reader gives a float or None, whatever JSON can hold."""
    for read in values.READERS.values():
        assert type(read(written)) in (float, type(None))
    for step in (values.count(written), *values.fraction(written)):
        assert step is None or (type(step) is int and 0 <= step < 2**53)


@given(st.integers(0, 10**8))
def test_the_words_of_a_duration_add_up(seconds: int) -> None:
    """Any duration written in days, hours, minutes and seconds is read as what it was."""
    minutes, s = divmod(seconds, 60)
    hours, m = divmod(minutes, 60)
    d, h = divmod(hours, 24)
    assert values.duration(f"{d}d {h}h {m}m {s}s") == seconds
    assert values.duration(f"{d} days, {h}:{m:02}:{s:02}") == seconds
