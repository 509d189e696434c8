"""A trainer that goes through the events of Transformers' own in their order, and trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

Row = Mapping[str, object]


class Flow:
    """Saves and evaluates as the trainer's own callback does; flags go back before each step."""

    def __init__(self, save_steps: int = 0, by_epoch: bool = False) -> None:
        self.save_steps, self.by_epoch = save_steps, by_epoch

    def on_step_end(self, _: Any, state: Any, control: Any, **__: Any) -> None:
        control.should_save = bool(self.save_steps) and state.global_step % self.save_steps == 0
        control.should_training_stop = state.global_step >= state.max_steps

    def on_epoch_end(self, _: Any, __: Any, control: Any, **___: Any) -> None:
        control.should_save = control.should_evaluate = self.by_epoch

    def __getattr__(self, name: str) -> Any:
        if name.startswith("on_"):
            return lambda *_, **__: None
        raise AttributeError(name)


class Handler:
    """Calls the callbacks one after the other."""

    def __init__(self, callbacks: Iterable[Any]) -> None:
        self.callbacks = list(callbacks)


class Scheduler:
    """Computes the rate of each group from its base rate, anew at each step."""

    def __init__(self, optimizer: Any) -> None:
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self._optimizer = optimizer

    def step(self) -> None:
        for group, base in zip(self._optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base


class Optimizer:
    """Counts the updates that it applied, and those whose gradients were gone."""

    def __init__(self, *rates: float) -> None:
        self.param_groups = [{"lr": rate, "initial_lr": rate} for rate in rates]
        self.applied: list[int] = []
        self.empty = False

    def zero_grad(self) -> None:
        self.empty = True


class Accelerator:
    """Clips, and says how large the gradient was before."""

    def __init__(self, scaler: object = None) -> None:
        self.norm = 1.0
        self.scaler = scaler

    def clip_grad_norm_(self, parameters: object, max_norm: float) -> float:
        """The norm before clipping."""
        return self.norm if parameters is not None and max_norm else 0.0


class FakeTrainer:
    """Logs the given rows, one a step. `saved`: folders of checkpoints in the order of their saving."""

    def __init__(
        self, folder: Path, *callbacks: Any, rates: tuple[float, ...] = (1e-3,), **args: Any
    ) -> None:
        given = {"learning_rate": 1e-3, "max_grad_norm": 1.0, "save_total_limit": 1, "push_to_hub": True}
        self.args = SimpleNamespace(output_dir=str(folder), **{**given, **args})
        self.state = SimpleNamespace(
            global_step=0, max_steps=0, epoch=0.0, log_history=[], best_model_checkpoint=None
        )
        self.control = SimpleNamespace(
            should_save=False, should_evaluate=False, should_training_stop=False, should_log=False
        )
        self.model = SimpleNamespace(
            config=SimpleNamespace(_name_or_path="tiny/model"), num_parameters=lambda: 10
        )
        self.optimizer = Optimizer(*rates)
        self.lr_scheduler: Any = Scheduler(self.optimizer)
        self.accelerator = Accelerator()
        self.beta: float = 0.04
        self.callback_handler = Handler((Flow(), *callbacks))
        self.saved: list[str] = []
        self.evaluated: list[int] = []
        self.before_step: Callable[[int], None] = lambda _: None

    def add_callback(self, callback: Any) -> None:
        """As one of a script's own."""
        self.callback_handler.callbacks.append(callback)

    def event(self, name: str, **kwargs: Any) -> None:
        """Call all callbacks."""
        given = {"model": self.model, "optimizer": self.optimizer, "lr_scheduler": self.lr_scheduler}
        for callback in self.callback_handler.callbacks:
            getattr(callback, name)(self.args, self.state, self.control, **given, **kwargs)

    def log(self, row: Row) -> None:
        """A row to the history, and a copy of it to the callbacks."""
        self.state.log_history.append({**row, "step": self.state.global_step, "epoch": self.state.epoch})
        self.event("on_log", logs=dict(row))

    def train(self, rows: Iterable[Row], begin: int = 0, planned: int = 1000) -> None:
        """A training from a step on; with a history it goes on from a checkpoint."""
        self.state.global_step, self.state.max_steps = begin, planned
        self.control.should_training_stop = False
        self.event("on_train_begin")
        for row in rows:
            self._step(row)
            if self.control.should_training_stop:
                break
        self.event("on_epoch_end")
        self._save_and_evaluate()
        self.event("on_train_end")

    def _step(self, row: Row) -> None:
        self.control.should_save = self.control.should_evaluate = False
        self.event("on_step_begin")
        self.before_step(self.state.global_step + 1)
        self.accelerator.clip_grad_norm_([], self.args.max_grad_norm)
        self.event("on_pre_optimizer_step")
        if not self.optimizer.empty:
            self.optimizer.applied.append(self.state.global_step + 1)
        self.optimizer.empty = False
        self.lr_scheduler.step()
        self.state.global_step += 1
        self.state.epoch = self.state.global_step / 100
        self.event("on_step_end")
        self.log(row)
        self._save_and_evaluate()

    def _save_and_evaluate(self) -> None:
        if self.control.should_evaluate:
            self.evaluated.append(self.state.global_step)
        if self.control.should_save:
            self._save_checkpoint(self.model, trial=None)
            self.event("on_save")

    def _save_checkpoint(self, model: object, trial: object) -> None:
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True)
        (folder / "trainer_state.json").write_text("{}")
        self.state.best_model_checkpoint = str(folder) if model is not None and trial is None else None
        self.saved.append(str(folder))
        if self.args.save_total_limit:
            self._rotate(folder.parent)

    def _rotate(self, folder: Path) -> None:
        found = sorted(folder.glob("checkpoint-*"), key=lambda path: path.stat().st_mtime_ns)
        for old in found[: -self.args.save_total_limit]:
            (old / "trainer_state.json").unlink()
            old.rmdir()


def healthy(step: int) -> dict[str, object]:
    """A row of a GRPO training that goes well."""
    wave = (step * 7 % 11) / 100
    return {
        "loss": 0.01 + wave / 10,
        "grad_norm": 0.5 + wave,
        "learning_rate": 1e-3,
        "kl": 0.01 + wave / 100,
        "reward": 0.6 + wave,
        "reward_std": 0.4,
        "completions/mean_length": 20.0 + wave,
    }


def collapsed(step: int) -> dict[str, object]:
    """A row of one that is lost."""
    return {**healthy(step), "kl": 40.0, "grad_norm": 60.0, "reward": 0.0, "completions/mean_length": 2.0}


def dying(well: int, ill: int) -> list[dict[str, object]]:
    """Rows of a training that collapses after so many steps."""
    return [*map(healthy, range(1, well + 1)), *map(collapsed, range(well + 1, well + ill + 1))]
