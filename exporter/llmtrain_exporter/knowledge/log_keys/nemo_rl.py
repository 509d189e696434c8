"""NeMo-RL's keys, as its trackers have them."""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import (
    evaluation,
    mismatch,
    objective,
    reward,
    rollout,
    speed,
    value,
)
from llmtrain_exporter.knowledge.catalogue.entry import parts
from llmtrain_exporter.knowledge.log_keys.log_key import feeds
from llmtrain_exporter.knowledge.metric import Key, Unit

_UPDATE = (
    *feeds(c.KL, "train/kl_penalty"),
    *feeds(
        objective.AUXILIARY_LOSS,
        Key("train/positive_nll_loss", fixed="nll"),
        Key("train/preference_loss", fixed="preference"),
    ),
    *feeds(objective.POLICY_RATIO, Key("train/probs_ratio", fixed="mean"), "train/probs_ratio_{}"),
    *feeds(c.ENTROPY, Key("train/approx_entropy", fixed="mean")),
    *feeds(objective.ADVANTAGE, *parts("mean", "max", "min", before="train/advantages/")),
    *feeds(mismatch.MISMATCH_KL, *parts("gen", "policy", before="train/", after="_kl_error")),
    *feeds(mismatch.MISMATCH_KL, Key("train/js_divergence_error", fixed="jensen_shannon")),
    *feeds(
        mismatch.MULTIPLICATIVE_ERROR,
        Key("train/token_mult_prob_error", fixed="token"),
        *parts("mean", "max", "min", before="train/", after="_seq_mult_prob_error", label="sequence_"),
    ),
    *feeds(mismatch.IMPORTANCE_RATIO, Key("train/sampling_importance_ratio", fixed="mean")),
    *feeds(mismatch.IMPORTANCE_CLIPPED, "train/is_oob_ratio"),
    *feeds(value.VALUE_EXPLAINED_VARIANCE, "train/critic/explained_var"),
    *feeds(value.VALUE, Key("train/critic/values_mean", fixed="mean")),
    *feeds(value.RETURN, Key("train/critic/returns_mean", fixed="mean")),
    *feeds(c.PREFERENCE_REWARD, *parts("chosen", "rejected", before="train/rewards_", after="_mean")),
    *feeds(c.PREFERENCE_ACCURACY, Key("train/accuracy", beside=("rewards_chosen_mean",))),
)
_ROLLOUT = (
    *feeds(c.REWARD, Key("train/mean_total_reward", unless=("reward",))),
    *feeds(reward.REWARD_EXTREME, *parts("max", "min", before="train/", after="_total_reward")),
    *feeds(
        reward.GROUP_OUTCOMES,
        Key("train/baseline_reward/pct_0", Unit.PERCENT, fixed="none"),
        Key("train/baseline_reward/pct_1", Unit.PERCENT, fixed="all"),
        Key("train/baseline_reward/pct_mixed", Unit.PERCENT, fixed="mixed"),
    ),
    *feeds(
        c.COMPLETION_LENGTH,
        *parts("mean", "max", before="train/", after="_gen_tokens_per_sample"),
        Key("train/mean_generation_length", fixed="mean", unless=("mean_gen_tokens_per_sample",)),
    ),
    *feeds(c.COMPLETION_CLIPPED, "train/truncation_rate"),
    *feeds(rollout.TERMINATED, Key("train/natural_termination_rate", fixed="policy")),
    *feeds(rollout.PROMPT_LENGTH, Key("train/mean_prompt_length", fixed="mean")),
    *feeds(rollout.TOTAL_LENGTH, Key("train/mean_total_tokens_per_sample", fixed="mean")),
    *feeds(
        rollout.TURNS,
        Key("train/avg_turns_per_sample", fixed="mean"),
        Key("train/max_turns_per_sample", fixed="max"),
    ),
    *feeds(rollout.TURN_LIMIT, "train/max_turns_reached_rate"),
    *feeds(rollout.TOOL_FAILURES, "train/invalid_tool_call_rate"),
    *feeds(rollout.GENERATED_BATCHES, "train/dynamic_sampling_num_gen_batches"),
    *feeds(
        rollout.DROPPED_SAMPLES,
        Key("train/dynamic_sampling_num_discarded_valid_samples", fixed="filtered"),
        Key("train/evicted_stale_prompt_groups", fixed="stale_group"),
        Key("train/aborted_stale_inflight_groups", fixed="stale_inflight_group"),
        Key("train/dropped_prompt_groups", fixed="group"),
    ),
    *feeds(rollout.STALENESS, Key("train/avg_trajectory_age", fixed="mean")),
    *feeds(
        rollout.QUEUE_SIZE,
        Key("train/buffer_size", fixed="buffer"),
        Key("train/num_pending_samples", fixed="pending"),
        Key("train/inflight_rollouts", fixed="inflight"),
    ),
)
_SPEED = (
    *feeds(
        speed.STEP_SAMPLES_PER_SECOND,
        Key("performance/samples_per_sec", fixed="all"),
        Key("performance/samples_per_sec_per_gpu", fixed="gpu"),
    ),
    *feeds(
        speed.TOKENS_PER_SECOND,
        Key("performance/policy_training_tokens_per_sec_per_gpu", fixed="gpu"),
        Key("performance/policy_and_reference_logprobs_tokens_per_sec_per_gpu", fixed="logprobs_gpu"),
        Key("performance/generation_tokens_per_sec", fixed="generated"),
        Key("performance/generation_tokens_per_sec_per_gpu", fixed="generated_gpu"),
    ),
    *feeds(speed.MFU, Key("performance/train_fp_utilization", fixed="all")),
    *feeds(speed.BATCH_RATIO, Key("performance/average_token_imbalance", fixed="imbalance")),
    *feeds(speed.STEP_TOKENS, Key("train/global_valid_toks", fixed="trained")),
    *feeds(speed.BATCH_SIZE, Key("train/global_valid_seqs", fixed="samples_per_step")),
    *feeds(c.STEP_TIME, "timing/train/total_step_time"),
    *feeds(speed.PHASE_TIME, "timing/train/{}"),
)
_VALIDATION = (
    *feeds(evaluation.VALIDATION_SCORE, Key("validation/accuracy", fixed="accuracy")),
    *feeds(evaluation.VALIDATION_LENGTH, Key("validation/avg_length", fixed="mean")),
)

KEYS = (*_UPDATE, *_ROLLOUT, *_SPEED, *_VALIDATION)
