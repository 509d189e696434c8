"""The history of a run: every value in its place, and thinning that loses nothing that stands out."""

from __future__ import annotations

import json
import math
import os
import struct
import time
import tracemalloc
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import NoRun, RowKind, series
from llmtrain_exporter.publish import demo
from llmtrain_exporter.watching.history import columns
from llmtrain_exporter.watching.history.columns import History
from llmtrain_exporter.watching.history.document import history_object
from llmtrain_exporter.watching.history.packed import LOOSE_ROWS, PACKED_ROWS, PackedColumn
from llmtrain_exporter.watching.history.recorded import RecordedLog, history
from llmtrain_exporter.watching.history.thin import peaks, stretches, thin

from tests.training import append, llamafactory, swift, swift_eval

NOW = 1_800_000_000.0
LOSS = series(c.LOSS, ("split", "train"))
EVAL_LOSS = series(c.LOSS, ("split", "eval"))
GRAD_NORM = series(c.GRAD_NORM)


def read(path: Path, **options: Any) -> History:
    """The history of the one run below a path."""
    told = history(found_in(path), RunOptions(**options), Readers(None), NOW)
    assert isinstance(told, History)
    return told


def row(step: int, **more: Any) -> str:
    """A training row with what is given, and a loss unless that says otherwise."""
    return swift(step, **{"loss": 1.0, "grad_norm": 1.0, **more})


