"""A trainer in pure Python that logs, saves and goes on as that of Transformers does, and learns nothing."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any


@dataclass
class Control:
    """The flags that callbacks set."""

    should_training_stop: bool = False
    should_save: bool = False
    should_evaluate: bool = False


@dataclass
class State:
    """Where a training stands."""

    max_steps: int
    global_step: int = 0
    epoch: float = 0.0
    log_history: list[dict[str, float]] = field(default_factory=list)
    is_world_process_zero: bool = True


class CallbackHandler:
    """Calls what the callbacks have for an event."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.callbacks: list[Any] = []

    def call(self, event: str, **kwargs: Any) -> None:
        """One event, in the order of the callbacks."""
        trainer = self.trainer
        for callback in self.callbacks:
            heard = getattr(callback, event, None)
            if heard is not None:
                heard(trainer.args, trainer.state, trainer.control, model=None, **trainer.steering, **kwargs)


class Trainer:
    """Rewards rise to 0.8; after `breaks_after`, at a rate above `breaks_above`, they fall and kl rises."""

    def __init__(self, args: SimpleNamespace) -> None:
        self.args = args
        self.control = Control()
        self.state = State(args.max_steps)
        self.callback_handler = CallbackHandler(self)
        self.ill = 0  # steps since it broke
        group = {"lr": args.learning_rate, "initial_lr": args.learning_rate}
        optimizer = SimpleNamespace(param_groups=[group])
        scheduler = SimpleNamespace(base_lrs=[args.learning_rate])
        self.steering = {"optimizer": optimizer, "lr_scheduler": scheduler}

    def add_callback(self, callback: Any) -> None:
        """One more callback."""
        self.callback_handler.callbacks.append(callback)

    @property
    def rate(self) -> float:
        """The learning rate in force."""
        return float(self.steering["optimizer"].param_groups[0]["lr"])

    def train(self, resume_from_checkpoint: str | bool | None = None) -> None:
        """Train to the end, or until a callback stops it."""
        if resume_from_checkpoint:
            self._load(Path(str(resume_from_checkpoint)))
        self.callback_handler.call("on_train_begin")
        while self.state.global_step < self.state.max_steps and not self.control.should_training_stop:
            self._step()
        self.callback_handler.call("on_train_end")

    def _step(self) -> None:
        for event in ("on_step_begin", "on_pre_optimizer_step", "on_optimizer_step"):
            self.callback_handler.call(event)
        self.state.global_step += 1
        self.state.epoch = self.state.global_step / self.state.max_steps
        row = self._row()
        self.state.log_history.append({**row, "step": self.state.global_step})
        self.callback_handler.call("on_step_end")
        self.callback_handler.call("on_log", logs=row)
        if self.state.global_step % self.args.save_steps == 0 or self.control.should_save:
            self._save()
            self.callback_handler.call("on_save")
        self.args.after_step(self.state.global_step)

    def _row(self) -> dict[str, float]:
        step = self.state.global_step
        breaks = step > self.args.breaks_after and self.rate > self.args.breaks_above
        self.ill = self.ill + 1 if breaks else 0
        reward = max(0.8 - 0.1 * self.ill, 0.0) if self.ill else min(0.5 + 0.02 * step, 0.8)
        return {
            "loss": 0.01 + 0.001 * (step % 3),
            "grad_norm": 1.0 + 0.1 * (step % 5),
            "learning_rate": self.rate,
            "reward": reward + 0.01 * (step % 2),
            "reward_std": 0.3,
            "kl": 15.0 if self.ill > 5 else 0.01 + 0.001 * (step % 4),
        }

    def _save(self) -> None:
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.safetensors").write_text(f"weights of step {self.state.global_step}")
        (folder / "optimizer.pt").write_text(json.dumps(self.rate))
        state = {"global_step": self.state.global_step, "log_history": self.state.log_history}
        (folder / "trainer_state.json").write_text(json.dumps(state, indent=2))
        made = sorted(Path(self.args.output_dir).glob("checkpoint-*"), key=lambda each: each.stat().st_mtime)
        for old in made[: -self.args.save_total_limit or None]:
            shutil.rmtree(old)

    def _load(self, folder: Path) -> None:
        state = json.loads((folder / "trainer_state.json").read_text())
        self.state.global_step, self.state.log_history = state["global_step"], state["log_history"]
        rate = json.loads((folder / "optimizer.pt").read_text())  # the checkpoint's goes before the argument
        self.steering["optimizer"].param_groups[0] |= {"lr": rate, "initial_lr": rate}
        self.steering["lr_scheduler"].base_lrs = [rate]
        print(f"resumed from {folder} with pid {os.getpid()}", flush=True)
