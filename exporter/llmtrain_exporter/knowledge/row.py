"""Keys of a log row that say where in the run it stands and what kind of row it is."""

from __future__ import annotations

EVAL_PREFIX = "eval_"

STEP_OF_MAX = ("global_step/max_steps", "iteration")
"""Keys whose value is "step/max_steps"; Megatron's `iteration` too."""

STEP = ("global_step", "current_steps", "step")
MAX_STEPS = ("total_steps", "max_steps")
POSITION = (*STEP_OF_MAX, *STEP, "epoch")
"""Any of these says where in the run a row stands; a row without one is no training row."""

FINAL = ("train_runtime", "train_samples_per_second")
SUMMARY = ("log_history", "model_parameter_info", "last_model_checkpoint")
