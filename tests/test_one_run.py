"""The logs of one training are one run: told by rows, names and times, and one of them is followed."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest import log_ends, one_run, same_rows
from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import ALONE, Scan, SearchMemory, SearchOptions, discover
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import series
from llmtrain_exporter.watching.rules import rules_for_reading

from tests.event_files import NAME, header, row
from tests.training import append, llamafactory, printed, swift, trainer_state

NOW = 1_800_000_000.0
OPTIONS = SearchOptions(ignore_older=None)
DAY = 86400.0
LOSS, GRAD_NORM = series(c.LOSS), series(c.GRAD_NORM)


def scan(folder: Path, memory: SearchMemory | None = None) -> Scan:
    return discover([str(folder)], OPTIONS, NOW, ALONE, memory)


def followed(scan: Scan, folder: Path) -> list[str]:
    """The logs of the runs."""
    return [os.path.relpath(found.path, folder) for found in scan.found]


def covered(scan: Scan, folder: Path) -> dict[str, str]:
    """The logs that give way, each with the one that is followed instead."""
    left = [left for left in scan.passed if left.reason == "covered"]
    return {os.path.relpath(each.path, folder): os.path.relpath(each.instead, folder) for each in left}


def console(path: Path, steps: Sequence[int], modified: float = NOW) -> Path:
    """A printed log with rows of these steps, and other text before them."""
    return append(path, "Loading checkpoint", *map(printed, steps), modified=modified)


def data(path: Path, steps: Sequence[int], modified: float = NOW) -> Path:
    """The same rows in a log of data."""
    return append(path, *map(swift, steps), modified=modified)


ROWS = registered()["swift"]
TRACKER = replace(ROWS, name="tracker", files=("run-*.tracked",), kept_by_tracker=True)
OUTPUTS = (
    "train.log",
    "logs.out",
    "out/train.log",
    "out/logs/0/stdout.log",
    "logs/train.log",
    "slurm_logs/1129/slurm-4711.out",
    "wandb/run-20260101_00-ab/files/output.log",
)


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_a_training_prints_and_logs_is_one_run(tmp_path: Path, name: str) -> None:
    """Beside its output folder, in it, below it, or where W&B keeps it: data go first, with steps."""
    data(tmp_path / "out" / "logging.jsonl", range(1, 30))
    console(tmp_path / name, range(1, 31))
    found = scan(tmp_path)
    assert followed(found, tmp_path) == ["out/logging.jsonl"]
    assert covered(found, tmp_path) == {name: "out/logging.jsonl"}
    assert found.left_out == {"covered": 1}


def test_rows_that_differ_are_of_two_trainings(tmp_path: Path) -> None:
    """Though both lie in one folder, and were written at the same time."""
    data(tmp_path / "out" / "logging.jsonl", range(1, 30))
    console(tmp_path / "out" / "other.log", range(101, 130))
    console(tmp_path / "third.log", range(201, 230))
    assert followed(scan(tmp_path), tmp_path) == ["out/logging.jsonl", "out/other.log", "third.log"]


def test_the_output_of_a_training_that_was_resumed_ends_like_its_log(tmp_path: Path) -> None:
    """Its first process printed what the log begins with, its last one the end."""
    data(tmp_path / "out" / "logging.jsonl", range(1, 400))
    console(tmp_path / "first.log", range(1, 200), NOW - DAY)
    console(tmp_path / "second.log", range(300, 400))
    found = scan(tmp_path)
    assert covered(found, tmp_path) == dict.fromkeys(("first.log", "second.log"), "out/logging.jsonl")


def test_each_output_belongs_to_the_run_whose_rows_it_has(tmp_path: Path) -> None:
    """Though another one was written nearer to its time."""
    for number, modified in ((1, NOW - 5000.0), (2, NOW)):
        data(tmp_path / f"v{number}" / "logging.jsonl", range(number * 100, number * 100 + 30), modified)
    console(tmp_path / "a.log", range(100, 130))
    console(tmp_path / "b.log", range(200, 230))
    assert covered(scan(tmp_path), tmp_path) == {"a.log": "v1/logging.jsonl", "b.log": "v2/logging.jsonl"}


def test_where_nothing_is_known_it_is_one_run(tmp_path: Path) -> None:
    """A log that was just begun has no rows: what is printed beside it then is of the same training.

    What has rows is followed, until the other one says the same.
    """
    memory = SearchMemory(OPTIONS)
    data(tmp_path / "out" / "logging.jsonl", [])
    console(tmp_path / "train.log", range(1, 3))
    assert followed(scan(tmp_path, memory), tmp_path) == ["train.log"]
    data(tmp_path / "out" / "logging.jsonl", range(1, 4))
    assert followed(scan(tmp_path, memory), tmp_path) == ["out/logging.jsonl"]


def test_a_log_without_rows_hides_none_in_a_folder_beside(tmp_path: Path) -> None:
    """There another training may write."""
    console(tmp_path / "logs" / "exp1" / "train.log", range(1, 30))
    append(tmp_path / "logs" / "exp2" / "logging.jsonl", modified=NOW)
    assert len(scan(tmp_path).found) == 2


def test_a_log_of_another_day_hides_no_training(tmp_path: Path) -> None:
    """Nor does one of two that were both just begun: nobody knows which."""
    data(tmp_path / "old" / "logging.jsonl", [], NOW - DAY)
    console(tmp_path / "train.log", range(1, 3))
    assert followed(scan(tmp_path), tmp_path) == ["old/logging.jsonl", "train.log"]
    for name in ("a", "b"):
        data(tmp_path / "two" / name / "logging.jsonl", [])
    console(tmp_path / "two" / "train.log", range(5, 7))
    assert "two/train.log" in followed(scan(tmp_path), tmp_path)


def test_a_training_that_runs_is_followed_in_its_output_and_not_at_its_checkpoints(tmp_path: Path) -> None:
    """What is printed grows with each row. When the state is written at the end, the run keeps its name."""
    memory = SearchMemory(OPTIONS)
    append(
        tmp_path / "out" / "checkpoint-20" / "trainer_state.json", trainer_state(range(1, 21)), modified=NOW
    )
    console(tmp_path / "train.log", range(1, 31))
    assert covered(scan(tmp_path, memory), tmp_path) == {"out/trainer_state.json": "train.log"}
    append(tmp_path / "out" / "trainer_state.json", trainer_state(range(1, 31)), modified=NOW)
    assert followed(scan(tmp_path, memory), tmp_path) == ["train.log"]
    assert followed(scan(tmp_path), tmp_path) == ["out/trainer_state.json"]


def test_a_state_of_an_earlier_time_gives_way_to_the_output(tmp_path: Path) -> None:
    """The same training goes on, and has not saved since."""
    append(tmp_path / "out" / "trainer_state.json", trainer_state(range(1, 31)), modified=NOW - DAY)
    console(tmp_path / "train.log", range(1, 90))
    assert covered(scan(tmp_path), tmp_path) == {"out/trainer_state.json": "train.log"}


def test_what_was_printed_twice_is_one_run(tmp_path: Path) -> None:
    """By tee and W&B, or by two machines that train together; the larger is followed, and stays so."""
    memory = SearchMemory(OPTIONS)
    log = console(tmp_path / "train.log", range(1, 60))
    output = console(tmp_path / "wandb" / "run-20260101_00-ab" / "files" / "output.log", range(1, 60))
    append(log, "Saving")
    assert covered(scan(tmp_path, memory), tmp_path) == {os.path.relpath(output, tmp_path): "train.log"}
    append(output, "Uploading the files of the run")
    assert followed(scan(tmp_path, memory), tmp_path) == ["train.log"]


def test_of_copies_the_one_with_all_rows_is_followed(tmp_path: Path) -> None:
    """Also of the beginning of a log, whenever that was made."""
    console(tmp_path / "train.log", range(1, 400), NOW - DAY)
    console(tmp_path / "old" / "train.log", range(1, 200), NOW - DAY)
    console(tmp_path / "train_half.log", range(1, 20), NOW - 2 * DAY)
    console(tmp_path / "train_copy.log", range(1, 400))
    found = scan(tmp_path)
    others = ("old/train.log", "train_half.log", "train_copy.log")
    assert covered(found, tmp_path) == dict.fromkeys(others, "train.log")


def test_the_same_seed_again_is_another_training(tmp_path: Path) -> None:
    """It begins with the same rows; a copy in another folder is nobody's output either."""
    console(tmp_path / "a.log", range(1, 40))
    console(tmp_path / "b.log", range(1, 400), NOW - DAY)
    for name in ("c", "d"):
        console(tmp_path / name / "train.log", range(500, 540))
    assert len(scan(tmp_path).found) == 4


