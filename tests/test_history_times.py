"""When the records of a log were written: what tells it, how well, and that times always ascend."""

from __future__ import annotations

import math
import os
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.push.times import LogClocks, TimeSource, ascending, date_in, on_arrival, record_times

from tests.event_files import BEGAN, NAME, header, row, trained
from tests.histories import WRITTEN, records, source_of
from tests.test_trackers import read_run, search, unpacked
from tests.training import append, printed, swift, swift_eval

NAN = math.nan
HOUR, DAY = 3600.0, 86400.0


def clocks(
    elapsed: list[float],
    stated: list[float] | None = None,
    trained: list[float] | None = None,
    runtime: float | None = None,
    began: float | None = None,
) -> LogClocks:
    """Those of a log that was written to last at `WRITTEN`."""
    return LogClocks(stated or [], elapsed, trained or [], runtime, WRITTEN, began)


def before(*seconds: float) -> list[int]:
    """Milliseconds of moments so long before the last write."""
    return [round((WRITTEN - each) * 1000) for each in seconds]


def utc(date: datetime) -> float:
    return date.replace(tzinfo=timezone.utc).timestamp()


def test_a_clock_ends_with_the_last_write() -> None:
    """Records lie before it as far as the trainer's clock says; one without a clock with the one before."""
    found = record_times(clocks([10.0, 20.0, NAN, 60.0]))
    assert found.source is TimeSource.CLOCK
    assert list(found.times_ms) == [*before(50, 40), before(40)[0] + 1, *before(0)]


def test_records_before_the_first_that_has_a_clock_were_written_when_it_began() -> None:
    """A first evaluation has none, and is no later than what follows it."""
    found = record_times(clocks([NAN, 30.0]))
    assert list(found.times_ms) == before(30, 0)


def test_the_clock_of_each_process_begins_anew() -> None:
    """A resumed run: the process before ended when the next began, as far as anybody knows."""
    found = record_times(clocks([100.0, 200.0, 50.0, 80.0]))
    assert list(found.times_ms) == [*before(180), before(80)[0], *before(30, 0)]


def test_the_first_process_of_a_resumed_run_began_when_its_folder_was_made() -> None:
    """So the night in between, in which nobody trained, is where it was."""
    began = WRITTEN - 3 * DAY
    found = record_times(clocks([100.0, 200.0, 50.0, 80.0], began=began))
    assert list(found.times_ms) == [round((began + at) * 1000) for at in (100, 200)] + before(30, 0)
    assert found.source is TimeSource.CLOCK


def test_a_copied_file_is_told_by_the_date_of_its_folder() -> None:
    """Its last write was the copy's: the clock began with the date that its folder is called after."""
    began = WRITTEN - 90 * DAY
    found = record_times(clocks([10.0, 70.0], began=began))
    assert found.source is TimeSource.FOLDER
    assert list(found.times_ms) == [round((began + at) * 1000) for at in (10, 70)]


@pytest.mark.parametrize("zone", [-12 * HOUR, 0.0, 14 * HOUR])
def test_a_folder_of_another_time_zone_is_no_copy(zone: float) -> None:
    """The date has no zone: what can be explained by one is, and the last write stands."""
    found = record_times(clocks([10.0, 70.0], began=WRITTEN - 100 - zone))
    assert found.source is TimeSource.CLOCK
    assert list(found.times_ms) == before(60, 0)


def test_what_the_log_states_goes_before_all() -> None:
    """Where one is missing, or lies outside of the log, it is that of the record before."""
    stated = [WRITTEN - 50, NAN, WRITTEN - 30, WRITTEN + DAY, 0.0, WRITTEN - 10]
    found = record_times(clocks([1.0] * 6, stated=stated, began=WRITTEN - DAY))
    assert found.source is TimeSource.STATED
    at = before(50, 30, 10)
    assert list(found.times_ms) == [at[0], at[0] + 1, at[1], at[1] + 1, at[1] + 2, at[2]]


def test_steps_that_tell_their_time_stand_in_for_a_clock() -> None:
    """verl says how long each step took."""
    found = record_times(clocks([NAN] * 3, trained=[20.0, 50.0, 60.0]))
    assert (found.source, list(found.times_ms)) == (TimeSource.PACE, before(40, 10, 0))


def test_a_runtime_is_spread_over_the_records() -> None:
    """So is the time since the folder was made; else records stand a second apart."""
    spread = record_times(clocks([NAN] * 4, runtime=40.0, began=WRITTEN - HOUR))
    assert (spread.source, list(spread.times_ms)) == (TimeSource.SPREAD, before(30, 20, 10, 0))
    since = record_times(clocks([NAN] * 4, began=WRITTEN - HOUR))
    assert (since.source, list(since.times_ms)) == (TimeSource.SPREAD, before(2700, 1800, 900, 0))
    for began in (None, WRITTEN - 90 * DAY, WRITTEN + DAY):  # a copy, or a date of another zone
        guessed = record_times(clocks([NAN] * 3, began=began))
        assert (guessed.source, list(guessed.times_ms)) == (TimeSource.GUESSED, before(2, 1, 0))


@given(
    st.lists(st.floats(), max_size=30),
    st.lists(st.floats(), max_size=30),
    st.none() | st.floats(0, 4e9),
    st.booleans(),
)
def test_any_clock_gives_times_that_ascend(
    elapsed: list[float], stated: list[float], began: float | None, states: bool
) -> None:
    """Whatever a hostile log says, there is a time for each record, and none is the one of another."""
    stated = (stated + [NAN] * len(elapsed))[: len(elapsed)] if states else []
    found = record_times(clocks(elapsed, stated, elapsed, began=began)).times_ms
    assert len(found) == len(elapsed)
    assert all(earlier < later for earlier, later in pairwise([0, *found]))


