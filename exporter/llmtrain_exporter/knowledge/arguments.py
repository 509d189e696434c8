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
    "lr_scheduler_type": ("lr_scheduler_type",),
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

TRUTHS = ("fp16", "bf16", "logging_nan_inf_filter")
"""Settings that are on or off, which advice makes use of."""
