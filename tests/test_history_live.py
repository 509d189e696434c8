"""The history of watched runs: what comes is put once, at once; what was there is read for the sink."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.model import Record, Series, series
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watched_logs import WatchedLogs
from llmtrain_exporter.serve.watchers import Watchers

from tests.analysing import grpo
from tests.event_files import NAME, header, row, trained
from tests.histories import source_of
from tests.rounds import read_all
from tests.training import append, swift, swift_eval, swift_summary

START = 1_790_000_000.0
HOUR = 3600.0
STEP = series(c.STEP)


class KeptSamples:
    """A sink that keeps all it is given."""

    def __init__(self) -> None:
        self.put_records: list[RecordSamples] = []
        self.to_read: list[tuple[str, int]] = []

    def put(self, samples: RecordSamples) -> None:
        """Keep it."""
        self.put_records.append(samples)

    def read_up_to(self, run: str, record: int) -> None:
        """Note it."""
        self.to_read.append((run, record))

    def take(self) -> list[RecordSamples]:
        """What was put since."""
        taken, self.put_records = self.put_records, []
        return taken


class Site:
    """Watchers of one folder, whose time a test cranks."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.root = root
        self.sink = KeptSamples()
        exposition = Exposition()
        self.settings = Settings(paths=(str(root),), **settings)
        self.fleet = Fleet(exposition, self.settings.paths)
        telemetry = Telemetry("0", self.fleet, exposition)
        self.now = START
        (self.watcher,) = Watchers(self.settings, self.fleet, telemetry, self.sink).all
        self.logs = WatchedLogs(self.fleet, self.settings)

    def append(self, *lines: str, ago: float = 0.0, run: str = "run") -> Path:
        return append(self.root / run / "logging.jsonl", *lines, modified=self.now - ago)

    def change(self, **settings: Any) -> None:
        """Go by other settings, as after a SIGHUP."""
        changed = Settings(paths=self.settings.paths, **settings)
        self.logs.change(changed)
        self.watcher.change(changed)
        self.watcher.take_changes(self.now)

    def scan(self) -> None:
        """Search, and read what there is."""
        self.now += 5
        self.watcher.scan(self.now)
        self.look()

    def look(self, seconds: float = 0.2) -> None:
        """Let time pass, then look."""
        self.now += seconds
        read_all(self.watcher, self.now - START, self.now)

    def read(self, run: str = "run") -> list[RecordSamples]:
        """What is read of a run's log."""
        found = self.logs(run)
        return [each for each in found or () if each is not None]


def steps(records: Sequence[RecordSamples]) -> list[float]:
    return [record.values[STEP] for record in records]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_was_there_is_to_be_read_and_what_comes_is_put(site: Site) -> None:
    """A training that began hours ago: its curve is read from the log, at the times of its clock."""
    site.append(*map(swift, (1, 2, 3600)), ago=HOUR / 60)
    site.scan()
    assert (site.sink.to_read, site.sink.put_records) == ([("run", 3)], [])
    there = site.read()
    assert [round(record.time_ms / 1000 - START) for record in there] == [-60 - 3599, -60 - 3598, -60]
    site.append(swift(3660))
    site.look()
    (came,) = site.sink.take()
    assert (came.record, steps([came]), source_of(came)) == (4, [3660], "arrival")
    assert came.time_ms / 1000 == pytest.approx(site.now, abs=6)
    assert there[-1].record + 1 == came.record


def test_each_record_is_put_once_however_lines_come(site: Site) -> None:
    """Torn lines, several in one look, evaluations: all of them, in their order, at times that ascend."""
    site.append(swift(1))
    site.scan()
    file = site.root / "run" / "logging.jsonl"
    line = swift(2)
    with file.open("a") as log:
        log.write(line[:20])
    site.look()
    with file.open("a") as log:
        log.write(line[20:] + "\n")
    site.look()
    site.now += 60
    site.append(swift(3), swift_eval(3), swift(4), swift(9))
    site.look()
    site.look()
    put = site.sink.take()
    assert [record.record for record in put] == [2, 3, 4, 5, 6]
    assert steps(put) == [2, 3, 3, 4, 9]
    times = [record.time_ms for record in put]
    assert times == sorted(set(times))
    assert times[-1] - times[-2] == 5000  # as the trainer's clock says, though both were read at once


