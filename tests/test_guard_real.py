"""The guard inside real trainers, put in by the hook, in trainings of a minute on the CPU."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.guard.guard_file import guard_path
from llmtrain_exporter.guard.options import GuardOptions, LiveControl
from llmtrain_exporter.ingest.discover import SearchOptions, discover
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge.guard_limits import STOPPED_EXIT_CODE
from llmtrain_exporter.model.guarded import GuardFile

from tests import trainers
from tests.project import IMPORTED_FROM, ROOT
from tests.test_guard_hook import HOOK
from tests.trainers import LLAMAFACTORY, SWIFT, SWIFT_OLDER, TRL, TRL_OLDER, Ended, Lab

MakeFor = Callable[[Lab], Path]
TOO_FAST = ("--learning_rate", "1e-2", "--beta", "0.01")
BROKEN = ("--broken_at", "30", "--logging_nan_inf_filter", "false")
SOON = GuardOptions("stop", severity="info", signals=("lr_out_of_range",), for_records=3)
"""Stops a training with such a rate as soon as it is warm: what is found is tested elsewhere."""

WITHOUT_SECOND = """
import os, sys
if os.environ.get("RANK") == "1":
    sys.meta_path[:] = [each for each in sys.meta_path if type(each).__name__ != "TrainerFinder"]
"""
OWN_SCRIPT = """
import sys
from transformers import Trainer
from llmtrain_exporter.guard import Guard

class Own(Trainer):
    def __init__(self, **given):
        super().__init__(callbacks=[Guard()], **given)

