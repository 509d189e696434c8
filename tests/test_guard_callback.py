"""The guard inside a training: what it records, when it stops, and that it never does harm."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.guard import Guard
from llmtrain_exporter.guard.guard_file import guard_path, write_guard_file
from llmtrain_exporter.guard.inside import callback
from llmtrain_exporter.guard.inside.agreement import Ranks
from llmtrain_exporter.guard.inside.judging import Judge
from llmtrain_exporter.guard.inside.skipping import NormListener
from llmtrain_exporter.guard.inside.watch import Watch
from llmtrain_exporter.guard.options import VARIABLE, GuardOptions
from llmtrain_exporter.guard.recording import RowRecorder
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.knowledge.guard_limits import STOPPED_EXIT_CODE
from llmtrain_exporter.model.guarded import Began, GuardEvent, GuardFile, StopReason

from tests.fake_trainer import FakeTrainer, Flow, collapsed, dying, healthy

NOW = 1_800_000_000.0
STOP = GuardOptions("stop")


@pytest.fixture(autouse=True)
def _no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def clock() -> Callable[[], float]:
    """Unix time that goes on by a second at each look."""
    times = count(NOW)
    return lambda: float(next(times))


def guard(options: GuardOptions = STOP) -> Guard:
    return Guard(options, clock=clock())


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """What was recorded."""
    return [json.loads(line) for line in (folder / "llmtrain.jsonl").read_text().splitlines()]


def file_of(folder: Path) -> GuardFile:
    """The guard's own file."""
    read = read_guard_file(guard_path(folder))
    assert read is not None
    return read


def train_until_stopped(trainer: FakeTrainer, rows: list[dict[str, object]]) -> int:
    """Train on rows that have the guard stop it; the step at which it did."""
    with pytest.raises(SystemExit) as stopped:
        trainer.train(rows)
    assert stopped.value.code == STOPPED_EXIT_CODE
    return int(trainer.state.global_step)


# It records


def test_each_row_is_recorded_with_its_step_and_time(tmp_path: Path) -> None:
    """As the trainer logs it, NaN included, behind what the training was started with."""
    trainer = FakeTrainer(tmp_path, guard(GuardOptions()))
    trainer.train([healthy(1), {"loss": float("nan"), "grad_norm": float("inf")}])
    begin, first, second = rows_of(tmp_path)
    assert begin["settings"]["beta"] == 0.04
    assert begin["settings"]["learning_rate"] == 1e-3
    assert first["step"] == 1
    assert first["max_steps"] == 1000
    assert first["reward"] == healthy(1)["reward"]
    assert begin["time"] < first["time"] < second["time"]
    assert str(second["loss"]) == "nan"
    assert second["grad_norm"] == float("inf")


def test_what_a_checkpoint_knows_of_the_past_is_recorded_once(tmp_path: Path) -> None:
    """A training that goes on without a log from before has its history in it; one that has it, not again."""
    for _ in range(2):
        trainer = FakeTrainer(tmp_path, guard(GuardOptions()))
        trainer.state.log_history = [{**healthy(step), "step": step, "epoch": step / 100} for step in (1, 2)]
        trainer.train([healthy(3)], begin=2)
    assert [row.get("step") for row in rows_of(tmp_path)] == [None, 1, 2, 3, None, 3]


def test_a_training_that_goes_well_is_left_alone(tmp_path: Path) -> None:
    """Its file says that it came to its end; nothing was set."""
    trainer = FakeTrainer(tmp_path, Flow(save_steps=10), guard())
    trainer.train([healthy(step) for step in range(1, 61)])
    assert file_of(tmp_path) == GuardFile("ended", began=Began(NOW, 0))
    assert len(trainer.saved) == 6
    assert trainer.optimizer.applied == list(range(1, 61))


# It tells, stops, saves


def test_an_incident_is_told_once_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """That is what it does when nobody asks for more."""
    trainer = FakeTrainer(tmp_path, Flow(save_steps=10), guard(GuardOptions()))
    trainer.train(dying(30, 20))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert trainer.state.global_step == 50
    assert len(trainer.saved) == 5
    content = file_of(tmp_path)
    assert content.state == "ended"
    assert content.reason is not None
    assert content.reason.severity == "critical"
    assert content.next.startswith("Go back to a checkpoint from before step 31")


