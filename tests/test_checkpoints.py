"""A log that stands in checkpoints alone is a run; copies of checkpoints are none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.checkpoints import read_checkpoints
from llmtrain_exporter.ingest.discover import Scan, SearchOptions, discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import unobserved
from llmtrain_exporter.watching.on_demand import open_log, read_each, read_log, read_to_end
from llmtrain_exporter.watching.rules import rules_for_reading

from tests.test_source import polled, steps
from tests.training import save_checkpoint

LIVE = '{"loss": 1.5, "global_step/max_steps": "1/10"}\n'
NEVER_OLD = SearchOptions(ignore_older=None)
OPTIMIZER = ("optimizer.pt", "scheduler.pt", "rng_state.pth", "rng_state_3.pth")


def state(folder: Path, last: int, name: str = "trainer_state.json", first: int = 10) -> Path:
    """A document with a record each ten steps."""
    rows = [{"loss": 10.0 / step, "epoch": step / 100, "step": step} for step in range(first, last + 1, 10)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({"global_step": last, "max_steps": 100, "log_history": rows}))
    return path


def scan(*roots: Path, options: SearchOptions = NEVER_OLD) -> Scan:
    return discover([str(root) for root in roots], options, 0.0)


def names(*roots: Path, options: SearchOptions = NEVER_OLD) -> list[str]:
    return [found.run for found in scan(*roots, options=options).found]


def test_a_run_whose_log_stands_in_checkpoints_alone_is_called_after_its_folder(tmp_path: Path) -> None:
    """The newest is read, by its number and not by its name."""
    for step in (20, 40, 100):
        state(tmp_path / "output" / f"checkpoint-{step}", step)
    assert names(tmp_path) == names(tmp_path / "output") == ["output"]
    (found,) = scan(tmp_path).found
    source = open_source(found, Readers())
    assert source.path == str(tmp_path / "output/checkpoint-100/trainer_state.json")
    assert steps(polled(source)) == list(range(10, 101, 10))


def test_a_newer_checkpoint_continues_the_one_before(tmp_path: Path) -> None:
    """Nothing begins anew: each has the whole history. At the end it stands in the run's own folder."""
    state(tmp_path / "checkpoint-20", 20)
    (found,) = scan(tmp_path).found
    source = open_source(found, Readers())
    assert steps(polled(source)) == [10, 20]
    (tmp_path / "checkpoint-40").mkdir()  # the weights come first
    assert polled(source) == []
    state(tmp_path / "checkpoint-40", 40)
    (tmp_path / "checkpoint-20/trainer_state.json").unlink()  # as save_total_limit has it
    (more,) = polled(source)
    assert (steps(more), more.restarted) == ([30, 40], False)
    state(tmp_path, 50)
    (more,) = polled(source)
    assert (steps(more), more.restarted, source.path) == ([50], False, found.path)
    assert scan(tmp_path).found[0].path == found.path


def test_a_resumed_run_that_wrote_checkpoints_goes_on(tmp_path: Path) -> None:
    """Its documents begin with what was there before."""
    state(tmp_path / "checkpoint-20", 20)
    (found,) = scan(tmp_path).found
    source = open_source(found, Readers())
    polled(source)
    state(tmp_path / "checkpoint-30", 30)
    assert [steps(reading) for reading in polled(source)] == [[30]]


def test_the_run_says_where_it_is_read_and_knows_its_checkpoints(tmp_path: Path) -> None:
    """The file is one that is there."""
    for step in (20, 40):
        save_checkpoint(tmp_path, step)
        state(tmp_path / f"checkpoint-{step}", step)
    (found,) = scan(tmp_path).found
    rules = rules_for_reading(Settings())
    run = open_log(found, rules.options(found), rules.readers, unobserved)
    read_to_end(run, 0.0, 0.0)
    told = run.outcome(0.0)
    assert (told.file, getattr(told, "checkpoints", ())) == (
        str(tmp_path / "checkpoint-40/trainer_state.json"),
        (20, 40),
    )


