"""Checkpoints as trainers save them: their files in the order in which they are written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from llmtrain_exporter.guard.keep.checkpoints import Checkpoint

Written = Iterator[float]

PLAIN = (
    "config.json",
    "model.safetensors",
    "training_args.bin",
    "scheduler.pt",
    "optimizer.pt",
    "rng_state.pth",
)
LORA = ("adapter_config.json", "adapter_model.safetensors", *PLAIN[2:])
TWO_RANKS = (*PLAIN[:-1], "rng_state_0.pth", "rng_state_1.pth")
SHARDED = (
    "config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    *PLAIN[2:],
)
DEEPSPEED = (
    "config.json",
    "model.safetensors",
    "training_args.bin",
    "global_step{step}/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt",
    "global_step{step}/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt",
    "global_step{step}/mp_rank_00_model_states.pt",
    "latest",
    "rng_state_0.pth",
    "rng_state_1.pth",
    "scheduler.pt",
)
FSDP = (
    "config.json",
    "pytorch_model_fsdp_0/__0_0.distcp",
    "pytorch_model_fsdp_0/__1_0.distcp",
    "pytorch_model_fsdp_0/.metadata",
    "optimizer_0/__0_0.distcp",
    "optimizer_0/__1_0.distcp",
    "optimizer_0/.metadata",
    "scheduler.pt",
    "rng_state_0.pth",
    "rng_state_1.pth",
)
KINDS: Mapping[str, tuple[str, ...]] = {
    "plain": PLAIN,
    "lora": LORA,
    "two ranks": TWO_RANKS,
    "sharded": SHARDED,
    "deepspeed": DEEPSPEED,
    "fsdp": FSDP,
}


def save(
    output: Path, step: int, files: tuple[str, ...] = PLAIN, clock: Written | None = None, content: str = ""
) -> Path:
    """A whole checkpoint, written a second a file; `clock`: Unix times. What is there is written in place."""
    folder = output / f"checkpoint-{step}"
    times = clock or count(1_700_000_000.0 + 100 * step)
    for name in (*files, "trainer_state.json"):
        write(folder, name.format(step=step), step, next(times), content)
    return folder


def write(folder: Path, name: str, step: int, written: float, content: str = "") -> None:
    """One of its files, as if it was written at that Unix time."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+" if path.exists() else "x", encoding="utf-8") as file:
        file.truncate()
        file.write(_text(name, step, content))
    os.utime(path, (written, written))


def _text(name: str, step: int, content: str) -> str:
    if name == "trainer_state.json":
        return (
            json.dumps({"global_step": step, "log_history": [{"loss": 0.5}], "of": content}, indent=2) + "\n"
        )
    if name == "latest":
        return f"global_step{step}"
    if name.endswith(".index.json"):
        return json.dumps({"weight_map": {"a": SHARDED[1], "b": SHARDED[2]}})
    return f"{name} of step {step} {content}"


def checkpoints(*steps: int) -> list[Checkpoint]:
    """Some that nobody has written."""
    return [Checkpoint(Path(f"checkpoint-{step}"), step, float(step)) for step in steps]