def test_records_of_one_look_lie_before_the_last_of_them() -> None:
    """The trainer's clock tells how far; where there is none all have come at once."""
    assert on_arrival([5.0, NAN, 8.0], 100.0) == [97.0, 97.0, 100.0]
    assert on_arrival([NAN, NAN], 100.0) == [100.0, 100.0]
    assert on_arrival([90.0, 3.0], 100.0) == [100.0, 100.0]
    assert list(ascending(iter([1.0, 1.0, 0.5]), after_ms=1000)) == [1001, 1002, 1003]


@pytest.mark.parametrize(
    ("path", "date"),
    [
        ("/out/v107-20251126-022444/x", datetime(2025, 11, 26, 2, 24, 44)),
        ("/out/wandb/run-20251126_022444-a1b2", datetime(2025, 11, 26, 2, 24, 44)),
        ("/out/2025-11-26_02-24-44", datetime(2025, 11, 26, 2, 24, 44)),
        ("/20240101-000000/train_2025-11-26T02:24:44", datetime(2025, 11, 26, 2, 24, 44)),
        ("/out/20251326-022444", None),
        ("/out/120251126-022444", None),
        ("/out/run7", None),
    ],
)
def test_the_date_in_the_name_of_a_folder(path: str, date: datetime | None) -> None:
    """As ms-swift, W&B and scripts write it; the nearest name that has one counts."""
    assert date_in(path, utc) == (None if date is None else utc(date))


def test_a_log_with_a_clock_is_anchored_at_its_last_write(tmp_path: Path) -> None:
    """ms-swift logs the time since the start of its process."""
    log = append(tmp_path / "logging.jsonl", swift(1), swift(2), swift_eval(2), swift(9), modified=WRITTEN)
    found = records(log)
    assert [record.time_ms for record in found] == [*before(8, 7), before(7)[0] + 1, *before(0)]
    assert {source_of(record) for record in found} == {"clock"}


def test_a_printed_log_says_that_nothing_tells_its_times(tmp_path: Path) -> None:
    """They are a second apart, and known to be guessed."""
    log = append(tmp_path / "train.log", *map(printed, (1, 2, 3)), modified=WRITTEN)
    found = records(log)
    assert [record.time_ms for record in found] == before(2, 1, 0)
    assert {source_of(record) for record in found} == {"guessed"}


def bar(step: int, clock: str) -> str:
    """The progress bar of a training of 100 steps."""
    return f"\r{step:3}%|####      | {step}/100 [{clock}<01:00,  2.00s/it]"


CLEARED = "\r" + " " * 60 + "\r"


def test_the_bar_beside_printed_rows_is_a_clock(tmp_path: Path) -> None:
    """Trainers clear it, print the row and draw it again: it shows for how long they have trained."""
    drawn = [(10, "00:20"), (20, "01:00:40"), (30, "01:01:00")]
    text = "".join(
        bar(step, clock) + CLEARED + printed(step) + "\n" + bar(step, clock) for step, clock in drawn
    )
    log = tmp_path / "train.log"
    log.write_text(bar(0, "00:00") + text)
    os.utime(log, (WRITTEN, WRITTEN))
    found = records(log)
    assert [record.time_ms for record in found] == before(3640, 20, 0)
    assert {source_of(record) for record in found} == {"clock"}


def test_rows_that_come_from_a_buffer_have_the_time_of_their_bar(tmp_path: Path) -> None:
    """A program whose output is held back writes its bars at once and its rows at the end."""
    steps = range(10, 60, 10)
    bars = [bar(step, f"00:{step // 2:02}") + CLEARED + bar(step, f"00:{step // 2:02}") for step in steps]
    log = tmp_path / "train.log"
    log.write_text(bar(0, "00:00") + "".join(bars) + "\n" + "\n".join(map(printed, steps)) + "\n")
    os.utime(log, (WRITTEN, WRITTEN))
    assert [record.time_ms for record in records(log)] == before(20, 15, 10, 5, 0)


def test_a_clock_that_stands_still_tells_nothing() -> None:
    """Rows that came all at once are spread over what is known besides."""
    found = record_times(clocks([60.0, 60.0, 60.0], runtime=60.0))
    assert (found.source, list(found.times_ms)) == (TimeSource.SPREAD, before(40, 20, 0))


def test_event_files_state_their_times(tmp_path: Path) -> None:
    """Each record has the wall time of its events, the last row too, which is held until the end."""
    rows = [row(step, trained(step), BEGAN + 7 * step) for step in (1, 2, 3)]
    (tmp_path / NAME).write_bytes(header() + b"".join(rows))
    os.utime(tmp_path / NAME, (WRITTEN, WRITTEN))
    found = records(tmp_path)
    assert [record.time_ms for record in found] == [round((BEGAN + 7 * step) * 1000) for step in (1, 2, 3)]
    assert {source_of(record) for record in found} == {"stated"}


@pytest.mark.parametrize("tracker", ["mlflow", "mlflow_files", "swanlab", "swanlab_json", "trackio", "wandb"])
def test_stores_of_trackers_state_their_times(tracker: str, tmp_path: Path) -> None:
    """What the real packages wrote: each record at the time that the tracker noted."""
    for found in search(unpacked(tracker, tmp_path)):
        stated = [time for time in read_run(found).times if time is not None]
        history = RunHistory(found, found.run, RunOptions(), Readers(), ChosenMetrics())
        records = list(history.samples(0.0, stated[-1] + DAY))
        assert {source_of(record) for record in records} == {"stated"}
        moments = ascending(iter(stated))
        assert {record.time_ms for record in records if record.record <= len(moments)} <= set(moments)
        assert records[-1].time_ms <= moments[-1] + 1000
