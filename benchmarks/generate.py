"""Logs as ms-swift's GRPO trainer writes them: its keys, spellings and sizes, always the same for a seed.

A row has 35 keys and about 1.1 KB. The numbers of a row come from a pool that is drawn once; step, learning
rate, epoch, times and progress are the row's own, so that no two rows of a run are the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

POOL = 2048
STEP_SECONDS = 12.0
UNFINISHED_STEPS = 1_000_000
LEARNING_RATE = 1e-6
BLOCK = 10_000  # rows that are written at once

FUNCTIONS = ("MultiModalAccuracyORM", "Format", "SoftOverlong", "RepetitionPenalty")

Draw = Callable[[random.Random], float]


def _around(mean: float, spread: float) -> Draw:
    return lambda source: abs(source.gauss(mean, spread))


def _whole(low: int, high: int) -> Draw:
    return lambda source: float(source.randint(low, high))


def _seldom(share: float, most: float) -> Draw:
    return lambda source: source.random() * most if source.random() < share else 0.0


BEFORE_RATE: dict[str, Draw] = {
    "loss": lambda source: source.gauss(0.0008, 0.0004),
    "grad_norm": _around(0.5, 0.06),
}
BEHIND_RATE: dict[str, Draw] = {
    "completions/mean_length": _around(310, 14),
    "completions/min_length": _whole(60, 200),
    "completions/max_length": _whole(600, 1000),
    "completions/clipped_ratio": _seldom(0.3, 0.03),
    "reward": _around(1.6, 0.08),
    "reward_std": _around(0.45, 0.03),
    "frac_reward_zero_std": _around(0.12, 0.03),
    **{f"rewards/{name}/mean": _around(0.7, 0.04) for name in FUNCTIONS},
    **{f"rewards/{name}/std": _around(0.3, 0.02) for name in FUNCTIONS},
    "kl": _around(0.02, 0.0015),
    "entropy/mean": _around(0.34, 0.015),
    "entropy/max": _around(0.9, 0.05),
    "entropy/min": _around(0.08, 0.005),
    "clip_ratio/low_mean": _seldom(0.4, 0.001),
    "clip_ratio/low_min": lambda _: 0.0,
    "clip_ratio/high_mean": _seldom(0.4, 0.001),
    "clip_ratio/high_max": _seldom(0.4, 0.004),
    "clip_ratio/region_mean": _seldom(0.6, 0.002),
    "num_turns": lambda _: 1.0,
}
MEASURED = (*BEFORE_RATE, "learning_rate", *BEHIND_RATE)
"""The keys of a row whose value is a number that the trainer measured, in their order."""


def log_path(root: Path, run: int) -> Path:
    """Where the log of a numbered run lies."""
    return root / f"run_{run:05d}" / "v0-20250101-000000" / "logging.jsonl"


def rows(count: int, *, seed: int = 0, first: int = 1, total: int = UNFINISHED_STEPS) -> Iterator[str]:
    """Rows of the steps from `first` on, of a run that is to take `total`; without their line ends."""
    pool = _pool()
    at = random.Random(seed).randrange(POOL)
    for step in range(first, first + count):
        before, behind = pool[(at + step) % POOL]
        yield "{" + before + _rate(step / total) + behind + _progress(step, total) + "}"


def write_log(path: Path, count: int, *, seed: int = 0, finished: bool = False) -> int:
    """Writes a log with so many training rows, `finished`: and a final and a summary row; its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "args.json").write_bytes(_arguments())
    total = count if finished else UNFINISHED_STEPS
    with path.open("w", encoding="ascii", newline="\n") as log:
        written = []
        for first in range(1, count + 1, BLOCK):
            block = list(rows(min(BLOCK, count - first + 1), seed=seed, first=first, total=total))
            log.write("\n".join(block) + "\n")
            written += block if finished else []
        if finished:
            log.write(_final(count) + "\n" + _summary(count, written) + "\n")
    return path.stat().st_size


def write_runs(root: Path, runs: int, count: int, *, finished: bool = False) -> int:
    """Writes that many run folders below `root`, each with its own seed; the bytes of their logs."""
    return sum(write_log(log_path(root, run), count, seed=run, finished=finished) for run in range(runs))


def append(path: Path, row: str) -> None:
    """Adds a row to a log as the trainer does: opened, written and closed for each row."""
    with path.open("ab", buffering=0) as log:
        log.write(row.encode("ascii") + b"\n")


@cache
def _pool() -> tuple[tuple[str, str], ...]:
    source = random.Random(POOL)
    return tuple((_cells(BEFORE_RATE, source) + ", ", _cells(BEHIND_RATE, source)) for _ in range(POOL))


def _cells(spec: dict[str, Draw], source: random.Random) -> str:
    return ", ".join(f'"{key}": {round(draw(source), 8)!r}' for key, draw in spec.items())


def _rate(done: float) -> str:
    return f'"learning_rate": {round(LEARNING_RATE * (1 - 0.9 * done), 9)!r}, '


def _progress(step: int, total: int) -> str:
    elapsed = step * STEP_SECONDS
    return (
        f', "epoch": {round(step / total, 8)!r}, "global_step/max_steps": "{step}/{total}", '
        f'"percentage": "{100 * step / total:.2f}%", "elapsed_time": "{_words(elapsed)}", '
        f'"remaining_time": "{_words(total * STEP_SECONDS - elapsed)}", '
        f'"memory(GiB)": {62.4 + step % 7 / 100:.2f}, '
        f'"train_speed(s/it)": {STEP_SECONDS + step % 97 / 1e4:.6f}'
    )


def _words(seconds: float) -> str:
    """A duration as ms-swift prints it: "1h 2m 3s", without the units that are 0 in front."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s"))
    first = next((at for at, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount}{unit}" for amount, unit in parts[first:])


def _final(count: int) -> str:
    runtime = f'"train_runtime": {count * STEP_SECONDS}, "train_samples_per_second": 2.667'
    return "{" + runtime + ', "train_loss": 0.00081' + _progress(count, count) + "}"


def _summary(count: int, written: list[str]) -> str:
    """The trainer's last line, which holds all rows again."""
    model = '"model_parameter_info": "Qwen2VL: 8291.3757M Params"'
    rest = (
        f'"last_model_checkpoint": "output/checkpoint-{count}", "best_metric": null, "global_step": {count}'
    )
    return "{" + f'{model}, {rest}, "log_history": [{", ".join(written)}]' + "}"


@cache
def _arguments() -> bytes:
    """An `args.json` of the size that the trainer writes."""
    known = {
        "rlhf_type": "grpo",
        "model": "Qwen/Qwen2.5-VL-7B-Instruct",
        "model_type": "qwen2_5_vl",
        "learning_rate": LEARNING_RATE,
        "lr_scheduler_type": "linear",
        "beta": 0.04,
        "epsilon": 0.2,
        "max_grad_norm": 1.0,
        "num_generations": 8,
        "max_completion_length": 1024,
        "logging_steps": 1,
        "save_steps": 100,
        "loss_type": "grpo",
    }
    others = {f"another_argument_of_the_trainer_{number:03d}": None for number in range(340)}
    return json.dumps({**known, **others}, indent=2).encode("ascii")
