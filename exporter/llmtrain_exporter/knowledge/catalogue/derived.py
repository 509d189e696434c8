"""What no log has and the analysis works out of it."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry
from llmtrain_exporter.knowledge.metric import Group

_D = Group.DERIVED

RECENT_SECONDS_PER_STEP = entry(
    "recent_seconds_per_step",
    _D,
    "Seconds per optimizer step over the last records of this process, from differences of elapsed time.",
)
EVAL_TRAIN_LOSS = entry(
    "eval_train_loss_ratio", _D, "Last evaluation loss over the last training loss before it."
)
EVAL_TRAIN_ACCURACY = entry(
    "eval_train_accuracy_difference",
    _D,
    "Last evaluation token accuracy minus the last training token accuracy before it.",
)
EVAL_TRAIN_ENTROPY = entry(
    "eval_train_entropy_ratio", _D, "Last evaluation entropy over the last training entropy before it."
)
COMPLETION_LENGTH_LIMIT = entry(
    "completion_length_limit_ratio", _D, "Mean completion length over max_completion_length."
)
GRAD_NORM_CLIP = entry(
    "grad_norm_clip_ratio",
    _D,
    "Gradient norm over max_grad_norm; above 1 the gradient was clipped.",
)
REWARD_VARIATION = entry(
    "reward_variation_ratio", _D, "Spread of the total reward over its mean: reward_std / |reward|."
)
LEARNING_RATE_PEAK = entry(
    "learning_rate_peak_ratio",
    _D,
    "Learning rate over the highest that the run has logged.",
)
BEST_EVAL_LOSS = entry("best_eval_loss", _D, "Lowest evaluation loss so far.")
BEST_EVAL_STEP = entry("best_eval_step", _D, "Step of the lowest evaluation loss so far.")

METRICS = (
    *(RECENT_SECONDS_PER_STEP, EVAL_TRAIN_LOSS, EVAL_TRAIN_ACCURACY, EVAL_TRAIN_ENTROPY),
    *(COMPLETION_LENGTH_LIMIT, GRAD_NORM_CLIP, REWARD_VARIATION, LEARNING_RATE_PEAK, BEST_EVAL_LOSS),
    BEST_EVAL_STEP,
)