def one(told: dict[str, Any], name: str) -> dict[str, Any]:
    """A series of a history object by its name."""
    (found,) = [each for each in told["series"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def found_in(path: Path) -> discover.Found:
    """The one run below a path."""
    (found,) = discover.discover([str(path)], discover.SearchOptions(ignore_older=None), NOW).found
    return found


# Reading on


def test_a_log_that_is_read_on_is_as_if_read_at_once(tmp_path: Path) -> None:
    """However it grows, with resumes, evaluations, keys that come and go, and lines that are half there."""
    path = append(tmp_path / "run" / "logging.jsonl", row(1))
    log = RecordedLog(found_in(path), RunOptions(), Readers(None))
    for step in range(2, 400):
        at = step if step < 300 else step - 150
        lines = [row(at, loss=50.0 if at % 90 == 0 else 1 / at, **({"kl": 0.1} if at % 7 else {}))]
        if at % 50 == 0:
            lines.append(swift_eval(at))
        text = "\n".join(lines)
        with path.open("a") as file:
            file.write(text[:10])
            file.flush()
            if step % 40 == 0:
                log.history(NOW, float(step))
            file.write(text[10:] + "\n")
        if step % 25 == 0:
            told = log.history(NOW, step + 0.5)
            assert isinstance(told, History)
            assert history_object(told) == history_object(read(path))


def test_a_log_that_is_rewritten_begins_anew(tmp_path: Path) -> None:
    """Cut short, or replaced by another file: nothing of what stood there before is left, nor comes twice."""
    path = append(tmp_path / "run" / "logging.jsonl", *(row(step) for step in range(1, 30)))
    log = RecordedLog(found_in(path), RunOptions(), Readers(None))
    log.history(NOW, 0.0)
    path.write_text("".join(f"{row(step)}\n" for step in (7, 8)))
    cut = log.history(NOW, 1.0)
    assert isinstance(cut, History)
    assert (list(cut.train.steps), cut.run.resumes, cut.run.records[RowKind.TRAIN]) == ([7, 8], (), 2)
    path.unlink()
    append(path, *(row(step) for step in range(100, 150)))
    replaced = log.history(NOW, 2.0)
    assert isinstance(replaced, History)
    assert (replaced.train.steps[0], len(replaced.train), replaced.run.resumes) == (100, 50, ())


def test_a_log_that_is_cut_while_it_is_read_is_not_read_twice(tmp_path: Path) -> None:
    """Nobody stops a trainer from beginning its log anew between two looks at it."""
    path = append(tmp_path / "run" / "logging.jsonl", *(row(step) for step in range(1, 5000)))

    def cut(_: int) -> None:
        path.write_text(f"{row(1)}\n")

    told = history(found_in(path), RunOptions(), Readers(None), NOW, cut)
    assert isinstance(told, History)
    assert (list(told.train.steps), told.run.resumes) == ([1], ())


def test_nothing_stays_open_between_two_looks(tmp_path: Path) -> None:
    """A history that is kept costs no descriptor."""
    path = append(tmp_path / "run" / "logging.jsonl", row(1))
    log = RecordedLog(found_in(path), RunOptions(), Readers(None))
    before = len(os.listdir("/proc/self/fd"))
    log.history(NOW, 0.0)
    assert len(os.listdir("/proc/self/fd")) == before


def test_keys_that_the_run_leaves_out_take_no_room(tmp_path: Path) -> None:
    """A log that names each of its keys once, thousands of them, would be a table that is all but empty."""
    rows = (row(step, **{f"key{step}": 1.0}) for step in range(1, 1500))
    log = RecordedLog(
        found_in(append(tmp_path / "run" / "logging.jsonl", *rows)), RunOptions(), Readers(None)
    )
    told = log.history(NOW, 0.0)
    assert isinstance(told, History)
    assert sum(each.metric is c.OTHER for each in told.train.columns) == RunOptions().max_other_keys
    assert len(log.recorder._train._columns) == len(told.train.columns)


# Columns


def test_every_value_of_a_log_is_in_its_column(tmp_path: Path) -> None:
    """What the log says of each step, in its order."""
    log = append(tmp_path / "run" / "logging.jsonl", *(swift(step) for step in range(1, 2500)))
    told = read(log)
    assert list(told.train.steps) == list(range(1, 2500))
    assert list(told.train.columns[LOSS]) == [1 / step for step in range(1, 2500)]
    assert list(told.train.columns[GRAD_NORM]) == [step / 8 for step in range(1, 2500)]
    assert told.run.records[RowKind.TRAIN] == len(told.train) == 2499


def test_a_key_that_a_row_lacks_is_no_value(tmp_path: Path) -> None:
    """Wherever it comes and goes; what the log itself calls NaN is told apart."""
    rows = [row(1), row(2, kl=0.5), row(3), row(4, kl=float("nan")), row(5, kl=float("inf"))]
    told = read(append(tmp_path / "logging.jsonl", *rows)).train
    kl = series(c.KL, ("split", "train"))
    assert [str(value) for value in told.columns[kl]] == ["nan", "0.5", "nan", "nan", "inf"]
    assert list(told.non_finite[kl]) == [3, 4]
    assert LOSS not in told.non_finite


def test_evaluations_have_a_table_of_their_own(tmp_path: Path) -> None:
    """With their steps."""
    rows = [swift(1), swift(2), swift_eval(2), swift(3), swift_eval(3)]
    told = read(append(tmp_path / "logging.jsonl", *rows))
    assert list(told.evaluations.steps) == [2, 3]
    assert list(told.evaluations.columns[EVAL_LOSS]) == [2 / 2, 2 / 3]
    assert list(told.train.steps) == [1, 2, 3]


def test_steps_that_were_taken_again_are_marked_and_stay(tmp_path: Path) -> None:
    """After a resume, evaluations too; the order is that of the log."""
    again = (swift(step, loss=2.0) for step in range(4, 9))
    rows = [swift(1), swift(2), swift_eval(2), *map(swift, range(3, 7)), swift_eval(6), *again]
    told = read(append(tmp_path / "logging.jsonl", *rows))
    assert list(told.train.steps) == [1, 2, 3, 4, 5, 6, 4, 5, 6, 7, 8]
    assert list(told.train.superseded) == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]
    assert list(told.evaluations.superseded) == [0, 1]
    assert list(told.evaluations.steps) == [2, 6]
    assert len(told.run.resumes) == 1


def test_what_a_second_writer_says_again_is_no_row(tmp_path: Path) -> None:
    """Nor is it a step that was taken again."""
    rows = [line for step in range(1, 9) for line in (swift(step), swift(step))]
    told = read(append(tmp_path / "logging.jsonl", *rows))
    assert list(told.train.steps) == list(range(1, 9))
    assert not any(told.train.superseded)


def test_an_evaluation_that_counts_its_own_steps_is_at_the_step_of_the_run(tmp_path: Path) -> None:
    """It says nothing of how far the training is."""
    rows = [swift(1), swift(2), swift_eval(900, planned=1000), swift(3)]
    told = read(append(tmp_path / "logging.jsonl", *rows))
    assert list(told.evaluations.steps) == [2]
    assert list(told.evaluations.superseded) == [0]


def test_times_go_by_the_trainers_clock_up_to_the_last_write(tmp_path: Path) -> None:
    """A process that goes on counts from 0 again; what lay between both is not known."""
    rows = [*map(swift, (10, 20, 30)), *map(swift, (1, 2))]
    rows = [
        line.replace(f'"{step}s"', f'"{clock}s"')
        for line, step, clock in zip(rows, (10, 20, 30, 1, 2), (10, 20, 30, 5, 15), strict=True)
    ]
    log = append(tmp_path / "logging.jsonl", *rows, modified=NOW)
    times = read(log).train.times
    assert times is not None
    assert [NOW - at for at in times] == pytest.approx([35, 25, 15, 10, 0])


def test_a_log_without_a_clock_has_no_times(tmp_path: Path) -> None:
    """Nobody knows when its rows were written."""
    told = read(append(tmp_path / "trainer_log.jsonl", *map(llamafactory, range(1, 4))))
    assert told.train.times is None
    assert history_object(told)["times"] is None


def test_spikes_and_baselines_stand_beside_the_values(tmp_path: Path) -> None:
    """As the signals saw them: the baseline is the one that a value was held against."""
    rows = [row(step, loss=1 + step % 3 / 100) for step in range(1, 101)]
    rows[80] = row(81, loss=9.0)
    told = read(append(tmp_path / "logging.jsonl", *rows))
    assert list(told.spikes[LOSS]) == [80]
    baseline = told.baselines[LOSS]
    assert len(baseline) == 100
    assert math.isnan(baseline[0])
    assert baseline[80] == pytest.approx(1.01, abs=0.01)


def test_a_log_without_a_record_is_no_history(tmp_path: Path) -> None:
    """It is told as `check` tells it."""
    log = append(tmp_path / "logging.jsonl", "no", "record")
    (found,) = discover.discover([str(log)], discover.SearchOptions(ignore_older=None), NOW).found
    assert isinstance(history(found, RunOptions(), Readers(None), NOW), NoRun)


def test_a_log_with_more_keys_than_are_told_has_bounded_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the snapshot are told; while it is read, the emptiest columns go first."""
    rows = [row(step, **{f"key{step % 300}": 1.0}) for step in range(1, 1001)]
    log = append(tmp_path / "logging.jsonl", *rows)
    told = read(log)
    assert told.train.columns.keys() <= told.run.samples.keys()
    assert sum(each.metric is c.OTHER for each in told.train.columns) == 100
    monkeypatch.setattr(columns, "MOST_CELLS", 5000)
    small = read(log).train
    assert len(small.columns) <= 5
    assert {LOSS, GRAD_NORM} <= small.columns.keys()
    assert len(small.columns[LOSS]) == 1000


def test_a_hundred_thousand_records_are_read_in_time(tmp_path: Path) -> None:
    """With 35 keys each; the limit is generous, for a busy machine."""
    row_text = json.dumps({f"key{at}": 0.5 + at for at in range(31)})[1:-1]
    with (tmp_path / "logging.jsonl").open("w") as file:
        for step in range(1, 100_001):
            file.write(
                f'{{"loss": 0.5, "kl": 0.02, "grad_norm": 1.5, {row_text}, '
                f'"global_step/max_steps": "{step}/100000"}}\n'
            )
    begin = time.process_time()
    told = read(tmp_path)
    drawn = orjson.dumps(history_object(told))
    assert time.process_time() - begin < 20
    assert len(told.train) == 100_000
    assert len(drawn) < 3_000_000


# Thinning

VALUES = st.lists(
    st.one_of(
        st.floats(-100, 100),
        st.sampled_from((math.nan, math.inf, -math.inf, 1e308, -1e308, 0.0)),
    ),
    min_size=1,
    max_size=300,
)
POINTS = st.integers(2, 60)


def finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


@given(VALUES, POINTS, st.data())
def test_thinning_keeps_what_has_to_be_kept(values: list[float], points: int, data: st.DataObject) -> None:
    """First, last and every row asked for stand as they are, in order, and are none of somebody else's."""
    keep = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=10))
    thinned = thin({LOSS: array("d", values)}, range(len(values)), points, keep)
    rows, told = list(thinned.rows), list(thinned.columns[LOSS])
    assert rows == sorted(set(rows))
    assert len(rows) == len(told)
    for at in {0, len(values) - 1, *keep}:
        assert repr(told[rows.index(at)]) == repr(values[at])