def test_of_a_document_without_a_row_is_told_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the checkpoint, what stands there too, and also where it cannot be analysed."""
    document = state(tmp_path / "checkpoint-20", 0)
    rules = rules_for_reading(Settings())
    (told,) = read_each(read_log, [str(tmp_path)], rules, 0.0)
    assert isinstance(told, NoRun)
    assert (told.file, told.unread is not None) == (str(document), True)
    monkeypatch.setattr(LiveRun, "read_on", None)
    (told,) = read_each(read_log, [str(tmp_path)], rules, 0.0)
    assert isinstance(told, NoRun)
    assert (told.file, told.reason) == (str(document), NoRunReason.BROKEN)


def test_a_checkpoint_without_its_document_is_passed_over(tmp_path: Path) -> None:
    """It is being written, or only weights were saved."""
    state(tmp_path / "out/checkpoint-20", 20)
    (tmp_path / "out/checkpoint-40").mkdir()
    assert [found.run for found in scan(tmp_path).found] == ["out"]
    (tmp_path / "out/checkpoint-20/trainer_state.json").unlink()
    assert names(tmp_path) == []


@pytest.mark.parametrize("link", ["last-checkpoint", "last", "best", "newest one"])
def test_a_link_to_a_checkpoint_is_no_run(tmp_path: Path, link: str) -> None:
    """ms-swift keeps one to the last checkpoint and one to the best."""
    (tmp_path / "logging.jsonl").write_text(LIVE)
    state(tmp_path / "checkpoint-20", 20)
    (tmp_path / link).symlink_to("checkpoint-20")
    result = scan(tmp_path)
    assert (len(result.found), result.left_out) == (1, {"checkpoint": 2})


@pytest.mark.parametrize("log", ["logging.jsonl", "trainer_state.json", "checkpoint-50/trainer_state.json"])
@pytest.mark.parametrize(
    "copy", ["kept/checkpoint-30", "best_checkpoint", "old/kept/checkpoint-30", "ckpt-30"]
)
def test_copies_of_checkpoints_below_a_run_are_no_runs(tmp_path: Path, log: str, copy: str) -> None:
    """Wherever people keep them."""
    (tmp_path / "out").mkdir()
    state(tmp_path / "out" / os.path.dirname(log), 50)
    if log == "logging.jsonl":
        (tmp_path / "out" / log).write_text(LIVE)
    state(tmp_path / "out" / copy, 30)
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("file", OPTIMIZER)
def test_a_checkpoint_under_any_name_below_a_run_is_known_by_what_it_holds(tmp_path: Path, file: str) -> None:
    """A training could go on from it."""
    (tmp_path / "logging.jsonl").write_text(LIVE)
    state(tmp_path / "the good one", 30)
    assert len(names(tmp_path)) == 2
    (tmp_path / "the good one" / file).write_bytes(b"")
    assert len(names(tmp_path)) == 1


def test_a_checkpoint_that_is_being_written_is_no_run(tmp_path: Path) -> None:
    """It has another name until it is whole."""
    state(tmp_path / "tmp-checkpoint-20", 20)
    assert names(tmp_path) == []


def test_runs_below_a_folder_of_runs_are_all_found(tmp_path: Path) -> None:
    """Each with checkpoints alone."""
    for name in ("a", "b/c"):
        state(tmp_path / name / "checkpoint-10", 10)
    assert names(tmp_path) == ["a", "b/c"]


@pytest.mark.parametrize("root", ["kept", "kept/checkpoint-30"])
def test_a_copy_that_is_named_is_a_run(tmp_path: Path, root: str) -> None:
    """Whoever names a folder means it."""
    (tmp_path / "logging.jsonl").write_text(LIVE)
    state(tmp_path / "kept/checkpoint-30", 30)
    assert len(names(tmp_path / root)) == 1


def test_a_printed_log_beside_the_folder_covers_its_checkpoints(tmp_path: Path) -> None:
    """It grows with each row; the checkpoints come now and then."""
    (tmp_path / "run1.log").write_text("{'loss': 1.5, 'epoch': 0.1}\n")
    state(tmp_path / "run1/checkpoint-10", 10)
    options = SearchOptions(stdout_log=("*.log",), ignore_older=None)
    (found,) = scan(tmp_path, options=options).found
    assert (found.run, found.dialect.name) == ("run1", "printed")


def test_a_run_of_checkpoints_leaves_when_it_is_old(tmp_path: Path) -> None:
    """By the time at which the newest was written."""
    os.utime(state(tmp_path / "checkpoint-10", 10), (1e9, 1e9))
    result = discover([str(tmp_path)], SearchOptions(), 2e9)
    assert (result.found, result.left_out) == ((), {"checkpoint": 1, "too_old": 1})


@pytest.mark.parametrize(
    ("files", "complete"),
    [
        ({"model.safetensors": 8, "optimizer.pt": 8}, True),
        ({"adapter_model.bin": 8}, True),
        ({"pytorch_model.bin": 8}, True),
        ({"model-00001-of-00002.safetensors": 8, "model-00002-of-00002.safetensors": 8}, True),
        ({"global_step20/mp_rank_00_model_states.pt": 8, "latest": 8}, True),
        ({"iter_0000020/mp_rank_00/model_optim_rng.pt": 8}, True),
        ({}, False),
        ({"trainer_state.json": 8, "training_args.bin": 8, "optimizer.pt": 8, "optimizer.bin": 8}, False),
        ({"model.safetensors": 0, "optimizer.pt": 8}, False),
        ({"model-00001-of-00002.safetensors": 8}, False),
        ({"global_step20/mp_rank_00_model_states.pt": 0, "latest": 8}, False),
    ],
)
def test_a_checkpoint_without_all_its_weights_is_none(
    tmp_path: Path, files: dict[str, int], complete: bool
) -> None:
    """A save that was cut short cannot be resumed from."""
    (tmp_path / "checkpoint-20").mkdir()
    for name, size in files.items():
        path = tmp_path / "checkpoint-20" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"w" * size)
    assert read_checkpoints(str(tmp_path)) == ((20,) if complete else ())