def test_rows_are_the_same_whoever_wrote_them(tmp_path: Path) -> None:
    """With other keys, more keys, four digits of a value; a single row is enough where there is no more."""
    rows = [llamafactory(step) for step in range(1, 9)]
    append(tmp_path / "out" / "trainer_log.jsonl", *rows, modified=NOW)
    lines = [
        str({"loss": 1 / step, "grad_norm": 9.0, "learning_rate": 1e-5, "epoch": 0.1}) for step in range(1, 9)
    ]
    append(tmp_path / "train.log", *lines, modified=NOW)
    append(tmp_path / "short.log", lines[0], modified=NOW)
    found = scan(tmp_path)
    assert covered(found, tmp_path) == dict.fromkeys(("train.log", "short.log"), "out/trainer_log.jsonl")


def test_logs_are_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a search comes by; those that differ once more when one of them has doubled."""
    read: list[str] = []
    ends = log_ends.read_ends

    def counted(path: str, *rest: object) -> object:
        read.append(os.path.relpath(path, tmp_path))
        return ends(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(one_run, "read_ends", counted)
    memory = SearchMemory(OPTIONS)
    data(tmp_path / "out" / "logging.jsonl", range(1, 30))
    console(tmp_path / "same.log", range(1, 30))
    console(tmp_path / "other.log", range(501, 530))
    scan(tmp_path, memory)
    first, read[:] = sorted(set(read)), []
    assert first == ["other.log", "out/logging.jsonl", "same.log"]
    for path in ("same.log", "out/logging.jsonl"):
        append(tmp_path / path, "one line")
    scan(tmp_path, memory)
    assert read == []
    console(tmp_path / "other.log", range(530, 600))
    scan(tmp_path, memory)
    assert sorted(set(read)) == ["other.log", "out/logging.jsonl"]


def test_of_logs_that_are_alike_only_the_first_and_the_last_rows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of trainings are searched at once; what lies between the ends tells nothing more."""
    extents: set[log_ends.Extent] = set()
    ends = log_ends.read_ends

    def counted(path: str, dialect: Dialect, key: str, extent: log_ends.Extent) -> log_ends.LogEnds:
        extents.add(extent)
        found = ends(path, dialect, key, extent)
        assert len(found.first) <= 32
        assert len(found.last) <= 128
        return found

    monkeypatch.setattr(one_run, "read_ends", counted)
    rows = {step: {"train/loss": 1 / step, "train/grad_norm": step / 8} for step in range(1, 500)}
    events = tmp_path / "out" / "runs" / "x" / NAME
    events.parent.mkdir(parents=True)
    events.write_bytes(header() + b"".join(row(step, cells) for step, cells in rows.items()))
    data(tmp_path / "out" / "logging.jsonl", range(1, 500))
    console(tmp_path / "train.log", range(1, 500))
    assert followed(scan(tmp_path), tmp_path) == ["out/logging.jsonl"]
    assert extents == {log_ends.BRIEF}


