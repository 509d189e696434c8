"""Rows as trainers log them, and files that get them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

PLANNED = 10_000


def swift(step: int, planned: float = PLANNED, **more: object) -> str:
    """A training row of ms-swift whose loss tells its step."""
    position = {"global_step/max_steps": f"{step}/{planned}", "elapsed_time": f"{step}s"}
    return json.dumps({"loss": 1 / step, "grad_norm": step / 8, **more, **position})


def swift_eval(step: int, planned: int = PLANNED) -> str:
    """Its evaluation row."""
    return json.dumps(
        {"eval_loss": 2 / step, "eval_runtime": 1.5, "global_step/max_steps": f"{step}/{planned}"}
    )


def swift_summary(last: int) -> str:
    """Its last line, on the way out of a failure too."""
    history = [json.loads(swift(step)) for step in range(1, last + 1)]
    return json.dumps({"model_parameter_info": "tiny", "last_model_checkpoint": None, "log_history": history})


def llamafactory(step: int, planned: int = PLANNED) -> str:
    """A training row of LLaMA-Factory, which lacks the grad_norm."""
    return json.dumps(
        {"current_steps": step, "total_steps": planned, "loss": 1 / step, "lr": 1e-5, "epoch": 0.1}
    )


def trainer_state(steps: Iterable[int], planned: int = PLANNED) -> str:
    """A whole trainer_state.json."""
    history = [{"step": step, "loss": 1 / step, "grad_norm": step / 8, "epoch": 0.1} for step in steps]
    return json.dumps({"max_steps": planned, "log_history": history})


def printed(step: int) -> str:
    """A row as Transformers prints it, a dict of Python's."""
    return str({"loss": f"{1 / step:.4g}", "grad_norm": f"{step / 8:.4g}", "epoch": "0.1"})


def append(path: Path, *lines: str, modified: float | None = None) -> Path:
    """Write whole lines to the end of a file, which is made with its folders where it is not there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path if modified is None else touch(path, modified)


def touch(path: Path, modified: float) -> Path:
    """Let a file look as if it was written at that Unix time."""
    os.utime(path, (modified, modified))
    return path


def save_checkpoint(folder: Path, step: int) -> None:
    """A checkpoint beside a log, as small as it can be and still have weights."""
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.safetensors").write_bytes(b"weights")
