"""Which of a trainer's own arguments are read: a white list, for its files can hold tokens and addresses."""

from __future__ import annotations

GPUS = "global_world_size"
"""Processes of the training on all machines, one for each GPU. ms-swift alone says it, in args.json.

A process that spreads its model over several GPUs, or has a server generate, holds more; no file says so.
"""

WITHOUT_GPUS = ("use_cpu", "no_cuda")
"""Switched on, the processes have no GPUs. Of transformers' training arguments."""

TEXTS = {
    "model": ("model", "model_name_or_path", "base_model_name_or_path", "model_id_or_path"),
    "model_type": ("model_type",),
    "rlhf_type": ("rlhf_type",),
    "stage": ("stage",),
    "train_type": ("tuner_type", "train_type", "finetuning_type", "sft_type"),
    "lr_scheduler_type": ("lr_scheduler_type", "lr_decay_style"),
    "loss_type": ("loss_type",),
    "swift_version": ("swift_version",),
}
"""Labels of `llmtrain_run_info`, and the arguments that they come from, the first that is there."""

PATHS = frozenset(("model",))
"""Texts that may be a path: of those only the last two parts are shown."""

NUMBERS = (
    "learning_rate",
    "warmup_ratio",
    "warmup_steps",
    "beta",
    "epsilon",
    "epsilon_high",
    "max_grad_norm",
    "num_generations",
    "num_iterations",
    "max_completion_length",
    "max_length",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "logging_steps",
    "save_steps",
    "eval_steps",
    "max_steps",
    "num_train_epochs",
    "temperature",
    "weight_decay",
    "lora_rank",
    "lora_alpha",
    "lora_dropout",
    GPUS,
)
"""Hyper-parameters that limits, ratios and advice make use of; labels of `llmtrain_run_info` as well."""

ALIASES = {
    "learning_rate": ("lr",),
    "warmup_ratio": ("lr_warmup_fraction",),
    "warmup_steps": ("lr_warmup_iters",),
    "max_grad_norm": ("clip_grad",),
    "lora_rank": ("lora_r", "r"),
    "max_length": ("cutoff_len", "sequence_len"),
    "beta": ("pref_beta", "rl_beta"),
    "per_device_train_batch_size": ("micro_batch_size",),
    "num_train_epochs": ("num_epochs",),
    "eval_strategy": ("evaluation_strategy",),
    "overlong_filter": ("mask_truncated_completions",),
    "early_stop_interval": ("early_stopping_steps", "early_stopping_patience"),
}
"""What other trainers than ms-swift, and PEFT, call the settings; the setting's own name goes before."""

UNSHOWN_TEXTS = ("eval_strategy", "save_strategy")
UNSHOWN_NUMBERS = ("save_total_limit", "early_stop_interval")
UNSHOWN_TRUTHS = ("load_best_model_at_end", "overlong_filter", "dynamic_sample")
"""Settings that nothing but advice makes use of: so that it proposes none that is in force."""

TRUTHS = ("fp16", "bf16", "logging_nan_inf_filter")
"""Settings that are on or off, which advice makes use of."""
