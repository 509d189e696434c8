"""A laboratory of trackers: a tiny training loop that logs known rows with the real packages.

    python tests/tracker_lab.py TRACKER FOLDER [--rows 300] [--pause 0.01]

TRACKER: wandb, swanlab, swanlab_json (a swanlab before 0.8), mlflow, mlflow_files or trackio; the package has
to be there, and nothing else of this project. The loop logs what Transformers does: a training row each ten
steps, evaluations, a NaN, an infinity, and a process that goes on from an earlier step.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

INTERVAL = 10  # steps from row to row
EVALUATED = 10  # rows from evaluation to evaluation
SETTINGS = {
    "learning_rate": 1e-05,
    "warmup_ratio": 0.1,
    "per_device_train_batch_size": 4,
    "bf16": True,
    "max_steps": -1,
    "lr_scheduler_type": "cosine",
    "hub_token": "hf_0123456789",
}
RUNS = ("tiny", "second")
"""Of stores that hold several; the second one has only a few rows."""


class Logged(NamedTuple):
    """What is logged at once."""

    step: int
    cells: Mapping[str, float]

    @property
    def prefixed(self) -> dict[str, float]:
        """Under the keys that Transformers gives to trackers."""
        cells = {_prefixed(key): value for key, value in self.cells.items()}
        return {**cells, "train/global_step": self.step}


def _prefixed(key: str) -> str:
    return f"eval/{key[5:]}" if key.startswith("eval_") else f"train/{key}"


def rows(count: int = 300) -> Iterator[Logged]:
    """So many training rows, an evaluation after each tenth, a resume halfway, and what closes a run."""
    step = 0
    for at in range(1, count + 1):
        step += INTERVAL
        if at == count // 2 > 5:
            step -= 5 * INTERVAL
        loss = math.nan if at == count // 3 else 2.0 / at + 0.1
        norm = math.inf if at == count // 3 + 1 else 0.5 + at / 1000
        rate = 1e-05 * (1 - at / (count + 1))
        yield Logged(step, {"loss": loss, "grad_norm": norm, "learning_rate": rate, "epoch": step / 1000})
        if at % EVALUATED == 0:
            yield Logged(step, {"eval_loss": 2.5 / at + 0.2, "eval_runtime": 1.5, "epoch": step / 1000})
    yield Logged(step, {"train_runtime": 12.5, "train_samples_per_second": 64.0, "epoch": step / 1000})


Write = Callable[[Path, str, list[Logged], Callable[[], None]], None]
"""Logs rows below a folder as the run of that name, and pauses after each."""


def write_wandb(folder: Path, name: str, logged: list[Logged], pause: Callable[[], None]) -> None:
    """Offline, as Transformers' callback does: what closes the run goes to the summary."""
    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true")
    wandb: Any = importlib.import_module("wandb")
    quiet = wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off")
    run = wandb.init(project="lab", name=name, dir=str(folder), settings=quiet)
    run.config.update(SETTINGS)
    run.define_metric("train/global_step")
    run.define_metric("*", step_metric="train/global_step", step_sync=True)
    for each in logged:
        if "train_runtime" in each.cells:
            run.summary.update(dict(each.cells))
        else:
            run.log(each.prefixed)
        pause()
    run.finish()


def write_swanlab(folder: Path, name: str, logged: list[Logged], pause: Callable[[], None]) -> None:
    """Offline, as its own callback for Transformers does."""
    swanlab: Any = importlib.import_module("swanlab")
    where = str(folder / "swanlog")
    swanlab.init(project="lab", experiment_name=name, mode="offline", logdir=where, config=SETTINGS)
    for each in logged:
        swanlab.log(each.prefixed, step=each.step)
        pause()
    swanlab.finish()


def write_mlflow(folder: Path, name: str, logged: list[Logged], pause: Callable[[], None]) -> None:
    """Into a database."""
    _write_mlflow(f"sqlite:///{folder / 'mlflow.db'}", name, logged, pause)


def write_mlflow_files(folder: Path, name: str, logged: list[Logged], pause: Callable[[], None]) -> None:
    """Into files."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    _write_mlflow((folder / "mlruns").as_uri(), name, logged, pause)


def _write_mlflow(where: str, name: str, logged: list[Logged], pause: Callable[[], None]) -> None:
    mlflow: Any = importlib.import_module("mlflow")
    mlflow.set_tracking_uri(where)
    mlflow.set_experiment("lab")
    with mlflow.start_run(run_name=name):
        mlflow.log_params(SETTINGS)
        for each in logged:
            mlflow.log_metrics(dict(each.cells), step=each.step)
            pause()


def write_trackio(folder: Path, name: str, logged: list[Logged], pause: Callable[[], None]) -> None:
    """Into the database of a project."""
    os.environ["TRACKIO_DIR"] = str(folder)
    trackio: Any = importlib.import_module("trackio")
    trackio.init(project="lab", name=name, config=SETTINGS, embed=False, auto_log_gpu=False)
    for each in logged:
        trackio.log(each.prefixed)
        pause()
    trackio.finish()


TRACKERS: Mapping[str, Write] = {
    "wandb": write_wandb,
    "swanlab": write_swanlab,
    "swanlab_json": write_swanlab,
    "mlflow": write_mlflow,
    "mlflow_files": write_mlflow_files,
    "trackio": write_trackio,
}
SEVERAL = ("mlflow", "mlflow_files", "trackio")
"""Those whose stores hold several runs."""


def main() -> None:
    """Log with one tracker."""
    parser = argparse.ArgumentParser(description="logs known rows with a real tracker")
    parser.add_argument("tracker", choices=TRACKERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds after each row")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    write = TRACKERS[given.tracker]
    write(given.folder.resolve(), RUNS[0], list(rows(given.rows)), lambda: time.sleep(given.pause))
    if given.tracker in SEVERAL:
        write(given.folder.resolve(), RUNS[1], list(rows(5)), lambda: None)


if __name__ == "__main__":
    main()
