"""The reader of queries that the dashboards are held against: it sees every selector, and its words."""

from __future__ import annotations

import pytest

from tests.promql import (
    Matcher,
    filled,
    grouped_labels,
    made_labels,
    metrics_of,
    selectors,
    tokens,
    variables,
)


def test_every_selector_is_found_with_its_matchers_range_and_function() -> None:
    """Selectors are told from functions, keywords and label lists."""
    query = 'sum by (le) (rate(a_total{job=~"$job", x!="{,}"}[$__range:1m] offset 5m)) / on (run) b:c @ end()'
    rated, recorded = selectors(query)
    assert (rated.metric, rated.range, rated.function) == ("a_total", "$__range:1m", "rate")
    assert rated.matchers == (Matcher("job", "=~", "$job"), Matcher("x", "!=", "{,}"))
    assert (recorded.metric, recorded.matchers, recorded.range, recorded.function) == ("b:c", (), "", "")
    assert rated.has("job", "=~", "$job")
    assert not rated.has("job", "=", "$job")


def test_aggregations_are_functions_too() -> None:
    """`sum(a)` takes a as it is, while the second parenthesis of `sum by (x) (a)` has no name before it."""
    assert [one.function for one in selectors("sum(a) + sum by (x) (b) + topk(3, c)")] == ["sum", "", "topk"]


def test_labels_are_told_by_where_they_stand() -> None:
    """Those that a query groups by, and those that it makes."""
    query = 'label_replace(max by (run, stage) (a{b="c"}), "first", "$1", "stage", "(.+)") and on (job) d'
    assert grouped_labels(query) == {"run", "stage", "job"}
    assert made_labels(query) == {"first"}
    assert metrics_of([query]) == {"a", "d"}


def test_variables_are_filled_and_unknown_ones_stay() -> None:
    """Both ways to write one, with a format too; the `$1` of label_replace is none."""
    text = "$run ${run} ${run:raw} $other $1"
    assert filled(text, {"run": "a"}) == "a a a $other $1"
    assert variables(text) == {"run", "other"}


def test_what_is_no_promql_is_said() -> None:
    """The place where reading ends stands in the error."""
    with pytest.raises(ValueError, match="§"):
        tokens("up{§}")
