"""Real trainers, each in a Python of its own, and commands that start small trainings with them.

`scripts/trainers-lab FOLDER` makes the Pythons and prints the variables that name them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import leave_out
from tests.project import IMPORTED_FROM, ROOT

PROGRAM = "tests.tiny_training.train"
HANGS_SECONDS = 600.0
"""A small training takes a tenth of it on a busy machine."""

QUIET: Mapping[str, str] = {
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "",  # without byte code each start would compile for ten seconds
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "DISABLE_VERSION_CHECK": "1",  # LLaMA-Factory's
}
"""What small trainings want of their environment: one thread each, and no network."""


COLLAPSING = ("--learning_rate", "3e-2", "--warmup_steps", "60", "--beta", "0.01")
"""Flags of a GRPO that learns until its rate has become far too high, and falls apart by step 50."""


@dataclass(frozen=True)
class Lab:
    """A Python with a trainer. `required`: it has to be there where nothing may be left out."""

    name: str
    required: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that names it."""
        return f"LLMTRAIN_TRAINER_{self.name.upper()}"

    @property
    def python(self) -> Path:
        """The interpreter; a test that asks for one that is not there is left out."""
        found = os.environ.get(self.variable)
        if not found:
            (leave_out if self.required else pytest.skip)(f"needs {self.variable}: scripts/trainers-lab")
        return Path(found)

    def program(self, name: str) -> str:
        """A command that the trainer has brought."""
        return str(self.python.with_name(name))


TRL = Lab("trl", required=True)
SWIFT = Lab("swift", required=True)
TRL_OLDER = Lab("trl_older")
SWIFT_OLDER = Lab("swift_older")
LLAMAFACTORY = Lab("llamafactory")


class Ended(NamedTuple):
    """A training that came to its end: its exit code, and what it printed."""

    code: int
    output: str


def made(lab: Lab, folder: Path) -> Path:
    """The folder with the model and the data, which the trainer's own libraries write."""
    ended = run([str(lab.python), "-m", PROGRAM, "make", str(folder)], folder.with_suffix(".log"))
    assert ended.code == 0, ended.output
    return folder


def script(lab: Lab, kind: str, folder: Path, output: Path, *flags: str) -> list[str]:
    """A script of a user's: `kind` is grpo (TRL's) or sft (the plain Trainer's). Flags: `--beta`, `0.1`."""
    return [str(lab.python), "-m", PROGRAM, kind, str(folder), "--output_dir", str(output), *flags]


def with_processes(lab: Lab, count: int, command: Sequence[str]) -> list[str]:
    """The same script in so many processes, which torchrun starts."""
    return [
        str(lab.python),
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        str(count),
        *command[1:],
    ]


def swift_grpo(lab: Lab, folder: Path, output: Path, *flags: str) -> list[str]:
    """The same GRPO with ms-swift's command."""
    rewards = ROOT / "tests" / "tiny_training" / "swift_rewards.py"
    own = {
        "--rlhf_type": "grpo",
        "--dataset": folder / "rewarded.jsonl",
        "--external_plugins": rewards,
        "--num_generations": "8",
        "--per_device_train_batch_size": "64",
        "--max_completion_length": "12",
        "--temperature": "1.0",
        "--top_p": "1.0",
        "--top_k": "0" if lab is SWIFT_OLDER else "-1",  # all words
        "--beta": "0.04",
    }
    words = ["--reward_funcs", "well_formed", "right"]
    return [lab.program("swift"), "rlhf", *words, *_overridden({**_swift(lab, folder, output), **own}, flags)]


def swift_sft(lab: Lab, folder: Path, output: Path, *flags: str) -> list[str]:
    """Supervised training with ms-swift's command."""
    own = {"--dataset": folder / "supervised.jsonl", "--per_device_train_batch_size": "16"}
    return [lab.program("swift"), "sft", *_overridden({**_swift(lab, folder, output), **own}, flags)]


