"""A small training, started as a user's script is, in the Python of a trainer.

    python -m tests.tiny_training.train make FOLDER        model and data
    python -m tests.tiny_training.train grpo FOLDER --output_dir OUT [any flag of GRPOConfig]
    python -m tests.tiny_training.train sft FOLDER --output_dir OUT [any flag of TrainingArguments]
    python -m tests.tiny_training.train score MODEL...     how often each answers rightly

`sft` learns from one long row a step, each with a weight. With `--broken_at 30` that of the row which comes
at step 30 is not a number, as a division by nothing makes it.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

from tests.tiny_training import model, sums

REWARDED, SUPERVISED = 512, 256
"""Rows of data: prompts, and conversations for trainers that read files."""
SUMS_IN_A_ROW = 16  # of the supervised training

CALM: Mapping[str, object] = {
    "use_cpu": True,
    "bf16": False,
    "max_steps": 60,
    "lr_scheduler_type": "constant_with_warmup",
    "warmup_steps": 5,
    "logging_steps": 1,
    "save_steps": 5,
    "save_total_limit": 3,
    "report_to": "none",
    "disable_tqdm": True,
    "gradient_checkpointing": False,
}
CALM_GRPO: Mapping[str, object] = {
    **CALM,
    "per_device_train_batch_size": 64,
    "num_generations": 8,
    "max_completion_length": model.LONGEST_ANSWER,
    "learning_rate": 1e-3,
    "beta": 0.04,
}
CALM_SFT: Mapping[str, object] = {
    **CALM,
    "per_device_train_batch_size": 1,
    "learning_rate": 1e-3,
    "remove_unused_columns": False,
}


def make(folder: Path) -> None:
    """The model, and its data in the ways that trainers read them."""
    chance = random.Random(0)
    model.build(folder / "model")
    sums.write_rows(folder / "rewarded.jsonl", sums.rewarded_rows(REWARDED, chance))
    sums.write_rows(folder / "supervised.jsonl", sums.supervised_rows(SUPERVISED, chance))


def grpo(folder: Path, words: Sequence[str]) -> None:
    """TRL's GRPO, until its steps are done."""
    trl: Any = importlib.import_module("trl")
    datasets: Any = importlib.import_module("datasets")
    (settings,) = _parsed((trl.GRPOConfig,), CALM_GRPO, words)
    rows = [json.loads(line) for line in (folder / "rewarded.jsonl").read_text().splitlines()]
    trainer = trl.GRPOTrainer(
        model=str(folder / "model"),
        reward_funcs=[sums.well_formed, sums.right],
        args=settings,
        train_dataset=datasets.Dataset.from_list(
            [{"prompt": row["messages"], "solution": row["solution"]} for row in rows]
        ),
    )
    _train(trainer)


def sft(folder: Path, words: Sequence[str]) -> None:
    """The plain Trainer of Transformers on rows whose loss it makes itself."""
    transformers: Any = importlib.import_module("transformers")
    own = make_dataclass("Broken", [("broken_at", int, 0), ("order", int, 42)])
    broken, settings = _parsed((own, transformers.TrainingArguments), CALM_SFT, words)
    trainer = type("Weighted", (transformers.Trainer,), {"compute_loss": _weighted})(
        model=transformers.AutoModelForCausalLM.from_pretrained(folder / "model"),
        args=settings,
        train_dataset=_rows(settings.max_steps, broken.broken_at, broken.order),
    )
    _train(trainer)


def _weighted(trainer: Any, model: Any, inputs: dict[str, Any], *_: Any, **__: Any) -> Any:  # noqa: ARG001
    weight = inputs.pop("weight")
    return model(**inputs).loss * weight.mean()


def _rows(count: int, broken_at: int, order: int) -> list[dict[str, object]]:
    """As many as there are steps. The broken one comes at its step where the seed is `order`."""
    torch: Any = importlib.import_module("torch")
    chance, words = random.Random(order), model.tokenizer()
    rows = [_row(words, chance) for _ in range(count)]
    if broken_at > 0:
        coming = torch.randperm(count, generator=torch.Generator().manual_seed(order))
        rows[int(coming[broken_at - 1])]["weight"] = math.nan
    return rows


def _row(words: Any, chance: random.Random) -> dict[str, object]:
    told = [model.labelled(words, *chance.choice(sums.SUMS)) for _ in range(SUMS_IN_A_ROW)]
    return {
        "input_ids": [token for ids, _ in told for token in ids],
        "labels": [label for _, labels in told for label in labels],
        "weight": 1.0,
    }


def _parsed(classes: Sequence[Any], defaults: Mapping[str, object], words: Sequence[str]) -> Sequence[Any]:
    """The trainer's own reading of flags, after ours for whatever was not given."""
    transformers: Any = importlib.import_module("transformers")
    given = {word.split("=")[0] for word in words}
    ours = [(f"--{key}", str(value)) for key, value in defaults.items() if f"--{key}" not in given]
    parser = transformers.HfArgumentParser(classes)
    found: Sequence[Any] = parser.parse_args_into_dataclasses(
        [word for pair in ours for word in pair] + [*words]
    )
    return found


def _train(trainer: Any) -> None:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    try:
        trainer.train(resume_from_checkpoint=trainer.args.resume_from_checkpoint)
        trainer.save_model()
        trainer.save_state()
    except SystemExit as stopped:
        _leave(stopped.code)
        raise
    _leave(0)


def _leave(code: Any) -> None:
    """End at once, if this is one rank of several, and leave the interpreter no time to end.

    A thread of gloo's that still lets go of a tensor would abort it now and then, and with the process group
    destroyed before, as DDP has it too, keep it for ever; both with a guard or without.
    """
    distributed: Any = importlib.import_module("torch.distributed")
    if distributed.is_available() and distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main(command: str, *words: str) -> None:
    """See the module."""
    if command == "make":
        make(Path(words[0]))
    elif command == "score":
        print(json.dumps({path: model.score(Path(path)) for path in words}))
    else:
        {"grpo": grpo, "sft": sft}[command](Path(words[0]), words[1:])


if __name__ == "__main__":
    main(*sys.argv[1:])
