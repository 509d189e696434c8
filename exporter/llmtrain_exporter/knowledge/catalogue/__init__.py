"""The metric catalogue: every metric that is exposed and the log keys that feed it, by subject.

Sources of the keys: the trainers' own code, version by version (ms-swift 1.x to 4.6, TRL 0.7 to 1.x,
Transformers 4.x and 5.x, LLaMA-Factory 0.1 to 0.9 and its v1 engine, Axolotl, Unsloth), confirmed on logs of
real runs. What signals, pages and reports ask for by name is a name of this package; the others are names of
their modules.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue import (
    derived,
    distillation,
    evaluation,
    length,
    mismatch,
    objective,
    optimisation,
    preference,
    progress,
    reward,
    rollout,
    speed,
    state,
    value,
)
from llmtrain_exporter.knowledge.catalogue.derived import (
    BEST_EVAL_LOSS,
    BEST_EVAL_STEP,
    COMPLETION_LENGTH_LIMIT,
    EVAL_TRAIN_ACCURACY,
    EVAL_TRAIN_ENTROPY,
    EVAL_TRAIN_LOSS,
    GRAD_NORM_CLIP,
    LEARNING_RATE_PEAK,
    RECENT_SECONDS_PER_STEP,
    REWARD_VARIATION,
)
from llmtrain_exporter.knowledge.catalogue.length import (
    COMPLETION_CLIPPED,
    COMPLETION_LENGTH,
)
from llmtrain_exporter.knowledge.catalogue.optimisation import (
    CLIP_RATIO,
    ENTROPY,
    GRAD_NORM,
    KL,
    LEARNING_RATE,
    LOSS,
    TOKEN_ACCURACY,
)
from llmtrain_exporter.knowledge.catalogue.preference import (
    LOGITS,
    LOGPS,
    PREFERENCE_ACCURACY,
    PREFERENCE_MARGIN,
    PREFERENCE_REWARD,
)
from llmtrain_exporter.knowledge.catalogue.progress import (
    ELAPSED,
    EPOCH,
    EVAL_RUNTIME,
    EVAL_SAMPLES,
    EVAL_STEPS,
    MAX_STEPS,
    MEMORY,
    PROGRESS,
    REMAINING,
    SECONDS_PER_STEP,
    STEP,
    STEP_TIME,
    TOKENS,
)
from llmtrain_exporter.knowledge.catalogue.reward import (
    REWARD,
    REWARD_FUNCTION_MEAN,
    REWARD_FUNCTION_STD,
    REWARD_MODEL_SCORE,
    REWARD_STD,
    REWARD_ZERO_STD,
)
from llmtrain_exporter.knowledge.catalogue.state import (
    DROPPED_SERIES,
    GPUS,
    LAST_RECORD,
    OTHER,
    RECORDS,
    RESUMES,
    RUN,
    RUN_HEALTH,
    RUN_STATE,
    SKIPPED,
)
from llmtrain_exporter.knowledge.metric import Metric

__all__ = (
    "BEST_EVAL_LOSS",
    "BEST_EVAL_STEP",
    "CLIP_RATIO",
    "COMPLETION_CLIPPED",
    "COMPLETION_LENGTH",
    "COMPLETION_LENGTH_LIMIT",
    "DROPPED_SERIES",
    "ELAPSED",
    "ENTROPY",
    "EPOCH",
    "EVAL_RUNTIME",
    "EVAL_SAMPLES",
    "EVAL_STEPS",
    "EVAL_TRAIN_ACCURACY",
    "EVAL_TRAIN_ENTROPY",
    "EVAL_TRAIN_LOSS",
    "GPUS",
    "GRAD_NORM",
    "GRAD_NORM_CLIP",
    "KL",
    "LAST_RECORD",
    "LEARNING_RATE",
    "LEARNING_RATE_PEAK",
    "LOGITS",
    "LOGPS",
    "LOSS",
    "MAX_STEPS",
    "MEMORY",
    "METRICS",
    "OTHER",
    "PREFERENCE_ACCURACY",
    "PREFERENCE_MARGIN",
    "PREFERENCE_REWARD",
    "PROGRESS",
    "RECENT_SECONDS_PER_STEP",
    "RECORDS",
    "REMAINING",
    "RESUMES",
    "REWARD",
    "REWARD_FUNCTION_MEAN",
    "REWARD_FUNCTION_STD",
    "REWARD_MODEL_SCORE",
    "REWARD_STD",
    "REWARD_VARIATION",
    "REWARD_ZERO_STD",
    "RUN",
    "RUN_HEALTH",
    "RUN_STATE",
    "SECONDS_PER_STEP",
    "SKIPPED",
    "STEP",
    "STEP_TIME",
    "TOKENS",
    "TOKEN_ACCURACY",
)

METRICS: tuple[Metric, ...] = (
    *optimisation.METRICS,
    *reward.METRICS,
    *length.METRICS,
    *preference.METRICS,
    *objective.METRICS,
    *value.METRICS,
    *mismatch.METRICS,
    *distillation.METRICS,
    *rollout.METRICS,
    *evaluation.METRICS,
    *progress.METRICS,
    *speed.METRICS,
    *derived.METRICS,
    *state.METRICS,
)
"""All of them, in the order in which they are exposed."""
