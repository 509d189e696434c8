"""Settings that are changed while a training runs, and updates that are thrown away."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.guard import Guard
from llmtrain_exporter.guard.guard_file import guard_path
from llmtrain_exporter.guard.inside.live_control import LiveController, LiveSettings
from llmtrain_exporter.guard.inside.skipping import UsualNorm
from llmtrain_exporter.guard.options import VARIABLE, GuardOptions, LiveControl
from llmtrain_exporter.ingest.guard_file import read_guard_file
from llmtrain_exporter.knowledge import guard_limits as limits
from llmtrain_exporter.model.guarded import GuardEvent

from tests.fake_trainer import Accelerator, FakeTrainer, healthy

RATE = LiveControl(kl_target=0.01, floor=0.02)
BETA = LiveControl(beta_target=0.01)
CLIP = LiveControl(clip_at=2.0)


@pytest.fixture(autouse=True)
def _no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def events_of(folder: Path) -> tuple[GuardEvent, ...]:
    """What the guard did in a training."""
    read = read_guard_file(guard_path(folder))
    assert read is not None
    return read.events


def steered(
    folder: Path, control: LiveControl, prepare: Callable[[FakeTrainer], None] = lambda _: None
) -> FakeTrainer:
    """A trainer with a guard that steers, and does nothing else."""
    trainer = FakeTrainer(folder, Guard(GuardOptions(live=control), clock=lambda: 0.0))
    prepare(trainer)
    return trainer


def with_kl(*values: float) -> list[dict[str, object]]:
    """Rows of these divergences."""
    return [{**healthy(step), "kl": kl} for step, kl in enumerate(values, 1)]


# The learning rate


def test_the_rate_is_cut_while_kl_is_far_above_its_target(tmp_path: Path) -> None:
    """By the factor each time, for every group, to the floor at most."""
    trainer = steered(tmp_path, RATE)
    trainer.train(with_kl(*[1.0] * 3))
    assert trainer.lr_scheduler.base_lrs == pytest.approx([1e-3 / 1.5**3])
    trainer.train(with_kl(*[1.0] * 20))
    assert trainer.lr_scheduler.base_lrs == pytest.approx([1e-3 * RATE.floor])


def test_the_rate_never_rises_above_the_given_one(tmp_path: Path) -> None:
    """It rises again as kl falls, and stops there."""
    trainer = steered(tmp_path, RATE)
    trainer.train(with_kl(*[1.0] * 4, *[0.001] * 20))
    assert trainer.lr_scheduler.base_lrs == pytest.approx([1e-3])
    assert max(event.details["to"] for event in events_of(tmp_path)) == 1.0


def test_between_half_and_twice_the_target_nothing_is_changed(tmp_path: Path) -> None:
    """There is nothing to write down either."""
    trainer = steered(tmp_path, RATE)
    trainer.train(with_kl(0.006, 0.01, 0.019, float("nan")))
    assert trainer.lr_scheduler.base_lrs == [1e-3]
    assert events_of(tmp_path) == ()


def test_a_rate_that_was_cut_before_a_resume_goes_on_from_there(tmp_path: Path) -> None:
    """The checkpoint has it; the given one is still the most."""
    trainer = steered(tmp_path, RATE)
    trainer.lr_scheduler.base_lrs = [1e-4]
    trainer.train(with_kl(1.0))
    assert trainer.lr_scheduler.base_lrs == pytest.approx([1e-4 / 1.5])


def test_each_change_is_an_event_and_a_row(tmp_path: Path) -> None:
    """With what it was, what it is, and why."""
    trainer = steered(tmp_path, RATE)
    trainer.train(with_kl(0.25))
    (event,) = events_of(tmp_path)
    assert (event.action, event.step, event.because) == ("set", 1, "kl 0.25, target 0.01")
    assert event.details == {"setting": "learning_rate_share", "from": 1.0, "to": pytest.approx(1 / 1.5)}
    rows = [json.loads(line) for line in (tmp_path / "llmtrain.jsonl").read_text().splitlines()]
    assert [row["guard"]["action"] for row in rows if "guard" in row] == ["set"]


# Beta


def test_beta_follows_kl_between_its_bounds(tmp_path: Path) -> None:
    """Never to 0, where kl vanishes from the log and nothing would raise it again; never without end."""
    trainer = steered(tmp_path, BETA)
    trainer.train(with_kl(*[0.0] * 400))
    assert trainer.beta == pytest.approx(0.04 * limits.BETA_LEAST)
    trainer.beta = 0.04
    trainer.train(with_kl(*[50.0] * 600))
    assert trainer.beta == pytest.approx(0.04 * limits.BETA_MOST)


def test_beta_moves_in_steps_worth_telling() -> None:
    """Of a tenth; the controller itself goes on by a hundredth or two."""
    controller = LiveController(BETA, LiveSettings(beta=1.0))
    changes = [controller.take({"kl": 1.0}) for _ in range(6)]
    assert [len(change) for change in changes] == [0, 0, 0, 0, 1, 0]
    assert controller.in_force.beta == pytest.approx(1.02**5)


# Clipping


def test_clipping_follows_the_usual_gradient_norm(tmp_path: Path) -> None:
    """Down to so many times that, never above the given one."""
    trainer = steered(tmp_path, CLIP)
    rows = [{**healthy(step), "grad_norm": 0.1} for step in range(1, limits.USUAL_NORM_LEAST + 1)]
    trainer.train(rows[:-1])
    assert trainer.args.max_grad_norm == 1.0
    trainer.train(rows)
    assert trainer.args.max_grad_norm == pytest.approx(0.2)
    trainer.args.max_grad_norm = 1.0
    trainer.train([{**row, "grad_norm": 50.0} for row in rows])
    assert trainer.args.max_grad_norm == 1.0


# What cannot be changed


class WithoutRates:
    """A scheduler of another library."""

    def step(self) -> None:
        """Nothing."""


def _without_rates(trainer: FakeTrainer) -> None:
    trainer.lr_scheduler = WithoutRates()


def _without_beta(trainer: FakeTrainer) -> None:
    del trainer.beta


def _beta_of_0(trainer: FakeTrainer) -> None:
    trainer.beta = 0.0


def _no_clipping(trainer: FakeTrainer) -> None:
    trainer.args.max_grad_norm = 0.0


def _deepspeed(trainer: FakeTrainer) -> None:
    trainer.is_deepspeed_enabled = True  # type: ignore[attr-defined]  # as the real one has


@pytest.mark.parametrize(
    ("control", "prepare", "setting", "because"),
    [
        (RATE, _without_rates, "learning_rate", "WithoutRates keeps no base rates"),
        (BETA, _without_beta, "beta", "no beta"),
        (BETA, _beta_of_0, "beta", "no reference model"),
        (CLIP, _no_clipping, "max_grad_norm", "nothing is clipped"),
        (CLIP, _deepspeed, "max_grad_norm", "DeepSpeed"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_the_reason(
    tmp_path: Path, control: LiveControl, prepare: Callable[[FakeTrainer], None], setting: str, because: str
) -> None:
    """Once, at the begin; the training goes on as it is."""
    trainer = steered(tmp_path, control, prepare)
    trainer.train(with_kl(*[1.0] * 30))
    (event,) = events_of(tmp_path)
    assert (event.action, event.details) == ("refuse", {"setting": setting})
    assert because in event.because


def test_nothing_is_steered_unless_asked(tmp_path: Path) -> None:
    """Whatever kl does."""
    trainer = FakeTrainer(tmp_path, Guard(GuardOptions(), clock=lambda: 0.0))
    trainer.train(with_kl(*[3.0] * 30))
    assert (trainer.beta, trainer.args.max_grad_norm, trainer.lr_scheduler.base_lrs) == (0.04, 1.0, [1e-3])


# Updates that are thrown away


def skipping(folder: Path, norms: dict[int, float], **prepare: Any) -> FakeTrainer:
    """A trainer whose gradient has these norms at some steps, 1 at others; trained for 60 steps."""
    trainer = FakeTrainer(folder, Guard(GuardOptions(skip_bad_updates=True), clock=lambda: 0.0))
    for name, value in prepare.items():
        setattr(trainer, name, value)
    trainer.before_step = lambda step: setattr(trainer.accelerator, "norm", norms.get(step, 1.0))
    trainer.train([healthy(step) for step in range(1, 61)])
    return trainer


@pytest.mark.parametrize("norm", [float("nan"), float("inf"), 150.0])
def test_an_update_that_would_do_harm_is_not_applied(tmp_path: Path, norm: float) -> None:
    """Its gradient is not finite, or far above the usual one; the next is applied."""
    trainer = skipping(tmp_path, {40: norm})
    assert trainer.optimizer.applied == [step for step in range(1, 61) if step != 40]
    (event,) = events_of(tmp_path)
    assert (event.action, event.step) == ("skip", 40)


def test_an_update_that_is_large_but_not_out_of_range_is_applied(tmp_path: Path) -> None:
    """So is one of a run that is too young to have a usual norm."""
    assert skipping(tmp_path, {5: 5000.0, 40: 99.0}).optimizer.applied == list(range(1, 61))


def test_a_training_is_not_stopped_for_what_was_skipped(tmp_path: Path) -> None:
    """Its row says NaN; where each row does, skipping is no help and it is stopped."""
    once, always = (broken_at(tmp_path / str(len(steps)), steps) for steps in (range(30, 31), range(30, 61)))
    assert once.state.global_step == 60
    assert always.state.global_step == 30 + limits.SKIPPED_ROWS_PASSED


def test_a_loss_that_stays_lost_after_a_skipped_update_stops_nothing(tmp_path: Path) -> None:
    """A trainer that filters none logs NaN for ever; gradients that are none again do stop it."""
    well = broken_at(tmp_path / "well", range(30, 31), lost=range(30, 61))
    assert well.state.global_step == 60
    again = broken_at(tmp_path / "again", range(30, 31), lost=range(30, 61), unseen=range(45, 61))
    assert again.state.global_step == 45


def broken_at(folder: Path, steps: range, lost: range = range(0), unseen: range = range(0)) -> FakeTrainer:
    """One whose guard skips and stops, with gradients and losses that are no numbers at some steps.

    `lost`: where the loss alone is none; `unseen`: where the row has no gradient, and nothing is skipped.
    """
    trainer = FakeTrainer(folder, Guard(GuardOptions("stop", skip_bad_updates=True), clock=lambda: 0.0))

    trainer.before_step = lambda step: setattr(
        trainer.accelerator, "norm", float("nan") if step in steps else 1.0
    )
    broken = {"loss": (*steps, *lost), "grad_norm": (*steps, *unseen)}
    with suppress(SystemExit):
        trainer.train([_broken_row(step, broken) for step in range(1, 61)])
    return trainer


def _broken_row(step: int, broken: Mapping[str, Sequence[int]]) -> dict[str, object]:
    return {**healthy(step), **{name: math.nan for name, steps in broken.items() if step in steps}}


def test_a_norm_that_stays_high_is_the_new_normal() -> None:
    """Else a training would never learn again."""
    usual = UsualNorm()
    calm = [usual.is_bad(1.0) for _ in range(limits.USUAL_NORM_LEAST)]
    high = [usual.is_bad(500.0) for _ in range(limits.SPIKES_ACCEPTED + 3)]
    assert not any(calm)
    assert high == [True] * limits.SPIKES_ACCEPTED + [False] * 3
    assert all(usual.is_bad(float("nan")) for _ in range(50))


@pytest.mark.parametrize(
    ("prepare", "because"),
    [
        ({"is_deepspeed_enabled": True}, "DeepSpeed"),
        ({"is_fsdp_enabled": True}, "sharded"),
    ],
)
def test_where_updates_cannot_be_skipped_that_is_refused(
    tmp_path: Path, prepare: dict[str, object], because: str
) -> None:
    """The gradient is applied already, or no rank has all of it."""
    trainer = skipping(tmp_path, {40: float("nan")}, **prepare)
    assert trainer.optimizer.applied == list(range(1, 61))
    (event,) = events_of(tmp_path)
    assert (event.action, because in event.because) == ("refuse", True)


def test_a_loss_scaler_sees_to_what_is_not_finite(tmp_path: Path) -> None:
    """It skips such an update itself, and lowers its scale."""
    trainer = FakeTrainer(tmp_path, Guard(GuardOptions(skip_bad_updates=True), clock=lambda: 0.0))
    trainer.accelerator.scaler = object()
    trainer.before_step = lambda step: setattr(
        trainer.accelerator, "norm", float("inf") if step == 3 else 1.0
    )
    trainer.train([healthy(step) for step in range(1, 6)])
    assert trainer.optimizer.applied == [1, 2, 3, 4, 5]


def test_what_clips_is_handed_back_what_it_gave(tmp_path: Path) -> None:
    """The trainer logs the norm that it gets."""
    trainer = FakeTrainer(tmp_path, Guard(GuardOptions(skip_bad_updates=True), clock=lambda: 0.0))
    trainer.event("on_train_begin")
    listening = trainer.accelerator.clip_grad_norm_
    assert listening([], 1.0) == 1.0
    assert listening.__name__ == "clip_grad_norm_"
    trainer.event("on_train_end")
    assert trainer.accelerator.clip_grad_norm_ == Accelerator.clip_grad_norm_.__get__(trainer.accelerator)


# After a rescue


def after_rescue(folder: Path, options: GuardOptions) -> FakeTrainer:
    """A trainer that a launcher has started again."""
    return FakeTrainer(folder, Guard(options, clock=lambda: 0.0))


def test_settings_that_a_rescue_has_changed_are_in_force_from_the_begin(tmp_path: Path) -> None:
    """Those that a trainer reads each time; each is an event with what it was."""
    trainer = after_rescue(tmp_path, GuardOptions("rescue", settings={"max_grad_norm": 0.5, "beta": 0.1}))
    trainer.train(with_kl(0.01))
    assert (trainer.args.max_grad_norm, trainer.beta) == (0.5, 0.1)
    told = {event.details["setting"]: event.details["to"] for event in events_of(tmp_path)}
    assert told == {"max_grad_norm": 0.5, "beta": 0.1}


def test_what_a_trainer_reads_once_is_refused(tmp_path: Path) -> None:
    """And said; the training goes on."""
    trainer = after_rescue(tmp_path, GuardOptions("rescue", settings={"seed": 7.0}))
    trainer.train(with_kl(0.01))
    (event,) = events_of(tmp_path)
    assert (event.action, event.details["setting"]) == ("refuse", "seed")
