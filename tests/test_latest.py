"""The last values of a run whose labelled metrics may have so many series and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.analyse.latest import LAYOUTS_KEPT, Latest, caps
from llmtrain_exporter.ingest.normalise import layout_of
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import RowKind, Series, series

MOST = 3
LOSS = series(c.LOSS, ("split", "train"))
KEYS = [series(c.OTHER, ("key", str(number))) for number in range(2 * LAYOUTS_KEPT)]


def put(latest: Latest, *keys: Series, value: float = 1.0) -> None:
    """A row with these series."""
    latest.put(layout_of(RowKind.TRAIN, list(keys)), (value,) * len(keys))


def test_runs_share_what_they_may_have() -> None:
    """Of a metric with labels so many, of keys that nobody knows another number."""
    assert caps(100, MOST)[c.OTHER] == MOST
    assert caps(100, MOST) is caps(100, MOST)


@given(st.lists(st.lists(st.sampled_from(KEYS), unique=True, min_size=1, max_size=4), max_size=60))
def test_the_first_series_are_let_in_and_stay(rows: list[list[Series]]) -> None:
    """However many sets of keys come, and come back; what was too many is counted with each new set."""
    latest, met = Latest(caps(100, MOST)), list[Series]()
    for number, keys in enumerate(rows):
        put(latest, LOSS, *keys, value=float(number))
        for key in keys:
            if key not in met and len(met) < MOST:
                met.append(key)
        assert set(latest.series()) == {LOSS, *met}
        assert all(latest.keeps(key) == (key in met) for key in keys)
    assert (latest.dropped > 0) == any(key not in met for keys in rows for key in keys)


def test_what_is_too_many_stays_out_when_sets_of_keys_are_forgotten() -> None:
    """A run whose every row has another key."""
    latest = Latest(caps(100, MOST))
    for key in KEYS:
        put(latest, key)
    assert list(latest.series()) == KEYS[:MOST]
    assert latest.dropped == len(KEYS) - MOST


@given(st.integers(1, 5), st.lists(st.integers()), st.lists(st.integers()))
def test_the_last_few_are_kept(most: int, first: list[int], rest: list[int]) -> None:
    """Oldest first, those it began with among them."""
    lately = Lately(most, first)
    for value in rest:
        lately.note(value)
    assert lately == [*first, *rest][-most:]