def test_logs_that_begin_alike_are_read_further_where_one_of_them_lags_behind(tmp_path: Path) -> None:
    """A program that is slow to write ends where the other one has been long ago."""
    data(tmp_path / "out" / "logging.jsonl", range(1, 500))
    console(tmp_path / "train.log", range(1, 120))
    assert followed(scan(tmp_path), tmp_path) == ["out/logging.jsonl"]


def test_what_a_tracker_keeps_gives_way_to_the_log_of_the_trainer_and_goes_before_its_output(
    tmp_path: Path,
) -> None:
    """Its files say the same as the trainer's own; it may be all that there is."""
    options = replace(OPTIONS, dialects=(*OPTIONS.dialects, TRACKER))
    data(tmp_path / "wandb" / "run-20260101_00-ab" / "run-ab.tracked", range(1, 30))
    console(tmp_path / "train.log", range(1, 30))
    found = discover([str(tmp_path)], options, NOW)
    assert followed(found, tmp_path) == ["wandb/run-20260101_00-ab/run-ab.tracked"]
    data(tmp_path / "out" / "logging.jsonl", range(1, 30))
    found = discover([str(tmp_path)], options, NOW)
    assert followed(found, tmp_path) == ["out/logging.jsonl"]
    data(tmp_path / "wandb" / "run-20260102_00-cd" / "run-cd.tracked", range(101, 130))
    assert len(discover([str(tmp_path)], options, NOW).found) == 2


