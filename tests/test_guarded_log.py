"""`llmtrain.jsonl`: read with the times and settings that it states, and followed before other logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.guard import recording
from llmtrain_exporter.guard.recording import RowRecorder
from llmtrain_exporter.ingest.discover import Found, SearchOptions, discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import Reading
from llmtrain_exporter.ingest.source import open_source, read_run_hyper_parameters
from llmtrain_exporter.knowledge import producers
from llmtrain_exporter.model import HyperParameters
from llmtrain_exporter.model.guarded import GuardEvent
from llmtrain_exporter.watching.live import LiveRun

from tests import training

NOW = 1_800_000_000.0
SETTINGS = HyperParameters({"rlhf_type": "grpo"}, {"beta": 0.04, "bf16": 1.0})


def recorded(folder: Path, steps: int, begin: float = NOW - 600) -> RowRecorder:
    """A log of so many steps, 10 s each."""
    recorder = RowRecorder(folder)
    recorder.begin(begin, SETTINGS, producers.SWIFT.name)
    for step in range(1, steps + 1):
        row = {"step": step, "max_steps": 60, "loss": 1 / step, "kl": 0.01, "epoch": step / 60}
        recorder.row({**row, "time": begin + 10 * step})
    return recorder


def only(folder: Path, now: float = NOW) -> Found:
    """The one run that is found below a folder."""
    (found,) = discover([str(folder)], SearchOptions(ignore_older=None), now).found
    return found


def polled(found: Found) -> Reading:
    """All that its log has."""
    source = open_source(found, Readers(None))
    try:
        reading = source.poll(0.0)
    finally:
        source.close()
    assert reading is not None
    return reading


def test_rows_have_the_times_at_which_they_were_logged(tmp_path: Path) -> None:
    """Whenever the file is read; what is no row of the trainer makes neither a record nor a skip."""
    recorder = recorded(tmp_path, 3)
    recorder.event(GuardEvent(NOW, 3, "set", "kl 0.2", {"setting": "beta"}))
    reading = polled(only(tmp_path))
    assert [record.step for record in reading.records] == [1, 2, 3]
    assert list(reading.times) == [NOW - 590, NOW - 580, NOW - 570]
    assert (reading.skipped, reading.producer) == ({}, producers.SWIFT)


def test_rows_of_before_the_recording_have_the_time_at_which_it_began(tmp_path: Path) -> None:
    """They are the trainer's own history, which states no times."""
    recorder = RowRecorder(tmp_path)
    recorder.begin(NOW, SETTINGS, producers.TRANSFORMERS.name)
    recorder.remember([{"step": 1, "loss": 0.5, "epoch": 0.1}, {"step": 2, "loss": 0.4, "epoch": 0.2}])
    recorder.row({"step": 3, "loss": 0.3, "epoch": 0.3, "time": NOW + 5})
    assert list(polled(only(tmp_path)).times) == [NOW, NOW, NOW + 5]


@pytest.mark.parametrize("time", ['"soon"', "NaN", "1e999", "-5", "null", "[]"])
def test_a_time_that_is_none_is_passed_by(tmp_path: Path, time: str) -> None:
    """The row counts, at the time of the one before."""
    recorded(tmp_path, 1)
    training.append(tmp_path / "llmtrain.jsonl", f'{{"step": 2, "loss": 0.5, "epoch": 0.1, "time": {time}}}')
    reading = polled(only(tmp_path))
    assert [record.step for record in reading.records] == [1, 2]
    assert list(reading.times) == [NOW - 590, NOW - 590]


def test_settings_are_those_of_the_last_start(tmp_path: Path) -> None:
    """A training that was started again with others goes on in the same log."""
    recorder = recorded(tmp_path, 2)
    assert read_run_hyper_parameters(only(tmp_path)) == SETTINGS
    recorder.begin(NOW, HyperParameters({"rlhf_type": "grpo"}, {"beta": 0.1}), producers.SWIFT.name)
    assert read_run_hyper_parameters(only(tmp_path)).numbers == {"beta": 0.1}


def test_settings_stay_known_when_the_log_has_grown(tmp_path: Path) -> None:
    """They stand in its first line, and nowhere near its end."""
    recorder = recorded(tmp_path, 1)
    recorder.remember(
        [{"step": step, "loss": 0.5, "note": "x" * 900, "epoch": 0.1} for step in range(2, 900)]
    )
    assert read_run_hyper_parameters(only(tmp_path)) == SETTINGS


def test_a_log_whose_begin_is_hostile_states_nothing(tmp_path: Path) -> None:
    """And is read on."""
    training.append(
        tmp_path / "llmtrain.jsonl", '{"llmtrain": 1, "settings": [1], "producer": {}, "time": []}'
    )
    training.append(tmp_path / "llmtrain.jsonl", '{"step": 2, "loss": 0.5, "epoch": 0.1}')
    found = only(tmp_path)
    assert read_run_hyper_parameters(found) == HyperParameters()
    assert [record.step for record in polled(found).records] == [2]


