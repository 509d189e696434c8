"""Keys of a log row that say where in the run it stands and what kind of row it is."""

from __future__ import annotations

EVAL_PREFIX = "eval_"
EVAL_PREFIXES = (EVAL_PREFIX, "eval/")
"""Before the keys of an evaluation; trackers group them with a slash."""
VALIDATION_PREFIXES = ("validation/", "validation_metrics/", "val/", "test/")
"""Before them in other programs; TRL's PPO calls something else `val/`."""
TRAIN_PREFIX = "train/"
"""Before the keys of a training row where a tracker groups them."""

STEP_OF_MAX = ("global_step/max_steps", "iteration")
"""Keys whose value is "step/max_steps"; Megatron's `iteration` too."""

STEP = (
    *("global_step", "current_steps", "step"),
    *("training/global_step", "train/global_step", "trainer/global_step", "system/global_step"),
)
"""The first that is there counts: those with a slash stand in rows of trackers, which may have no other."""
MAX_STEPS = ("total_steps", "max_steps")
POSITION = (*STEP_OF_MAX, *STEP, "epoch")
"""Any of these says where in the run a row stands; a row without one is no training row."""

FINAL = ("train_runtime", "train_samples_per_second")
ENDS = (*FINAL, "train_steps_per_second", "total_flos")
"""What Transformers logs with the last row alone; the first two are always there."""
SUMMARY = ("log_history", "model_parameter_info", "last_model_checkpoint")