def test_a_training_that_is_stopped_ends_its_process_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the step of the incident, in its last lines and in its file."""
    step = train_until_stopped(FakeTrainer(tmp_path, guard()), dying(30, 20))
    assert step == 31
    content = file_of(tmp_path)
    assert content.state == "stopped"
    assert content.reason is not None
    assert content.reason.step == 31
    assert "--learning_rate" in content.next
    assert [event.action for event in content.events] == ["stop"]
    said = capsys.readouterr().err
    assert content.next in said
    assert str(guard_path(tmp_path)) in said
    assert rows_of(tmp_path)[-1]["guard"]["action"] == "stop"


def test_stopping_does_not_save_into_the_rotation(tmp_path: Path) -> None:
    """With one checkpoint kept, the last one of a lost policy would push the good one out."""
    trainer = FakeTrainer(tmp_path, Flow(save_steps=31, by_epoch=True), guard())
    (tmp_path / "checkpoint-20").mkdir()
    train_until_stopped(trainer, dying(30, 20))
    assert (trainer.saved, trainer.evaluated) == ([], [])
    assert (tmp_path / "checkpoint-20").exists()


def test_a_snapshot_is_written_aside_before_the_stop(tmp_path: Path) -> None:
    """The rotation is as it was, and so is what the trainer remembers of it."""
    trainer = FakeTrainer(tmp_path, Flow(save_steps=10), guard(GuardOptions("save", free_bytes=0)))
    train_until_stopped(trainer, dying(30, 20))
    aside = tmp_path / "llmtrain-kept" / "at-incident" / "checkpoint-31"
    assert (aside / "trainer_state.json").exists()
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-30"]
    assert trainer.state.best_model_checkpoint == str(tmp_path / "checkpoint-30")
    args = trainer.args
    assert (args.output_dir, args.save_total_limit, args.push_to_hub) == (str(tmp_path), 1, True)
    events = file_of(tmp_path).events
    assert [(event.action, event.details.get("checkpoint")) for event in events] == [
        ("save", str(aside)),
        ("stop", None),
    ]


def test_a_snapshot_that_finds_no_room_is_left_out(tmp_path: Path) -> None:
    """The training is stopped all the same."""
    trainer = FakeTrainer(tmp_path, guard(GuardOptions("save", free_bytes=1 << 60)))
    assert train_until_stopped(trainer, dying(30, 20)) == 31
    assert not (tmp_path / "llmtrain-kept").exists()
    assert [event.action for event in file_of(tmp_path).events] == ["refuse", "stop"]


def test_a_trainer_that_cannot_save_is_stopped_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full says so, and the settings of the trainer are what they were."""

    def fails(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(FakeTrainer, "_save_checkpoint", fails)
    trainer = FakeTrainer(tmp_path, guard(GuardOptions("save", free_bytes=0)))
    assert train_until_stopped(trainer, dying(30, 20)) == 31
    assert (trainer.args.output_dir, trainer.args.save_total_limit) == (str(tmp_path), 1)
    assert file_of(tmp_path).state == "stopped"


@pytest.mark.parametrize(
    ("options", "step"),
    [
        (GuardOptions("stop", signals=("kl_high",)), 31),
        (GuardOptions("stop", signals=("overfit",)), None),
        (GuardOptions("stop", for_records=4), 34),
        (GuardOptions("stop", grace_until_step=40), 40),
        (GuardOptions("protect"), None),
        (GuardOptions("rescue"), 31),
    ],
)
def test_when_it_is_stopped_is_asked_for(tmp_path: Path, options: GuardOptions, step: int | None) -> None:
    """By signal, for how long, and not in a time of grace."""
    trainer = FakeTrainer(tmp_path, guard(options))
    if step is None:
        trainer.train(dying(30, 20))
        assert trainer.state.global_step == 50
    else:
        assert train_until_stopped(trainer, dying(30, 20)) == step


def test_an_incident_that_is_all_but_over_after_a_time_of_grace_is_no_reason(tmp_path: Path) -> None:
    """It lasts until some records are well, and the last of them may come after the grace."""
    trainer = FakeTrainer(tmp_path, guard(GuardOptions("stop", grace_until_step=25)))
    rows = [healthy(step) for step in range(1, 61)]
    rows[20:23] = [collapsed(step) for step in range(21, 24)]
    trainer.train(rows)
    assert trainer.state.global_step == 60


def test_a_loss_that_is_no_number_stops_a_supervised_training(tmp_path: Path) -> None:
    """Whatever the kind of training."""
    rows: list[dict[str, object]] = [
        {"loss": 2 - step / 50, "grad_norm": 1.0, "learning_rate": 1e-5} for step in range(1, 30)
    ]
    nan: dict[str, object] = {"loss": float("nan"), "grad_norm": float("nan"), "learning_rate": 1e-5}
    assert train_until_stopped(FakeTrainer(tmp_path, guard()), [*rows, nan, nan]) == 30
    reason = file_of(tmp_path).reason
    assert reason is not None
    assert (reason.signal, reason.value) == ("non_finite", None)
    json.loads(guard_path(tmp_path).read_text(), parse_constant=pytest.fail)


# After a rescue


def test_a_training_that_was_rescued_says_so_at_its_end(tmp_path: Path) -> None:
    """What the launcher had written stays."""
    before = GuardFile("stopped", next="Go back.").with_event(
        GuardEvent(NOW, 20, "rescue", "", {}),
    )
    write_guard_file(guard_path(tmp_path), before)
    FakeTrainer(tmp_path, guard(GuardOptions("rescue", attempt=1))).train([healthy(1)])
    content = file_of(tmp_path)
    assert (content.state, content.next, content.reason) == ("rescued", "", None)
    assert content.events == before.events


def test_the_new_rate_is_in_force_after_a_resume(tmp_path: Path) -> None:
    """The checkpoint brought the old one; the groups keep their ratio to each other."""
    options = GuardOptions("rescue", attempt=1, scale_learning_rate=1.0, rates_before=(3e-3,))
    trainer = FakeTrainer(tmp_path, guard(options), rates=(3e-3, 3e-3, 3e-4), learning_rate=3e-4)
    trainer.train([healthy(1)], begin=25)
    assert trainer.lr_scheduler.base_lrs == pytest.approx([3e-4, 3e-4, 3e-5])
    assert [group["lr"] for group in trainer.optimizer.param_groups] == pytest.approx([3e-4, 3e-4, 3e-5])
    assert trainer.optimizer.param_groups[0]["initial_lr"] == pytest.approx(3e-4)
    (event,) = file_of(tmp_path).events
    assert (event.action, event.step) == ("set", 25)
    assert event.details == {"setting": "learning_rate", "from": 3e-3, "to": pytest.approx(3e-4)}


LORA_PLUS, VISION = (1e-4, 1.6e-3, 1.6e-3, 5e-5), (1e-4, 1e-4, 1e-5, 1e-5, 1e-5, 1e-5)
"""Base rates of groups, of which one is that of the command, 1e-4; the most common one is not."""


@pytest.mark.parametrize("rates", [LORA_PLUS, VISION])
def test_groups_with_rates_of_their_own_are_cut_alike(tmp_path: Path, rates: tuple[float, ...]) -> None:
    """To a tenth, though the new rate is one that some group has."""
    options = GuardOptions("rescue", attempt=1, scale_learning_rate=1.0, rates_before=(1e-4,))
    trainer = FakeTrainer(tmp_path, guard(options), rates=rates, learning_rate=1e-5)
    trainer.train([healthy(1)], begin=25)
    assert trainer.lr_scheduler.base_lrs == pytest.approx([rate / 10 for rate in rates])


@pytest.mark.parametrize("rates", [LORA_PLUS, VISION])
def test_groups_of_a_fresh_start_keep_their_rates(
    tmp_path: Path, rates: tuple[float, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """The rate of the command is in force, whatever most groups have."""
    trainer = FakeTrainer(
        tmp_path, guard(GuardOptions(scale_learning_rate=1.0)), rates=rates, learning_rate=1e-4
    )
    trainer.train([healthy(1)])
    FakeTrainer(tmp_path, guard(), rates=rates, learning_rate=1e-4).train([healthy(2)], begin=1)
    assert trainer.lr_scheduler.base_lrs == list(rates)
    assert "not in force" not in caplog.text


def test_groups_of_which_none_has_a_known_rate_are_left_alone(tmp_path: Path) -> None:
    """That is said: a guess could be 16 times wrong."""
    options = GuardOptions("rescue", attempt=1, scale_learning_rate=1.0)
    trainer = FakeTrainer(tmp_path, guard(options), rates=(1e-4, 1.6e-3), learning_rate=1e-6)
    trainer.train([healthy(1)], begin=25)
    assert trainer.lr_scheduler.base_lrs == [1e-4, 1.6e-3]
    (event,) = file_of(tmp_path).events
    assert (event.action, event.because) == ("refuse", "its groups have learning rates of their own")


def test_a_training_beside_the_one_that_is_rescued_is_as_it_was(tmp_path: Path) -> None:
    """A script may train a reward model first, whose rate is nobody's business."""
    before = str(tmp_path / "policy" / "checkpoint-25")
    options = GuardOptions(
        "rescue", attempt=1, scale_learning_rate=0.1, settings={"beta": 0.5}, resume_from=before
    )
    trainer = FakeTrainer(tmp_path / "reward", guard(options))
    trainer.train([healthy(1)])
    assert (trainer.lr_scheduler.base_lrs, trainer.beta) == ([1e-3], 0.04)
    assert (file_of(tmp_path / "reward").state, file_of(tmp_path / "reward").events) == ("ended", ())


def test_a_model_that_cannot_be_measured_is_stopped_without_a_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for first is that it stops."""
    monkeypatch.setattr(callback, "free_for", lambda *_: 1 // 0)
    trainer = FakeTrainer(tmp_path, guard(GuardOptions("save")))
    assert train_until_stopped(trainer, dying(30, 20)) == 31
    assert [event.action for event in file_of(tmp_path).events] == ["refuse", "stop"]


def test_a_rate_that_is_not_in_force_after_a_resume_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is changed that nobody asked for; at a fresh start there is nothing to tell."""
    trainer = FakeTrainer(tmp_path, guard(), rates=(3e-3,), learning_rate=3e-4)
    trainer.train([healthy(1)])
    assert "not in force" not in caplog.text
    trainer.train([healthy(26)], begin=25)
    assert "the learning rate of the checkpoint, 0.003; --learning_rate 0.0003 is not in force" in caplog.text
    assert trainer.lr_scheduler.base_lrs == [3e-3]


def test_a_rate_of_nothing_is_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Frozen groups have a rate of 0: which one is in force nobody knows then."""
    FakeTrainer(tmp_path, guard(), rates=(0.0, 0.0)).train([healthy(26)], begin=25)
    assert "learning rate" not in caplog.text


def test_a_rate_that_is_forced_is_in_force_and_told_once(tmp_path: Path) -> None:
    """As `--force-learning-rate` has it; where nothing is to be changed nothing is told."""
    options = GuardOptions(scale_learning_rate=1.0)
    trainer = FakeTrainer(tmp_path, guard(options), rates=(3e-3,), learning_rate=3e-4)
    trainer.train([healthy(1), healthy(2)], begin=25)
    assert trainer.lr_scheduler.base_lrs == pytest.approx([3e-4])
    (event,) = file_of(tmp_path).events
    assert (event.action, event.because) == ("set", "as the command has it")
    trainer.train([healthy(3)], begin=27)
    assert file_of(tmp_path).events == ()


def test_callbacks_that_come_after_it_are_told_of_the_end(tmp_path: Path) -> None:
    """A tracker writes its last then."""
    ended: list[int] = []
    last = Flow()
    last.on_train_end = lambda _, state, *__, **___: ended.append(state.global_step)  # type: ignore[attr-defined]
    trainer = FakeTrainer(tmp_path, guard())
    trainer.add_callback(last)
    assert train_until_stopped(trainer, dying(30, 20)) == 31
    assert ended == [31]


def test_what_an_earlier_training_has_left_is_not_told_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the disk is full: it says that the training was stopped."""
    write_guard_file(
        guard_path(tmp_path), GuardFile("stopped", StopReason("kl_high", "critical", 3, "kl", 9.0))
    )

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("llmtrain_exporter.guard.inside.watch.write_guard_file", full)
    FakeTrainer(tmp_path, guard()).train([healthy(1)])
    assert not guard_path(tmp_path).exists()


def test_a_link_in_the_place_of_the_record_is_not_written_through(tmp_path: Path) -> None:
    """It leads to somebody else's file."""
    own, folder = tmp_path / "notes.txt", tmp_path / "out"
    own.write_text("mine\n")
    folder.mkdir()
    (folder / "llmtrain.jsonl").symlink_to(own)
    FakeTrainer(folder, guard()).train([healthy(1)])
    assert own.read_text() == "mine\n"


def test_a_rate_that_stands_in_the_script_is_scaled(tmp_path: Path) -> None:
    """There is no flag for it. A second time changes nothing more."""
    options = GuardOptions("rescue", attempt=1, scale_learning_rate=0.1)
    trainer = FakeTrainer(tmp_path, guard(options))
    for _ in range(2):
        trainer.train([healthy(1)])
        assert trainer.lr_scheduler.base_lrs == pytest.approx([1e-4])


class ReduceLROnPlateau:
    """A scheduler by its name."""

    base_lrs: tuple[float, ...] = (1e-3,)

    def step(self) -> None:
        """Nothing."""


class WithoutBase(ReduceLROnPlateau):
    """One of DeepSpeed's own."""

    base_lrs = ()


@pytest.mark.parametrize("scheduler", [ReduceLROnPlateau(), object.__new__(WithoutBase)])
def test_a_rate_that_nobody_can_change_from_outside_is_refused(tmp_path: Path, scheduler: Any) -> None:
    """With the reason, and the training goes on with the one that it has."""
    options = GuardOptions("rescue", attempt=1, scale_learning_rate=0.1)
    trainer = FakeTrainer(tmp_path, guard(options))
    trainer.lr_scheduler = scheduler
    trainer.train([healthy(1)])
    assert trainer.optimizer.param_groups[0]["lr"] == 1e-3
    (event,) = file_of(tmp_path).events
    assert (event.action, event.details["setting"]) == ("refuse", "learning_rate")
    assert type(scheduler).__name__ in event.because


@pytest.mark.parametrize(("after", "step"), [(0, None), (40, 51)])
def test_a_training_that_begins_in_an_incident_has_time_to_recover(
    tmp_path: Path, after: int, step: int | None
) -> None:
    """Somebody goes on from a checkpoint whose own rows were ill: it is stopped if it stays so."""
    trainer = FakeTrainer(tmp_path, guard())
    past = dying(26, 4)
    trainer.state.log_history = [{**row, "step": at, "epoch": at / 100} for at, row in enumerate(past, 1)]
    rows = [collapsed(at) if at <= 30 + after else healthy(at) for at in range(31, 75)]
    if step is None:
        trainer.train(rows, begin=30)
        assert file_of(tmp_path).state == "ended"
    else:
        with pytest.raises(SystemExit):
            trainer.train(rows, begin=30)
        assert trainer.state.global_step == step


# It never does harm

ENTRIES = ["on_train_begin", "on_pre_optimizer_step", "on_log", "on_train_end"]


@pytest.fixture(params=[Watch, RowRecorder, Judge, Ranks, NormListener])
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type:
    """A part of the guard of which every method fails."""

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the guard's own error")

    part: type = request.param
    for name, method in vars(part).items():
        if callable(method) and name != "__init__":
            monkeypatch.setattr(part, name, fails)
    return part


def test_an_error_of_its_own_is_told_once_and_the_training_goes_on(
    tmp_path: Path, broken: type, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever of its parts fails; how to find the error is said for whoever debugs."""
    caplog.set_level(logging.DEBUG)
    options = GuardOptions("stop", skip_bad_updates=True)
    trainer = FakeTrainer(tmp_path, Flow(save_steps=10), guard(options))
    trainer.train([healthy(step) for step in range(1, 31)])
    assert len(trainer.saved) == 3
    assert trainer.optimizer.applied == list(range(1, 31))
    told = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.getMessage().endswith("RuntimeError: the guard's own error") for record in told] == [True]
    assert [record.exc_info is not None for record in caplog.records if record not in told] == [True]
    assert broken.__name__


@pytest.mark.parametrize("entry", ENTRIES)
def test_whatever_a_trainer_hands_over_no_entry_raises(tmp_path: Path, entry: str) -> None:
    """Things that are not what they are elsewhere."""
    one = guard(GuardOptions("stop", skip_bad_updates=True))
    trainer = FakeTrainer(tmp_path, one)
    trainer.event("on_train_begin")
    getattr(one, entry)(object(), object(), object(), logs={"loss": object()}, optimizer=None)
    getattr(one, entry)(None, None, None)
    assert one.trainer is trainer


def test_a_folder_that_cannot_be_written_hinders_neither_training_nor_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once."""
    (tmp_path / "out").write_text("a file where the folder should be")
    trainer = FakeTrainer(tmp_path / "out", guard())
    assert train_until_stopped(trainer, dying(30, 20)) == 31
    assert len([record for record in caplog.records if "cannot write" in record.getMessage()]) == 1


def test_options_that_cannot_be_meant_have_it_stand_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With the reason."""
    monkeypatch.setenv(VARIABLE, '{"on_incident": "explode"}')
    FakeTrainer(tmp_path, guard()).train(dying(30, 5))
    assert "explode" in caplog.text


# Whose it is


def test_the_command_line_goes_before_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts a command again may ask for more than its script does."""
    monkeypatch.setenv(VARIABLE, GuardOptions("stop").to_env()[VARIABLE])
    assert train_until_stopped(FakeTrainer(tmp_path, guard(GuardOptions())), dying(30, 20)) == 31


def test_of_two_guards_in_a_training_one_works(tmp_path: Path) -> None:
    """The script has one, and another was put in."""
    trainer = FakeTrainer(tmp_path, guard(GuardOptions()), guard(GuardOptions()))
    trainer.train([healthy(1), healthy(2)])
    assert [row.get("step") for row in rows_of(tmp_path)] == [None, 1, 2]


def test_one_guard_watches_one_training_after_the_other(tmp_path: Path) -> None:
    """Each in its own folder, from the begin."""
    one = guard()
    train_until_stopped(FakeTrainer(tmp_path / "a", one), dying(30, 20))
    FakeTrainer(tmp_path / "b", one).train([healthy(1)])
    assert file_of(tmp_path / "b").state == "ended"


def test_only_the_first_rank_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others take part in what is decided."""
    ranks = Ranks(None, None)
    ranks.rank = 1
    monkeypatch.setattr(callback, "ranks_of", lambda _: ranks)
    FakeTrainer(tmp_path / "out", guard()).train(dying(30, 20))
    assert not (tmp_path / "out").exists()


def test_rows_of_an_evaluation_are_taken_in(tmp_path: Path) -> None:
    """They decide nothing."""
    trainer = FakeTrainer(tmp_path, guard())
    trainer.before_step = lambda step: trainer.log({"eval_loss": 0.5}) if step == 3 else None
    trainer.train([healthy(step) for step in range(1, 5)])
    assert [row["step"] for row in rows_of(tmp_path) if "eval_loss" in row] == [2]
    assert collapsed(1)["kl"] == 40.0


# It protects


def kept_in(folder: Path) -> list[str]:
    """The checkpoints that are kept beside a training."""
    return sorted(path.name for path in (folder / "llmtrain-kept").glob("checkpoint-*") if path.is_dir())


def saving(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints of the trainer are whole: they have weights and a state."""
    original = FakeTrainer._save_checkpoint

    def save(self: FakeTrainer, model: object, trial: object) -> None:
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
        (folder / "optimizer.pt").write_bytes(b"state")
        folder.rename(folder.with_name("aside"))
        original(self, model, trial)
        for file in folder.with_name("aside").iterdir():
            file.rename(folder / file.name)
        folder.with_name("aside").rmdir()
        step = self.state.global_step
        state = folder / "trainer_state.json"
        state.write_text(json.dumps({"global_step": step, "log_history": []}))
        os.utime(state, (NOW + step, NOW + step))

    monkeypatch.setattr(FakeTrainer, "_save_checkpoint", save)
    monkeypatch.setattr(FakeTrainer, "_rotate", lambda *_: None)


def test_good_checkpoints_are_kept_when_something_speaks_against_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those from before; that is what is done where nobody says otherwise."""
    saving(monkeypatch)
    trainer = FakeTrainer(tmp_path, Flow(save_steps=5), guard(GuardOptions(free_bytes=0)))
    trainer.train(dying(32, 4))
    assert "checkpoint-25" in kept_in(tmp_path)
    assert "checkpoint-35" not in kept_in(tmp_path)


def test_nothing_is_kept_of_a_training_that_goes_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is there a folder for it."""
    saving(monkeypatch)
    trainer = FakeTrainer(tmp_path, Flow(save_steps=5), guard(GuardOptions(free_bytes=0)))
    trainer.train([healthy(step) for step in range(1, 41)])
    assert not (tmp_path / "llmtrain-kept").exists()


def test_nothing_is_kept_where_only_telling_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens."""
    saving(monkeypatch)
    trainer = FakeTrainer(tmp_path, Flow(save_steps=5), guard(GuardOptions("notify", free_bytes=0)))
    trainer.train(dying(32, 4))
    assert not (tmp_path / "llmtrain-kept").exists()


def test_without_orjson_all_but_the_keeping_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training's environment may lack it."""
    monkeypatch.setitem(sys.modules, "llmtrain_exporter.guard.keep.keeping", None)
    assert train_until_stopped(FakeTrainer(tmp_path, guard()), dying(30, 20)) == 31