def test_it_is_followed_before_the_logs_beside_it(tmp_path: Path) -> None:
    """Whichever was written last; the others are known to be there."""
    log = recorded(tmp_path / "run", 3).path
    training.touch(log, NOW - 30)
    beside = training.append(tmp_path / "run" / "logging.jsonl", training.swift(1), modified=NOW)
    found = only(tmp_path)
    assert (found.path, found.extra) == (str(log), (str(beside),))


def test_a_log_that_goes_on_without_it_is_followed(tmp_path: Path) -> None:
    """The training was started again without a guard."""
    log = recorded(tmp_path / "run", 3).path
    training.touch(log, NOW - 3600)
    beside = training.append(tmp_path / "run" / "logging.jsonl", training.swift(1), modified=NOW)
    assert only(tmp_path).path == str(beside)


def test_an_empty_one_hides_nothing(tmp_path: Path) -> None:
    """It was made and nothing could be written."""
    training.touch(training.append(tmp_path / "run" / "llmtrain.jsonl"), NOW)
    beside = training.append(tmp_path / "run" / "logging.jsonl", training.swift(1), modified=NOW - 5)
    assert only(tmp_path).path == str(beside)


def test_it_goes_before_what_the_training_printed(tmp_path: Path) -> None:
    """In or beside the output folder: the rows are the same."""
    log = recorded(tmp_path / "out", 12).path
    rows = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    printed = [
        str({"loss": f"{row['loss']:.4g}", "kl": "0.01", "epoch": f"{row['epoch']:.4g}"}) for row in rows
    ]
    training.append(tmp_path / "train.log", *printed, modified=NOW)
    training.touch(log, NOW)
    scan = discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW)
    assert [found.path for found in scan.found] == [str(log)]
    assert scan.left_out == {"covered": 1}


def test_its_run_is_that_of_its_trainer(tmp_path: Path) -> None:
    """The dialect under which people know it, the limits of its kind of training, its true pace."""
    recorded(tmp_path / "run", 30)
    found = only(tmp_path)
    options = RunOptions()
    live: LiveRun[None] = LiveRun(
        found, found.run, options, open_source(found, Readers(None)), lambda _: None
    )
    live.read_on(0.0, NOW)
    snapshot = live.snapshot(NOW)
    live.source.close()
    assert (snapshot.dialect, snapshot.profile) == (producers.SWIFT.dialect, "grpo")
    assert snapshot.last_record == NOW - 300
    assert live.folded.pace.silence(1.0, 0.0) == pytest.approx(10.0)


def test_the_two_that_name_its_keys_agree() -> None:
    """What is written and what is read."""
    golden = Path(__file__).with_name("golden") / "guarded-grpo.in"
    rows = [json.loads(line) for line in golden.read_text().splitlines() if line.endswith("}")]
    assert recording.BEGIN_KEY in rows[0]
    assert recording.EVENT_KEY in rows[3]


def test_a_row_begins_on_a_line_of_its_own(tmp_path: Path) -> None:
    """Whatever a process that was killed left there."""
    (tmp_path / "llmtrain.jsonl").write_text('{"step": 1, "loss": 0.')
    RowRecorder(tmp_path).row({"step": 2, "loss": 0.5})
    assert (tmp_path / "llmtrain.jsonl").read_text().splitlines()[1:] == ['{"step": 2, "loss": 0.5}']


def test_a_row_that_went_to_the_disk_in_part_does_not_spoil_the_next(tmp_path: Path) -> None:
    """The disk was full for a while: the error is the system's, the next row begins on its own line."""
    recorder = RowRecorder(tmp_path)
    recorder.row({"step": 1})
    recorder.path.rename(tmp_path / "aside")
    recorder.path.mkdir()
    with pytest.raises(OSError, match="llmtrain"):
        recorder.row({"step": 2})
    recorder.path.rmdir()
    (tmp_path / "aside").rename(recorder.path)
    with recorder.path.open("ab") as file:
        file.write(b'{"step"')
    recorder.row({"step": 3})
    assert recorder.path.read_text().splitlines() == ['{"step": 1}', '{"step"', '{"step": 3}']


def test_what_is_no_number_and_no_text_is_not_recorded(tmp_path: Path) -> None:
    """Numbers of other libraries are numbers, tables and images are left to whom they are for."""

    class Scalar:
        def item(self) -> float:
            return 2.5

        def __float__(self) -> float:
            return 2.5

    class Tensor:
        def item(self) -> float:
            raise RuntimeError

        def __float__(self) -> float:
            raise RuntimeError("only one element tensors can be converted")

    row = {
        "a": Scalar(),
        "b": Tensor(),
        "c": object(),
        "d": float("nan"),
        "e": "t",
        "f": [1],
        "g": True,
        "h": None,
    }
    RowRecorder(tmp_path).row(row)
    assert (tmp_path / "llmtrain.jsonl").read_text() == '{"a": 2.5, "d": NaN, "e": "t", "g": true}\n'