@given(VALUES, POINTS)
def test_thinning_keeps_the_extremes_of_every_stretch(values: list[float], points: int) -> None:
    """Between two rows that are told, nothing lies higher or lower than what is told of that stretch."""
    thinned = thin({LOSS: array("d", values)}, range(len(values)), points)
    rows, told = list(thinned.rows), list(thinned.columns[LOSS])
    for begin, end, first, second in zip(rows, rows[1:], told, told[1:], strict=False):
        inside = finite(values[begin + 1 : end])
        if inside:
            assert min(finite((first, second))) <= min(inside)
            assert max(finite((first, second))) >= max(inside)
    if finite(values):
        assert (min(finite(told)), max(finite(told))) == (min(finite(values)), max(finite(values)))


@given(VALUES, POINTS)
def test_thinning_invents_no_value(values: list[float], points: int) -> None:
    """What is told was logged; and not more than was asked for, by much."""
    thinned = thin({LOSS: array("d", values)}, range(len(values)), points)
    assert set(finite(thinned.columns[LOSS])) <= set(finite(values))
    assert len(thinned.rows) <= max(points, 2) + 4
    assert thinned.exact == (len(thinned.rows) == len(values))


@given(VALUES, POINTS, st.data())
def test_peaks_are_rows_with_their_own_values(values: list[float], points: int, data: st.DataObject) -> None:
    """First, last, all that are asked for, the highest and the lowest."""
    keep = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=10))
    rows = list(peaks(array("d", values), points, keep))
    assert rows == sorted(set(rows))
    assert {0, len(values) - 1, *keep} <= set(rows)
    if finite(values):
        told = finite(values[at] for at in rows)
        assert (min(told), max(told)) == (min(finite(values)), max(finite(values)))