@pytest.mark.parametrize("name", ["logs/train.log", "logs/today/train.out", "out/train.log"])
def test_what_a_tracker_keeps_is_found_from_a_folder_beside_its_own(tmp_path: Path, name: str) -> None:
    """It belongs to the folder in which the training was started, and so does all below that."""
    options = replace(OPTIONS, dialects=(*OPTIONS.dialects, TRACKER))
    kept = data(tmp_path / "wandb" / "run-20260101_00-ab" / "run-ab.tracked", range(1, 30))
    console(tmp_path / name, range(1, 30))
    assert [found.path for found in discover([str(tmp_path)], options, NOW).found] == [str(kept)]
    console(tmp_path / "logs" / "other.log", range(201, 230), NOW - DAY)
    assert len(discover([str(tmp_path)], options, NOW).found) == 2


def test_what_two_trackers_keep_is_one_run_where_its_rows_say_so(tmp_path: Path) -> None:
    """A run of one without a row yet may be anybody's."""
    another = replace(TRACKER, name="another", files=("*.kept",))
    options = replace(OPTIONS, dialects=(*OPTIONS.dialects, TRACKER, another))
    append(tmp_path / "a.kept", modified=NOW)
    data(tmp_path / "wandb" / "run-20260101_00-ab" / "run-ab.tracked", range(1, 30))
    assert len(discover([str(tmp_path)], options, NOW).found) == 2
    data(tmp_path / "a.kept", range(1, 30))
    assert len(discover([str(tmp_path)], options, NOW).found) == 1


def test_the_whole_corpus_has_each_training_once(corpus: Path) -> None:
    """Where its output lies beside its log."""
    found = scan(corpus / "produced")
    assert not [each for each in found.found if os.path.basename(each.path).startswith("std")]
    assert found.left_out["covered"] == len(covered(found, corpus)) > 5


def cells(step: int, seed: int = 0, **more: object) -> dict[str, object]:
    """What a training logs at a step; its first ten steps are the same with each seed."""
    apart = 0.3 * seed if step > 10 else 0.0
    return {"loss": round(2.5 - 0.02 * step + apart, 4), "grad_norm": 0.5 + step / 7, **more}


def rows_of(path: Path, steps: Sequence[int], seed: int = 0, modified: float = NOW) -> Path:
    """A log of data, or of a tracker, with them."""
    place = {step: {"global_step/max_steps": f"{step}/100"} for step in steps}
    lines = (json.dumps(cells(step, seed, **place[step])) for step in steps)
    return append(path, *lines, modified=modified)


def output_of(path: Path, steps: Sequence[int], seed: int = 0, modified: float = NOW) -> Path:
    """What the same training prints."""
    return append(path, *(str(cells(step, seed, epoch=0.1)) for step in steps), modified=modified)


ANOTHER = replace(TRACKER, name="another", files=("*.kept",))
TRACKED = replace(OPTIONS, dialects=(*OPTIONS.dialects, TRACKER, ANOTHER))
STORE = "wandb/run-20260101_00-ab/run-ab.tracked"


def runs(folder: Path, memory: SearchMemory | None = None) -> list[str]:
    """The logs of the runs, with two trackers."""
    return followed(discover([str(folder)], TRACKED, NOW, ALONE, memory), folder)