sys.modules["transformers"].Trainer = Own
from tests.tiny_training import train
train.main(*sys.argv[1:])
"""


def guarded(command: Sequence[str], output: Path, options: GuardOptions, *path: Path) -> Ended:
    """Run a training with a guard inside. `path`: folders in which its Python looks for modules, too."""
    where = ":".join(map(str, (HOOK, *path, ROOT)))
    return trainers.run(command, output.with_suffix(".log"), PYTHONPATH=where, **options.to_env())


def file_of(output: Path) -> GuardFile:
    """What the guard wrote down; ms-swift has a folder for each start."""
    (path,) = output.rglob(guard_path("").name)
    read = read_guard_file(path)
    assert read is not None
    return read


def rows_of(output: Path) -> list[dict[str, Any]]:
    """The rows of the trainer that were recorded."""
    (path,) = output.rglob("llmtrain.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row for row in rows if "loss" in row]


def grpo_of(lab: Lab) -> Callable[..., list[str]]:
    """How a GRPO is started with it."""
    if lab in (SWIFT, SWIFT_OLDER):
        return lambda folder, output, *flags: trainers.swift_grpo(lab, folder, output, *flags)
    return lambda folder, output, *flags: trainers.script(lab, "grpo", folder, output, *flags)


@pytest.mark.parametrize("lab", [TRL, TRL_OLDER, SWIFT, SWIFT_OLDER], ids=lambda lab: lab.name)
def test_a_training_is_recorded_and_stopped(lab: Lab, small_training: MakeFor, tmp_path: Path) -> None:
    """Its process ends with a code of its own, its rows can be followed, nothing is saved then."""
    output = tmp_path / "out"
    ended = guarded(grpo_of(lab)(small_training(lab), output, *TOO_FAST, "--max_steps", "20"), output, SOON)
    assert ended.code == STOPPED_EXIT_CODE, ended.output[-3000:]
    content = file_of(output)
    assert content.state == "stopped"
    assert content.reason is not None
    stopped = content.reason.step
    assert [row["step"] for row in rows_of(output)] == list(range(1, stopped + 1))
    assert content.next in ended.output
    assert 5 < stopped < 20
    saved = [int(path.name.partition("-")[2]) for path in output.rglob("checkpoint-*") if path.is_dir()]
    assert all(step < stopped for step in saved)
    (found,) = discover([str(output)], SearchOptions(), 0.0).found
    source = open_source(found, Readers(None))
    reading = source.poll(0.0)
    source.close()
    assert found.dialect.name == "guarded"
    assert reading is not None
    assert list(reading.times) == [row["time"] for row in map(_with_time, _lines(found.path)) if row]


def _lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def _with_time(row: dict[str, Any]) -> dict[str, Any] | None:
    return row if "llmtrain" not in row and "guard" not in row else None


@pytest.mark.parametrize("lab", [TRL, TRL_OLDER], ids=lambda lab: lab.name)
def test_a_training_that_goes_well_is_the_same_with_a_guard(
    lab: Lab, small_training: MakeFor, tmp_path: Path
) -> None:
    """Number by number; its end too."""
    logged = []
    for name, run in (("alone", trainers.run), ("guarded", None)):
        output = tmp_path / name
        command = trainers.script(lab, "grpo", small_training(lab), output, "--max_steps", "12")
        if run is None:
            ended = guarded(command, output, GuardOptions("stop", skip_bad_updates=True))
        else:
            ended = run(command, output.with_suffix(".log"))
        assert ended.code == 0, ended.output[-3000:]
        logged.append([_without_times(row) for row in trainers.history(output)])
    assert logged[0] == logged[1]
    assert replace(file_of(tmp_path / "guarded"), began=None) == GuardFile("ended")


def _without_times(row: dict[str, float]) -> dict[str, float]:
    return {key: value for key, value in row.items() if "time" not in key and "tokens_per" not in key}


@pytest.mark.parametrize("lab", [TRL, TRL_OLDER], ids=lambda lab: lab.name)
def test_an_update_of_nothing_is_skipped(lab: Lab, small_training: MakeFor, tmp_path: Path) -> None:
    """One row of data has no loss: without the guard no gradient is a number afterwards.

    The loss that is logged stays NaN: the trainer takes the sum of it so far from itself.
    """
    output = tmp_path / "out"
    command = trainers.script(lab, "sft", small_training(lab), output, *BROKEN)
    ended = guarded(command, output, GuardOptions(skip_bad_updates=True))
    assert ended.code == 0, ended.output[-3000:]
    assert [row["step"] for row in rows_of(output) if math.isnan(row["grad_norm"])] == [30]
    assert [(event.action, event.step) for event in file_of(output).events] == [("skip", 30)]


def test_a_snapshot_of_what_was_stopped_can_be_gone_on_from(small_training: MakeFor, tmp_path: Path) -> None:
    """It lies aside, whole; the checkpoints of the rotation are those from before."""
    output = tmp_path / "out"
    script = trainers.script(TRL, "sft", small_training(TRL), output, *BROKEN, "--save_total_limit", "1")
    ended = guarded(script, output, GuardOptions("save", free_bytes=0))
    assert ended.code == STOPPED_EXIT_CODE, ended.output[-3000:]
    assert [path.name for path in output.glob("checkpoint-*")] == ["checkpoint-25"]
    aside = output / "llmtrain-kept" / "at-incident" / "checkpoint-30"
    again = [*script, "--resume_from_checkpoint", str(aside), "--max_steps", "32"]
    ended = trainers.run(again, tmp_path / "again.log")
    assert ended.code == 0, ended.output[-3000:]


def test_the_new_rate_is_in_force_after_a_resume(small_training: MakeFor, tmp_path: Path) -> None:
    """The optimizer's own state has the old one, and would win."""
    output = tmp_path / "out"
    script = trainers.script(TRL, "sft", small_training(TRL), output, "--learning_rate", "1e-3")
    ended = trainers.run([*script, "--max_steps", "5"], tmp_path / "first.log")
    assert ended.code == 0, ended.output[-3000:]
    script = trainers.script(TRL, "sft", small_training(TRL), output, "--learning_rate", "1e-4")
    options = GuardOptions("rescue", attempt=1, scale_learning_rate=1.0, grace_until_step=10)
    resumed = [*script, "--max_steps", "8", "--resume_from_checkpoint", str(output / "checkpoint-5")]
    ended = guarded(resumed, output, options)
    assert ended.code == 0, ended.output[-3000:]
    assert [row["learning_rate"] for row in rows_of(output) if row["step"] > 6] == pytest.approx([1e-4] * 2)
    assert file_of(output).state == "rescued"