@given(st.sets(st.integers(0, 200)), st.integers(1, 10))
def test_stretches_hold_every_row_and_end_at_rows(rows: set[int], gap: int) -> None:
    """And lie further apart than the gap."""
    ordered = sorted(rows)
    found = list(stretches(ordered, gap))
    assert all(any(begin <= at <= end for begin, end in found) for at in ordered)
    assert all(begin in rows and end in rows for begin, end in found)
    assert all(later[0] - earlier[1] > gap for earlier, later in pairwise(found))


# The object


def long_run(tmp_path: Path, count: int = 3000, **odd: object) -> History:
    """A run with an odd row in the middle, and evaluations."""
    rows = [row(step, loss=1 + step % 7 / 100) for step in range(1, count + 1)]
    rows[count // 2 - 1] = row(count // 2, **odd)
    for at in range(count, 0, -100):
        rows.insert(at, swift_eval(at))
    return read(append(tmp_path / "logging.jsonl", *rows))


def test_the_object_keeps_spikes_and_all_evaluations(tmp_path: Path) -> None:
    """At their own steps with their own values, however few points there are."""
    told: dict[str, Any] = history_object(long_run(tmp_path, loss=50.0), 100)
    loss = one(told, "loss")
    assert len(told["steps"]) < 120
    assert told["exact"] is False
    assert [(told["steps"][at], loss["values"][at]) for at in loss["spikes"]] == [(1500, 50.0)]
    assert told["evaluations"]["steps"] == list(range(100, 3001, 100))
    assert told["records"] == 3000


def test_values_that_are_not_finite_are_null_and_told(tmp_path: Path) -> None:
    """JSON has none."""
    told: dict[str, Any] = history_object(long_run(tmp_path, loss=math.nan, grad_norm=math.inf), 100)
    at = told["steps"].index(1500)
    assert one(told, "loss")["values"][at] is None
    assert one(told, "loss")["non_finite"] == [{"from": 1500, "to": 1500, "value": "NaN"}]
    assert one(told, "grad_norm")["non_finite"] == [{"from": 1500, "to": 1500, "value": "Inf"}]
    assert b"NaN" not in orjson.dumps(told).replace(b'"NaN"', b"")


def test_a_part_of_a_run_is_told_by_its_steps(tmp_path: Path) -> None:
    """Few enough rows are told as they are."""
    told: dict[str, Any] = history_object(long_run(tmp_path), 100, 201, 280)
    assert told["steps"] == list(range(201, 281))
    assert told["exact"] is True
    assert told["evaluations"]["steps"] == []
    assert history_object(long_run(tmp_path / "b"), 100, 10**9)["steps"] == []


def test_limits_and_healthy_ranges_are_those_of_the_run() -> None:
    """In the metric's unit, under the profile in force; without one there are none."""
    told: dict[str, Any] = history_object(read(demo.BUNDLED / demo.COLLAPSE))
    kl = one(told, "kl")
    assert (kl["limits"], kl["healthy"]) == ({"warning": 5, "critical": 10}, [None, 5])
    assert one(told, "reward")["limits"] == {}
    assert one(told, "completion_clipped_ratio")["limits"] == {"warning": 0.1, "critical": 0.3}


def test_rows_around_a_resume_stand_as_they_are(tmp_path: Path) -> None:
    """So that no bucket reaches from before to after it."""
    rows = [*map(row, range(1, 1001)), *map(row, range(501, 2001))]
    told: dict[str, Any] = history_object(read(append(tmp_path / "logging.jsonl", *rows)), 100)
    falls = [at for at, step in enumerate(told["steps"]) if at and step < told["steps"][at - 1]]
    assert [(told["steps"][at - 1], told["steps"][at]) for at in falls] == [(1000, 501)]
    assert {told["steps"][at] > 500 for at in told["superseded"]} == {True}
    assert all(at < falls[0] for at in told["superseded"])


def test_names_of_strangers_are_printable(tmp_path: Path) -> None:
    """Run, keys and labels."""
    rows = [row(step, **{"reward": 1.0, "rewards/a\u202eb/mean": 1.0, "c\x07": 2.0}) for step in range(1, 9)]
    told: dict[str, Any] = history_object(read(append(tmp_path / "r\x1bun" / "logging.jsonl", *rows)))
    text = json.dumps(told, ensure_ascii=False)
    assert not any(char in text for char in "\x07\x1b\u202e")


def test_the_history_of_every_real_run_is_whole(corpus: Path) -> None:
    """As many rows as records, every column full, JSON of a fair size."""
    names = ("logging.jsonl", "trainer_log.jsonl", "trainer_state.json")
    logs = [path for name in names for path in corpus.rglob(name) if "negative" not in path.parts]
    assert len(logs) > 20
    for log in logs:
        for found in discover.discover(
            [os.fspath(log)], discover.SearchOptions(ignore_older=None), NOW
        ).found:
            told = history(found, RunOptions(), Readers(None), NOW)
            assert isinstance(told, History), log
            for kind, table in ((RowKind.TRAIN, told.train), (RowKind.EVAL, told.evaluations)):
                records = told.run.records.get(kind, 0)
                assert records // 2 <= len(table) <= records  # one of them was written by two at once
            whole = {len(column) for column in (*told.train.columns.values(), *told.baselines.values())}
            assert whole <= {len(told.train)}
            assert len(orjson.dumps(history_object(told, 200))) < 1_000_000


def test_series_are_in_the_catalogues_order() -> None:
    """So that every program shows them alike."""
    told: dict[str, Any] = history_object(read(demo.BUNDLED / demo.HEALTHY))
    places = [metrics().index(each["metric"]) for each in told["series"]]
    assert places == sorted(places)


def metrics() -> Sequence[str]:
    """The names of the catalogue."""
    return [metric.name for metric in c.METRICS]


COLUMNS = {
    "digits": lambda at: round(at * 0.37 % 7, at % 9),
    "many digits": lambda at: math.sin(at),
    "of 4 bytes": lambda at: struct.unpack("f", struct.pack("f", math.sin(at)))[0],
    "constant": lambda at: 1e-6,  # noqa: ARG005
    "large and small": lambda at: 10.0 ** (at % 600 - 300),
    "odd": lambda at: (math.nan, math.inf, -0.0, 1.0)[at % 4],
}


@pytest.mark.parametrize("value", COLUMNS.values(), ids=COLUMNS)
def test_a_packed_column_is_the_same_numbers(value: Callable[[int], float]) -> None:
    """One by one, in pieces and as a whole, to the last bit."""
    numbers = array("d", map(value, range(LOOSE_ROWS + 3 * PACKED_ROWS + 77)))
    column = PackedColumn()
    column.append(numbers[0])
    for begin in range(1, len(numbers), 1000):
        column.extend(numbers[begin : begin + 1000])
    assert column.plain() is column
    assert (len(column), array("d", column).tobytes()) == (len(numbers), numbers.tobytes())
    edges = (0, 1, PACKED_ROWS - 1, PACKED_ROWS, 2 * PACKED_ROWS + 5, len(numbers) - 1)
    for begin, end in product(edges, edges):
        assert column[begin:end].tobytes() == numbers[begin:end].tobytes()
    assert (
        array("d", [column[at] for at in (*edges, -1)]).tobytes()
        == array("d", [numbers[at] for at in (*edges, -1)]).tobytes()
    )
    with pytest.raises(IndexError):
        column[len(numbers)]


def test_a_long_column_takes_little_memory() -> None:
    """Numbers as trainers print them take half of their 8 bytes, those that stay the same hardly any."""
    for value, most in ((lambda at: round(math.sin(at), 8), 4.5), (lambda _: 0.001, 0.1)):
        column, rows = PackedColumn(), 20 * PACKED_ROWS
        tracemalloc.start()
        try:
            for begin in range(0, LOOSE_ROWS + rows, 1000):
                column.extend(map(value, range(begin, begin + 1000)))
            taken = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert taken - 8 * 1.2 * LOOSE_ROWS < most * rows