def test_a_training_that_begins_alike_and_goes_on_differently_is_another_one(tmp_path: Path) -> None:
    """The same seed with another beta: whether a tracker, a trainer or only a terminal has its rows."""
    steps = range(1, 61)
    output_of(tmp_path / "a.log", steps)
    output_of(tmp_path / "b.log", steps, seed=1)
    rows_of(tmp_path / STORE, steps, seed=1)
    assert runs(tmp_path) == ["a.log", STORE]
    rows_of(tmp_path / "mlruns.kept", steps)
    assert runs(tmp_path) == ["mlruns.kept", STORE]
    rows_of(tmp_path / "third" / "logging.jsonl", steps, seed=2)
    assert runs(tmp_path) == ["mlruns.kept", "third/logging.jsonl", STORE]


def test_trainings_part_when_their_rows_do(tmp_path: Path) -> None:
    """Two that run at the same time are alike until then: what was found is looked at again as they grow."""
    memory = SearchMemory(TRACKED)
    for name, seed in (("a.kept", 0), (STORE, 1)):
        rows_of(tmp_path / name, range(1, 9), seed)
    assert len(runs(tmp_path, memory)) == 1
    for name, seed in (("a.kept", 0), (STORE, 1)):
        rows_of(tmp_path / name, range(9, 31), seed)
    assert len(runs(tmp_path, memory)) == 2


def test_rows_that_part_far_behind_the_begin_are_of_two_trainings(tmp_path: Path) -> None:
    """Between what is read at first of both ends: one is ahead of the other by more than that."""
    for name, last in ((STORE, 900), ("a.kept", 2000)):
        rows_of(tmp_path / name, range(1, last))
    assert len(runs(tmp_path)) == 1
    (tmp_path / STORE).unlink()
    rows_of(tmp_path / STORE, range(1, 500))
    append(tmp_path / STORE, *(swift(step, 100, loss=9.0 + step) for step in range(500, 900)), modified=NOW)
    assert len(runs(tmp_path)) == 2


def test_one_training_in_all_places_is_one_run(tmp_path: Path) -> None:
    """Two trackers and a terminal, side by side or far apart; another one beside it has its own."""
    steps = range(1, 41)
    for seed, name in enumerate(("x", "y")):
        rows_of(tmp_path / "kept" / "deep" / f"{name}.kept", steps, seed)
        rows_of(tmp_path / f"{name}run" / "wandb" / "run-20260101_00-ab" / "run-ab.tracked", steps, seed)
        output_of(tmp_path / "outputs" / "of" / "all" / f"{name}.log", steps, seed)
    assert len(runs(tmp_path)) == 2


def test_short_trainings_far_apart_are_not_taken_for_one(tmp_path: Path) -> None:
    """One that broke down after two rows has the same ones as the next with its seed."""
    rows_of(tmp_path / "first" / "out" / "logging.jsonl", range(1, 3))
    rows_of(tmp_path / "second" / "out" / "a.kept", range(1, 3))
    assert len(runs(tmp_path)) == 2


def test_an_empty_log_hides_no_other_one(tmp_path: Path) -> None:
    """Neither of its folder nor printed; when it gets rows it is followed."""
    data(tmp_path / "a" / "trainer_log.jsonl", range(1, 30), NOW - 60.0)
    append(tmp_path / "a" / "logging.jsonl", modified=NOW)
    console(tmp_path / "b" / "train.log", range(101, 130))
    append(tmp_path / "b" / "logging.jsonl", modified=NOW)
    assert followed(scan(tmp_path), tmp_path) == ["a/trainer_log.jsonl", "b/train.log"]
    data(tmp_path / "b" / "logging.jsonl", range(101, 130))
    assert followed(scan(tmp_path), tmp_path) == ["a/trainer_log.jsonl", "b/logging.jsonl"]


@pytest.mark.parametrize("name", ["out/mine.txt", "out.txt"])
def test_an_empty_log_hides_none_that_the_operator_named(tmp_path: Path, name: str) -> None:
    """In its folder or beside it."""
    options = replace(OPTIONS, stdout_log=("*.txt",))
    append(tmp_path / "out" / "logging.jsonl", modified=NOW)
    console(tmp_path / name, range(1, 9))
    assert followed(discover([str(tmp_path)], options, NOW), tmp_path) == [name]
    data(tmp_path / "out" / "logging.jsonl", range(1, 9))
    assert followed(discover([str(tmp_path)], options, NOW), tmp_path) == ["out/logging.jsonl"]


