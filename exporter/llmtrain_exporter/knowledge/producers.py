"""The trainers whose flags the alerts and the runbook name.

A run's own advice names the flags of its own producer, whichever that is; a producer of one dialect alone
may stand in the file of that dialect.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.producer import Producer


def _same(*settings: str) -> Mapping[str, str]:
    """Flags that are called like the settings."""
    return {setting: setting for setting in settings}


_TRAINER = _same(
    *("learning_rate", "lr_scheduler_type", "warmup_ratio", "weight_decay", "max_grad_norm", "bf16", "fp16"),
    *("num_train_epochs", "per_device_train_batch_size", "gradient_accumulation_steps"),
    *("logging_steps", "logging_nan_inf_filter", "eval_strategy", "eval_steps"),
    *("save_strategy", "save_steps", "save_total_limit", "load_best_model_at_end", "resume_from_checkpoint"),
    *("lora_alpha", "lora_dropout"),
)
"""The arguments of Transformers' Trainer, and LoRA's, which the others take as well."""

_TRL = _same("beta", "epsilon", "epsilon_high", "max_completion_length", "num_generations", "temperature")
"""The arguments of TRL's GRPO."""

SWIFT = Producer(
    name="swift",
    flags={
        **_TRAINER,
        **_TRL,
        **_same("lora_rank", "max_length", "stop_words", "overlong_filter", "dynamic_sample"),
        "early_stop_interval": "early_stop_interval",
    },
    defaults={"max_grad_norm": 1.0},
    defaults_in={profile.GRPO: {"beta": 0.04, "epsilon": 0.2}, profile.DPO: {"beta": 0.1}},
)
"""ms-swift. Source of the defaults, here and below: the trainers' own code."""

TRANSFORMERS = Producer(
    name="transformers",
    flags={
        **_TRAINER,
        **_TRL,
        "lora_rank": "lora_r",
        "max_length": "max_length",
        "overlong_filter": "mask_truncated_completions",
    },
    defaults={"max_grad_norm": 1.0, "lora_dropout": 0.05},
)
"""Transformers itself, TRL, and what is built on them."""

LLAMAFACTORY = Producer(
    name="llamafactory",
    flags={
        **_TRAINER,
        "lora_rank": "lora_rank",
        "max_length": "cutoff_len",
        "early_stop_interval": "early_stopping_steps",
    },
    flags_in={profile.DPO: {"beta": "pref_beta"}},
    defaults={"max_grad_norm": 1.0},
    defaults_in={profile.DPO: {"beta": 0.1}},
)
"""LLaMA-Factory."""

PRODUCERS = (SWIFT, TRANSFORMERS, LLAMAFACTORY)
