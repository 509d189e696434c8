"""Runs in the Python of a trainer: what the guard's callback costs there. Prints one JSON object.

    python -m benchmarks.guard.inside FOLDER ROWS

The callback is told of so many steps and rows as a trainer would tell it; nothing is trained. Times are
seconds of the processor; memory is what is resident, in bytes.
"""

from __future__ import annotations

import importlib
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def rows(count: int) -> Iterator[dict[str, float]]:
    """As TRL's GRPO trainer logs them when all is well."""
    chance = random.Random(7)
    for step in range(1, count + 1):
        reward = 1.0 - math.exp(-step / 100) + chance.gauss(0.0, 0.02)
        yield {
            "loss": chance.gauss(0.001, 0.0005),
            "grad_norm": abs(chance.gauss(0.6, 0.1)),
            "learning_rate": 1e-6,
            "num_tokens": step * 4096.0,
            "completions/mean_length": chance.gauss(120.0, 4.0),
            "completions/min_length": 30.0,
            "completions/max_length": 256.0,
            "completions/clipped_ratio": 0.02,
            "completions/mean_terminated_length": chance.gauss(118.0, 4.0),
            "rewards/right/mean": reward,
            "rewards/right/std": 0.3,
            "reward": reward,
            "reward_std": 0.3,
            "frac_reward_zero_std": 0.1,
            "kl": 0.01 + step * 1e-6,
            "entropy": chance.gauss(0.4, 0.01),
            "clip_ratio/low_mean": 0.0,
            "clip_ratio/high_mean": 0.0,
            "clip_ratio/region_mean": 0.0,
            "step_time": 4.0,
            "epoch": step / 1000,
        }


def resident() -> int:
    """Bytes of this process that are in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def measured(folder: Path, count: int) -> dict[str, float]:
    """What import, first row, further rows and steps cost."""
    importlib.import_module("trl").GRPOTrainer  # noqa: B018  # whatever a training has loaded already
    before = resident()
    importing = _timed(lambda: importlib.import_module("llmtrain_exporter.guard.inside.callback"))
    guard: Any = importlib.import_module("llmtrain_exporter.guard").Guard()
    training = _training(folder, count)
    guard.on_train_begin(**training)
    logging, stepping = [], []
    for step, row in enumerate(rows(count), 1):
        training["state"].global_step = step
        stepping.append(_timed(lambda: _step(guard, training)))
        logging.append(_timed(lambda row=row: guard.on_log(logs=dict(row), **training)))  # type: ignore[misc]
    return {
        "import": importing,
        "first": logging[0],
        "record": statistics.median(logging[1:]),
        "record_mean": statistics.mean(logging[1:]),
        "record_p99": statistics.quantiles(logging[1:], n=100)[98],
        "step": statistics.median(stepping),
        "memory": resident() - before,
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _training(folder: Path, count: int) -> dict[str, Any]:
    transformers: Any = importlib.import_module("transformers")
    settings = transformers.TrainingArguments(
        output_dir=str(folder), use_cpu=True, max_steps=count, logging_steps=1
    )
    state = transformers.TrainerState(max_steps=count)
    return {
        "args": settings,
        "state": state,
        "control": transformers.TrainerControl(),
        "model": SimpleNamespace(),
    }


def _step(guard: Any, training: dict[str, Any]) -> None:
    for moment in ("on_step_begin", "on_pre_optimizer_step", "on_optimizer_step", "on_step_end"):
        getattr(guard, moment)(**training)


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2]))))