@pytest.mark.parametrize(
    ("printed_as", "logged"),
    [("0.003", 0.00344), ("1.234", 1.23399), ("0.000", 1e-6), ("1.23e-05", 1.2345e-05), ("5e-08", 4.6e-08)],
)
def test_a_value_is_the_same_however_it_was_rounded(printed_as: str, logged: float) -> None:
    """To three decimals, four digits, or eight decimals."""
    rows = [
        [same_rows.TrainingRow(step, {LOSS: value, GRAD_NORM: step / 3}) for step in range(1, 4)]
        for value in (float(printed_as), logged)
    ]
    zeros = float(printed_as) == 0  # which tell nothing
    assert same_rows.agreement(*rows) is (same_rows.Agreement.APART if zeros else same_rows.Agreement.SAME)


def test_values_that_differ_in_a_digit_that_both_have_are_not_the_same() -> None:
    """However little that is."""
    rows = [
        [same_rows.TrainingRow(step, {LOSS: value, GRAD_NORM: step / 3}) for step in range(1, 4)]
        for value in (1.23456, 1.23468)
    ]
    assert same_rows.agreement(*rows) is same_rows.Agreement.DIFFERENT


def test_half_a_row_at_the_end_tells_nothing_against_the_others() -> None:
    """Trackers log a row number by number, and each at its own time."""
    whole = [same_rows.TrainingRow(step, {LOSS: 1.0 / step, GRAD_NORM: step / 3}) for step in range(1, 9)]
    begun = [whole[0], same_rows.TrainingRow(2, {LOSS: 0.5})]
    assert same_rows.agreement(whole, begun) is same_rows.Agreement.SAME


FIRST, SECOND = "wandb/run-1/run-a.tracked", "wandb/run-2/run-b.tracked"


def state_of(folder: Path, last: int, modified: float = NOW) -> Path:
    """The rows up to a step as a checkpoint has them."""
    rows = [{**cells(step), "step": step} for step in range(1, last + 1)]
    text = json.dumps({"global_step": last, "max_steps": 200, "log_history": rows})
    return append(folder / f"checkpoint-{last}" / "trainer_state.json", text, modified=modified)


def test_a_training_that_goes_on_in_another_store_is_followed_there(tmp_path: Path) -> None:
    """Each process begins a store, and a checkpoint has the rows of both: no log hides one that grows."""
    memory = SearchMemory(TRACKED)
    rows_of(tmp_path / FIRST, range(1, 61), modified=NOW - 700)
    state_of(tmp_path / "out", 50, NOW - 700)
    assert runs(tmp_path, memory) == [FIRST]
    rows_of(tmp_path / SECOND, range(51, 94), modified=NOW - 60)
    assert runs(tmp_path, memory) == [FIRST, SECOND]
    state_of(tmp_path / "out", 80, NOW - 100)
    assert runs(tmp_path, memory) == runs(tmp_path) == [SECOND]
    state_of(tmp_path / "out", 93, NOW - 60)
    assert runs(tmp_path, memory) == [SECOND]
    assert runs(tmp_path) == ["out/trainer_state.json"]
    rows_of(tmp_path / SECOND, range(94, 96))
    assert runs(tmp_path, memory) == runs(tmp_path) == [SECOND]


def test_of_a_resumed_training_the_log_with_all_rows_is_followed(tmp_path: Path) -> None:
    """What it prints, while the stores have a part each; with a checkpoint and without one."""
    for times in ((NOW, NOW), (NOW - 5000.0, NOW)):
        folder = tmp_path / str(times[0])
        rows_of(folder / FIRST, range(1, 61), modified=times[0])
        rows_of(folder / SECOND, range(51, 101), modified=times[1])
        output_of(folder / "train.log", [*range(1, 61), *range(51, 101)])
        assert runs(folder) == ["train.log"]
        state_of(folder / "out", 100)
        assert runs(folder) == ["train.log"]
        (folder / "train.log").unlink()
        assert runs(folder) == ["out/trainer_state.json"]


