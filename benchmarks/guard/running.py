"""Carries out one training of the experiment and writes down what became of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.guard.experiment import Planned
from benchmarks.measure import ROOT
from tests import trainers

HANGS_SECONDS = 3600.0
GUARD_FILE = "llmtrain-guard.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a training. `wasted`: steps that were trained and given up.

    `accuracy`, `loss`: of the model that is left, None while nobody has looked; `model`: its folder, None
    where there is none. `told_at`: step at which the guard first stopped it.
    """

    training: str
    treatment: str
    seed: int
    code: int
    seconds: float
    state: str = ""
    rescues: int = 0
    wasted: int = 0
    told_at: int | None = None
    attempts: Sequence[Mapping[str, Any]] = ()
    events: Mapping[str, int] = field(default_factory=dict)
    last_step: int = 0
    model: str | None = None
    accuracy: float | None = None
    loss: float | None = None


def outcome_of(file: Path) -> Outcome:
    """One that was written down before."""
    return Outcome(**json.loads(file.read_text(encoding="utf-8")))


def write(outcome: Outcome, file: Path) -> None:
    """Whole or not at all, so that a run that was ended goes on at the right place."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(asdict(outcome), indent=1), encoding="utf-8")
    part.replace(file)


def carry_out(one: Planned, model: Path, results: Path) -> Outcome:
    """Train, keep the model that is left with what was logged, and remove the rest."""
    folder, left = results / "running" / one.name, results / "left" / one.name
    for old in (folder, left):
        shutil.rmtree(old, ignore_errors=True)
    output = folder / "out"
    command = trainers.script(trainers.TRL, one.training.kind, model, output, *one.training.words(one.seed))
    started = time.monotonic()
    code = _trained(_guarded(command, one.treatment.flags), folder)
    outcome = _seen(one, code, round(time.monotonic() - started, 1), output)
    kept = _keep_model(_left(output), left)
    for log in (
        folder / "log",
        output / GUARD_FILE,
        output / "llmtrain.jsonl",
        output / "trainer_state.json",
    ):
        if log.exists():
            shutil.copy(log, left)
    shutil.rmtree(folder)
    return replace(outcome, model=kept)


def _guarded(command: Sequence[str], flags: Sequence[str] | None) -> Sequence[str]:
    if flags is None:
        return command
    return [sys.executable, "-m", "llmtrain_exporter", "guard", *flags, "--", *command]


def _trained(command: Sequence[str], folder: Path) -> int:
    """The exit code of a training; a hang counts as one that was killed."""
    paths = {"PYTHONPATH": f"{ROOT / 'exporter'}:{ROOT}"}
    with trainers.started(command, folder / "log", **paths) as process:
        try:
            return process.wait(HANGS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def _seen(one: Planned, code: int, seconds: float, output: Path) -> Outcome:
    history = trainers.history(output)
    told: Mapping[str, Any] = {}
    if (output / GUARD_FILE).exists():
        told = json.loads((output / GUARD_FILE).read_text(encoding="utf-8"))
    attempts = told.get("attempts", [])
    actions = [event["action"] for event in told.get("events", [])]
    return Outcome(
        one.training.name,
        one.treatment.name,
        one.seed,
        code,
        seconds,
        told.get("state", ""),
        len(attempts),
        sum(int(attempt.get("wasted_steps") or 0) for attempt in attempts),
        next((event["step"] for event in told.get("events", []) if event["action"] == "stop"), None),
        attempts,
        {action: actions.count(action) for action in sorted(set(actions))},
        int(history[-1]["step"]) if history else 0,
    )


def _left(output: Path) -> Path | None:
    """The model that somebody finds afterwards: the finished one, or else the newest checkpoint."""
    if (output / "model.safetensors").exists():
        return output
    checkpoints = sorted(output.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    return checkpoints[-1] if checkpoints else None


def _keep_model(model: Path | None, folder: Path) -> str | None:
    folder.mkdir(parents=True, exist_ok=True)
    if model is None:
        return None
    for name in ("config.json", "generation_config.json", "model.safetensors"):
        shutil.copy(model / name, folder / name)
    return str(folder)
