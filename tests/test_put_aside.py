"""What is kept of runs that are over takes little, and is what it was when somebody wants it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.ingest.discover import SearchMemory, SearchOptions, discover
from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series, series
from llmtrain_exporter.serve.listed_metrics import LISTED, kept_values, listed_metrics
from llmtrain_exporter.watching.predecessor import Predecessor, put_aside, taken_up

from tests.training import append, swift

KEYS = [series(c.RESUMES), series(c.STEP), series(c.LOSS, ("split", "train"))]
COUNTS = st.dictionaries(st.sampled_from(KEYS), st.floats(allow_nan=False, allow_infinity=False))


@given(COUNTS, COUNTS, st.none() | st.integers(0, 1 << 40))
def test_what_was_counted_of_a_run_is_taken_up_as_it_was_put_aside(
    counters: dict[Series, float], carried: dict[Series, float], step: int | None
) -> None:
    """Two runs with the same counters of other values, or the other way round, are told apart."""
    before = Predecessor(counters, carried, 12, 10, 0, step, Fingerprint())
    found = taken_up(put_aside(before))
    assert found == before
    assert found.fingerprint is before.fingerprint


@given(st.dictionaries(st.sampled_from(list(LISTED)), st.floats(allow_nan=False)))
def test_last_values_are_listed_by_their_names(values: dict[str, float]) -> None:
    """Those that a run has, and no others."""
    assert listed_metrics(kept_values({LISTED[name]: value for name, value in values.items()})) == values


@pytest.mark.parametrize("name", LISTED)
def test_a_last_value_that_is_no_number_is_one_that_is_there(name: str) -> None:
    """The list shows NaN for it, and nothing where there is none."""
    [(listed, value)] = listed_metrics(kept_values({LISTED[name]: math.nan})).items()
    assert listed == name
    assert math.isnan(value)


def test_a_search_holds_the_texts_of_the_one_before(tmp_path: Path) -> None:
    """Of a log that it meets again, and a name only where that is the same."""
    append(tmp_path / "run" / "logging.jsonl", swift(1))
    options = SearchOptions(ignore_older=None)
    memory = SearchMemory(options)
    [found] = discover([str(tmp_path)], options, 0.0, memory=memory).found
    path, name = memory.texts(str(tmp_path / "run" / "logging.jsonl"), "".join("run"))
    assert path is found.path
    assert name is found.run
    assert memory.texts(found.path, "other") == (found.path, "other")
    assert memory.texts("/elsewhere", "run") == ("/elsewhere", "run")