def test_a_store_that_catches_up_is_followed_while_the_one_before_it_is_still(tmp_path: Path) -> None:
    """It has come less far as yet, and logs the same again."""
    rows_of(tmp_path / FIRST, range(1, 61), modified=NOW - 5000.0)
    rows_of(tmp_path / SECOND, range(51, 56))
    output_of(tmp_path / "train.log", [*range(1, 61), *range(51, 56)])
    assert runs(tmp_path) == ["train.log"]


def test_outputs_of_a_resumed_training_give_way_to_a_checkpoint_with_all_rows(tmp_path: Path) -> None:
    """Until the last of them goes on."""
    output_of(tmp_path / "train_1.log", range(1, 61))
    output_of(tmp_path / "train_2.log", range(51, 101))
    state_of(tmp_path / "out", 100)
    assert runs(tmp_path) == ["out/trainer_state.json"]
    output_of(tmp_path / "train_2.log", range(101, 103))
    assert runs(tmp_path) == ["train_2.log"]


def test_a_log_of_data_that_was_left_behind_gives_way_to_what_is_still_printed(tmp_path: Path) -> None:
    """Its writer may hold rows back for a while, and for no longer."""
    rows_of(tmp_path / "out" / "logging.jsonl", range(1, 50), modified=NOW - 60.0)
    output_of(tmp_path / "train.log", range(1, 61))
    assert runs(tmp_path) == ["out/logging.jsonl"]
    os.utime(tmp_path / "out" / "logging.jsonl", (NOW - 5000.0, NOW - 5000.0))
    assert runs(tmp_path) == ["train.log"]


def test_what_is_printed_after_the_training_does_not_change_what_is_followed(tmp_path: Path) -> None:
    """An evaluation goes on for hours."""
    rows_of(tmp_path / "out" / "logging.jsonl", range(1, 61), modified=NOW - 5000.0)
    output_of(tmp_path / "train.log", range(1, 61))
    append(tmp_path / "train.log", *["Evaluating"] * 9, modified=NOW)
    assert runs(tmp_path) == ["out/logging.jsonl"]


def test_an_output_belongs_to_the_log_that_has_all_of_its_rows(tmp_path: Path) -> None:
    """And not to a copy of the beginning of that."""
    rows_of(tmp_path / "out" / "v0" / "logging.jsonl", range(1, 101), modified=NOW - 9.0)
    rows_of(tmp_path / "backup" / "v0" / "logging.jsonl", range(1, 71))
    output_of(tmp_path / "slurm-1.out", range(1, 101))
    found = covered(scan(tmp_path), tmp_path)
    assert found == {"slurm-1.out": "out/v0/logging.jsonl"}


def test_a_file_under_an_odd_name_that_has_the_rows_of_a_run_is_told_as_that(tmp_path: Path) -> None:
    """To name it would change nothing; another one may be a run."""
    log = rows_of(tmp_path / "out" / "logging.jsonl", range(1, 61))
    same = output_of(tmp_path / "out" / "running_log.txt", range(1, 61))
    another = output_of(tmp_path / "out" / "other.txt", range(1, 61), seed=1)
    rules = rules_for_reading(Settings())
    left = rules.survey(str(tmp_path), rules.search([str(tmp_path)], NOW, None, 8))
    told = {each.path: (each.reason, each.instead) for each in left}
    assert told == {str(same): ("covered", str(log)), str(another): ("odd_name", "")}


def test_what_the_logs_of_a_resumed_training_have_is_asked_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search of thousands that are quiet reads nothing."""
    memory = SearchMemory(TRACKED)
    rows_of(tmp_path / FIRST, range(1, 51), modified=NOW - 5000.0)
    rows_of(tmp_path / SECOND, range(51, 94))
    state_of(tmp_path / "out", 80)
    read: list[str] = []
    ends = log_ends.read_ends

    def counted(path: str, *rest: object) -> object:
        read.append(os.path.relpath(path, tmp_path))
        return ends(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(one_run, "read_ends", counted)
    assert runs(tmp_path, memory) == [SECOND]
    assert read
    read.clear()
    rows_of(tmp_path / SECOND, range(94, 97), modified=NOW + 1.0)
    assert runs(tmp_path, memory) == [SECOND]
    assert read == []