def test_the_rate_is_cut_by_the_measured_kl(small_training: MakeFor, tmp_path: Path) -> None:
    """The log shows what is in force."""
    output = tmp_path / "out"
    command = trainers.script(TRL, "grpo", small_training(TRL), output, *TOO_FAST, "--max_steps", "30")
    ended = guarded(command, output, GuardOptions(live=LiveControl(kl_target=0.01, beta_target=0.01)))
    assert ended.code == 0, ended.output[-3000:]
    assert rows_of(output)[-1]["learning_rate"] < 5e-3
    changed = {event.details["setting"] for event in file_of(output).events}
    assert changed == {"learning_rate_share", "beta"}


def test_all_ranks_stop_at_the_same_step(small_training: MakeFor, tmp_path: Path) -> None:
    """And save aside together; torchrun has a code of its own, the file says why."""
    output = tmp_path / "out"
    script = trainers.script(TRL, "sft", small_training(TRL), output, *BROKEN, "--broken_at", "8")
    options = GuardOptions("save", free_bytes=0, skip_bad_updates=False)
    ended = guarded(trainers.with_processes(TRL, 2, script), output, options)
    assert ended.code == 1, ended.output[-3000:]
    content = file_of(output)
    assert content.state == "stopped"
    assert content.reason is not None
    aside = output / "llmtrain-kept" / "at-incident" / f"checkpoint-{content.reason.step}"
    assert len(list(aside.glob("rng_state_*.pth"))) == 2


def test_all_ranks_skip_the_same_update(small_training: MakeFor, tmp_path: Path) -> None:
    """They stay together, and come to the end; the broken row comes in each of the two epochs."""
    output = tmp_path / "out"
    script = trainers.script(TRL, "sft", small_training(TRL), output, *BROKEN, "--broken_at", "8")
    ended = guarded(trainers.with_processes(TRL, 2, script), output, GuardOptions(skip_bad_updates=True))
    assert ended.code == 0, ended.output[-3000:]
    broken = [row["step"] for row in rows_of(output) if math.isnan(row["grad_norm"])]
    assert len(broken) == 2
    assert [event.step for event in file_of(output).events if event.action == "skip"] == broken


def test_a_rank_without_a_guard_is_not_waited_for(small_training: MakeFor, tmp_path: Path) -> None:
    """Nothing hangs: where not all can stop together, none is stopped, and that is told."""
    output = tmp_path / "out"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WITHOUT_SECOND)
    script = trainers.script(
        TRL, "sft", small_training(TRL), output, *BROKEN, "--broken_at", "4", "--max_steps", "10"
    )
    options = GuardOptions("stop", skip_bad_updates=True)
    ended = guarded(trainers.with_processes(TRL, 2, script), output, options, tmp_path / "site")
    assert ended.code == 0, ended.output[-3000:]
    assert rows_of(output)[-1]["step"] == 10
    assert "refuse" in {event.action for event in file_of(output).events}


def test_a_script_of_ones_own_needs_no_launcher(small_training: MakeFor, tmp_path: Path) -> None:
    """It hands a guard to its trainer, which finds that out by itself."""
    output = tmp_path / "out"
    (tmp_path / "own.py").write_text(OWN_SCRIPT)
    _, _, _, *words = trainers.script(TRL, "sft", small_training(TRL), output, *BROKEN)
    own = [str(TRL.python), str(tmp_path / "own.py"), *words]
    ended = trainers.run(
        own,
        output.with_suffix(".log"),
        PYTHONPATH=f"{ROOT}:{IMPORTED_FROM}",
        **GuardOptions("save", free_bytes=0).to_env(),
    )
    assert ended.code == STOPPED_EXIT_CODE, ended.output[-3000:]
    assert (output / "llmtrain-kept" / "at-incident" / "checkpoint-30" / "trainer_state.json").exists()


def test_llamafactory_is_recorded_and_stopped(small_training: MakeFor, tmp_path: Path) -> None:
    """Which has no flag for callbacks."""
    output = tmp_path / "out"
    folder = small_training(LLAMAFACTORY)
    command = trainers.llamafactory_sft(LLAMAFACTORY, folder, output, "learning_rate=1e-2", "max_steps=20")
    ended = guarded(command, output, SOON)
    assert ended.code == STOPPED_EXIT_CODE, ended.output[-3000:]
    assert "grad_norm" in rows_of(output)[0]
    assert file_of(output).state == "stopped"