def llamafactory_sft(lab: Lab, folder: Path, output: Path, *flags: str) -> list[str]:
    """Supervised training with LLaMA-Factory's command, of a file. Flags: `learning_rate=1e-3`."""
    settings = {
        "model_name_or_path": str(folder / "model"),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "full",
        "template": "qwen",
        "dataset_dir": str(folder),
        "dataset": "supervised",
        "cutoff_len": 64,
        "output_dir": str(output),
        "overwrite_output_dir": True,
        "use_cpu": True,
        "bf16": False,
        "per_device_train_batch_size": 16,
        "learning_rate": 1e-3,
        "max_steps": 60,
        "logging_steps": 1,
        "save_steps": 5,
        "save_total_limit": 3,
        "report_to": "none",
    }
    columns = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    described = {
        "file_name": "supervised.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
    }
    (folder / "dataset_info.json").write_text(json.dumps({"supervised": {**described, "tags": columns}}))
    file = output.with_suffix(".yaml")  # JSON is YAML; its own way of reading JSON fails
    file.write_text(json.dumps(settings))
    return [lab.program("llamafactory-cli"), "train", str(file), *flags]


def run(command: Sequence[str], log: Path, **environment: str) -> Ended:
    """Run a training to its end, its output in a file. Raises TimeoutExpired where it hangs."""
    with started(command, log, **environment) as process:
        try:
            code = process.wait(HANGS_SECONDS)
        finally:
            process.kill()
    return Ended(code, log.read_text(encoding="utf-8", errors="replace"))


def under_guard(command: Sequence[str], output: Path, *options: str) -> Ended:
    """Run a training under `guard`, which is in the Python of these tests and not in the training's.

    Its log lies beside its output folder. Raises TimeoutExpired where it hangs.
    """
    guard = ["llmtrain_exporter", "guard", *options, "--", *command]
    # The guard's own Python finds the package as an installed one would: the training's does not.
    program = f"import runpy, sys; sys.path.insert(0, {str(IMPORTED_FROM)!r}); sys.argv = {guard!r}; "
    program += "runpy.run_module('llmtrain_exporter', run_name='__main__', alter_sys=True)"
    log = output.with_suffix(".log")
    with started([sys.executable, "-c", program], log) as process:
        try:
            code = process.wait(3 * HANGS_SECONDS)  # so many trainings, one after the other
        finally:
            process.kill()
    return Ended(code, log.read_text(encoding="utf-8", errors="replace"))


def started(command: Sequence[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """A training that has begun; its output goes to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=log.parent,
            env=surroundings(**environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def surroundings(**environment: str) -> dict[str, str]:
    """The environment of a small training, with more."""
    return {**os.environ, **QUIET, **environment}


def history(output: Path) -> list[dict[str, float]]:
    """What a training has logged of its steps, by the newest trainer_state.json in its folder."""
    states = sorted(_states(output), key=lambda path: path.stat().st_mtime)
    assert states, f"no trainer_state.json in {output}"
    rows: list[dict[str, float]] = json.loads(states[-1].read_text(encoding="utf-8"))["log_history"]
    return [row for row in rows if "loss" in row]


def _states(output: Path) -> Iterator[Path]:
    """Of the folder itself and of its checkpoints; ms-swift has them in a folder for each start."""
    yield from output.rglob("trainer_state.json")


def _swift(lab: Lab, folder: Path, output: Path) -> Mapping[str, object]:
    tuning = "--train_type" if lab is SWIFT_OLDER else "--tuner_type"
    return {
        "--model": folder / "model",
        "--model_type": "qwen2",
        "--template": "qwen2_5",
        "--system": "",
        "--torch_dtype": "float32",
        "--attn_impl": "eager",
        "--use_cpu": "true",
        "--bf16": "false",
        "--fp16": "false",
        tuning: "full",
        "--load_from_cache_file": "false",
        "--split_dataset_ratio": "0",
        "--eval_strategy": "no",
        "--max_length": "128",
        "--max_steps": "60",
        "--learning_rate": "1e-3",
        "--lr_scheduler_type": "constant_with_warmup",
        "--warmup_steps": "5",
        "--gradient_accumulation_steps": "1",
        "--gradient_checkpointing": "false",
        "--logging_steps": "1",
        "--save_steps": "5",
        "--save_total_limit": "3",
        "--report_to": "none",
        "--use_hf": "true",
        "--dataloader_num_workers": "0",
        "--dataset_num_proc": "1",
        "--seed": "42",
        "--output_dir": output,
    }


def _overridden(flags: Mapping[str, object], others: Sequence[str]) -> list[str]:
    """Flags as words, of which the others replace those of the same name."""
    return [word for pair in flags.items() if pair[0] not in others for word in map(str, pair)] + [*others]