def test_a_calm_run_is_counted_by_blocks_and_put_record_by_record(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there is read by whoever sends it; of what comes, each record is judged as it stands there."""
    rows = [{**row, **placed(step)} for step, row in enumerate(grpo(400), 1)]
    folded = count_folds(monkeypatch)
    site.append(*map(json.dumps, rows[:300]))
    site.scan()
    assert (site.sink.to_read, site.sink.put_records) == ([("run", 300)], [])
    assert len(folded) < 200
    site.append(*map(json.dumps, rows[300:]))
    site.look()
    put, there = site.sink.take(), site.read()
    assert [record.record for record in put] == list(range(301, 401)) == steps(put)
    assert [values_of(record) for record in put] == [values_of(record) for record in there[300:]]
    rewards = [record.values[series(c.REWARD, ("split", "train"))] for record in [*there[:300], *put]]
    assert rewards == [row["reward"] for row in rows]


def placed(step: int) -> dict[str, object]:
    """How far a row is."""
    return {"global_step/max_steps": f"{step}/2000", "elapsed_time": f"{step}s"}


def count_folds(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """The records that are folded one by one from now on."""
    folded: list[Record] = []
    alone = Run.fold

    def counting(run: Run, record: Record, arrived: float) -> bool:
        folded.append(record)
        return alone(run, record, arrived)

    monkeypatch.setattr(Run, "fold", counting)
    return folded


def values_of(record: RecordSamples) -> dict[Series, float]:
    """What it says, but for what is told once, and for how its time is known."""
    told = (c.HISTORY_TIME_SOURCE, c.RUN)
    return {key: value for key, value in record.values.items() if key.metric not in told}


def test_a_run_that_begins_before_our_eyes_misses_nothing(site: Site) -> None:
    """Its first records are read from the log, the others put as they come: together they are all."""
    site.scan()
    site.append(swift(1))
    site.scan()
    site.append(swift(2))
    site.look()
    up_to = dict(site.sink.to_read)["run"]
    read = [record for record in site.read() if record.record <= up_to]
    assert steps([*read, *site.sink.take()]) == [1, 2]


def test_another_log_in_the_place_is_read_anew(site: Site) -> None:
    """Its records count from 1 again."""
    site.append(*map(swift, range(1, 6)))
    site.scan()
    file = site.root / "run" / "logging.jsonl"
    file.unlink()
    site.append(*(swift(step, loss=9.0) for step in (1, 2, 3)))
    for _ in range(5):
        site.look(5.0)
    assert site.sink.to_read == [("run", 5), ("run", 3)]
    assert steps(site.read()) == [1, 2, 3]


def test_a_run_that_slept_goes_on(site: Site) -> None:
    """It is read again from its start, and what comes after is put."""
    site.append(*map(swift, (1, 2, 3)), swift_summary(3), ago=HOUR * 24)
    site.scan()
    site.look(60.0)
    site.append(swift(4), swift(5))
    site.look()
    site.look()
    known = site.sink.to_read[-1][1]
    read = [record for record in site.read() if record.record <= known]
    site.append(swift(6))
    site.look()
    assert steps([*read, *site.sink.take()])[-3:] == [4, 5, 6]


def test_what_is_no_run_is_not_sent(site: Site) -> None:
    """Nothing is asked for a log without records, nor for a run that is gone."""
    append(site.root / "run" / "logging.jsonl", "no row", modified=START)
    site.scan()
    assert (site.sink.to_read, site.sink.put_records) == ([], [])
    assert site.logs("run") is None or site.read() == []
    assert site.logs("never heard of") is None


def test_event_files_have_their_own_times_live(site: Site) -> None:
    """Whenever a row is whole: its time is that of its events."""
    folder = site.root / "tb"
    folder.mkdir()
    file = folder / NAME
    file.write_bytes(header(START) + row(1, trained(1), START + 1))
    site.scan()
    with file.open("ab") as log:
        log.write(row(2, trained(2), START + 2) + row(3, trained(3), START + 3))
    for _ in range(200):
        site.look()
    put = site.sink.take()
    assert {source_of(record) for record in put} == {"stated"}
    assert {step: START * 1000 + 1000 * step for step in steps(put)} == {
        record.values[STEP]: record.time_ms for record in put
    }
    known = dict(site.sink.to_read).get("tb", 0)
    read = [record for record in site.read("tb") if record.record <= known]
    assert steps([*read, *put]) == [1, 2, 3]


@pytest.mark.parametrize(("silent", "known", "put"), [(0, 2, [3]), (5, 3, [])])
def test_a_row_that_only_silence_has_completed_is_read_as_well(
    site: Site, silent: int, known: int, put: list[int]
) -> None:
    """The last row of event files is known to be whole when no more of it comes: for later readers, too.

    It is of the past where no more of it came before the file was met.
    """
    file = append(site.root / "tb" / NAME)
    file.write_bytes(
        header(START) + b"".join(row(step, trained(step), START + step - 3) for step in (1, 2, 3))
    )
    met = START + 5
    os.utime(file, (met - silent, met - silent))
    site.scan()
    for _ in range(200):
        site.look(1.0)
    assert (site.sink.to_read, steps(site.sink.take())) == ([("tb", known)], put)
    assert steps(site.read("tb")) == [1, 2, 3]


def test_without_a_sink_nothing_is_sampled(tmp_path: Path) -> None:
    """Who does not send history pays nothing for it."""
    append(tmp_path / "run" / "logging.jsonl", swift(1), modified=START)
    exposition = Exposition()
    settings = Settings(paths=(str(tmp_path),))
    fleet = Fleet(exposition, settings.paths)
    (watcher,) = Watchers(settings, fleet, Telemetry("0", fleet, exposition)).all
    watcher.scan(START)
    read_all(watcher, 1.0, START)
    (shown,) = fleet.shown()
    assert type(shown.sparkline).__name__ == "Sparkline"


def test_other_metrics_are_chosen_for_all_runs(site: Site) -> None:
    """Those that are followed, that sleep or that come; and for what is read again of their logs."""
    site.append(swift(1))
    site.append(swift(1), swift_summary(1), ago=HOUR * 24, run="slept")
    site.scan()
    site.look(60.0)
    site.append(swift(2))
    site.look()
    site.change(history_metrics=("loss",))
    site.append(swift(1), run="new")
    site.scan()
    for run, step in (("run", 3), ("new", 2), ("slept", 2)):
        site.append(swift(step), run=run)
        site.look()
    site.append(swift(3), run="slept")
    site.look()
    before, *after = site.sink.take()
    assert c.GRAD_NORM in metrics_of(before)
    assert {record.run for record in after} == {"run", "new", "slept"}
    again = [record for run in ("run", "new", "slept") for record in site.read(run)]
    for record in [*after, *again]:
        assert c.LOSS in metrics_of(record)
        assert c.GRAD_NORM not in metrics_of(record)
    site.change(history_metrics=("*",))
    site.append(swift(4))
    site.look()
    (last,) = site.sink.take()
    assert metrics_of(last) >= metrics_of(before) - {c.RUN}


def metrics_of(record: RecordSamples) -> set[Metric]:
    """Those of which it says something."""
    return {key.metric for key in record.values}


def test_nan_is_put_as_what_it_is(site: Site) -> None:
    """A value that is none is news, too."""
    site.append(swift(1))
    site.scan()
    site.append(swift(2, loss=math.nan))
    site.look()
    (record,) = site.sink.take()
    assert math.isnan(record.values[series(c.LOSS, ("split", "train"))])
