"""What each trainer calls the settings that remedies change; `table` tells whether it has them."""

from __future__ import annotations

from collections.abc import Mapping

Spelling = Mapping[str, str]

SETTINGS = (
    *("learning_rate", "lr_scheduler_type", "warmup_ratio", "warmup_steps"),
    *("weight_decay", "max_grad_norm"),
    *("bf16", "fp16", "num_train_epochs", "per_device_train_batch_size", "gradient_accumulation_steps"),
    *("logging_steps", "logging_nan_inf_filter", "eval_strategy", "eval_steps"),
    *("save_strategy", "save_steps", "save_total_limit", "load_best_model_at_end", "resume_from_checkpoint"),
    *("lora_rank", "lora_alpha", "lora_dropout", "max_length", "early_stop_interval"),
    *("beta", "epsilon", "epsilon_high", "max_completion_length", "num_generations", "temperature"),
    *("stop_words", "overlong_filter", "dynamic_sample"),
)
"""By their names in `arguments`, which are ms-swift's."""


def _spelling(renamed: Mapping[str, str]) -> Spelling:
    return {setting: renamed.get(setting, setting) for setting in SETTINGS}


SWIFT = _spelling({})

MEGATRON_SWIFT = _spelling(
    {
        "learning_rate": "lr",
        "lr_scheduler_type": "lr_decay_style",
        "warmup_ratio": "lr_warmup_fraction",
        "warmup_steps": "lr_warmup_iters",
        "max_grad_norm": "clip_grad",
        "per_device_train_batch_size": "micro_batch_size",
    }
)
"""Of ms-swift's other trainer, on Megatron."""

TRL = _spelling(
    {
        "lora_rank": "lora_r",
        "overlong_filter": "mask_truncated_completions",
        "stop_words": "generation_kwargs",
    }
)
"""Of Transformers and what is built on it."""

UNSLOTH = {**TRL, "lora_rank": "r", "max_length": "max_seq_length"}

LLAMAFACTORY = _spelling(
    {"max_length": "cutoff_len", "early_stop_interval": "early_stopping_steps", "beta": "pref_beta"}
)

AXOLOTL = _spelling(
    {
        "lr_scheduler_type": "lr_scheduler",
        "num_train_epochs": "num_epochs",
        "per_device_train_batch_size": "micro_batch_size",
        "lora_rank": "lora_r",
        "max_length": "sequence_len",
        "early_stop_interval": "early_stopping_patience",
        "beta": "rl_beta",
    }
)

AXOLOTL_RL = {
    "beta": "trl.beta",
    "epsilon": "trl.epsilon",
    "epsilon_high": "trl.epsilon_high",
    "max_completion_length": "trl.max_completion_length",
    "num_generations": "trl.num_generations",
    "temperature": "trl.temperature",
    "overlong_filter": "trl.mask_truncated_completions",
}
"""Of its GRPO, for which it has a part of its own."""

SWIFT_PPO = {**SWIFT, "beta": "kl_coef", "epsilon": "cliprange"}
"""ms-swift's PPO, which makes no use of the arguments that GRPO has for these."""

TRL_PPO = {**TRL, "beta": "kl_coef", "epsilon": "cliprange", "max_completion_length": "response_length"}
"""TRL's PPO; its older RLOO has the same names."""

SPELLINGS = (SWIFT, SWIFT_PPO, MEGATRON_SWIFT, TRL, TRL_PPO, UNSLOTH, LLAMAFACTORY, AXOLOTL, AXOLOTL_RL)
