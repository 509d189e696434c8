"""SkyRL's keys: GRPO, PPO and SFT."""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import (
    evaluation,
    mismatch,
    objective,
    reward,
    rollout,
    speed,
)
from llmtrain_exporter.knowledge.catalogue.entry import parts
from llmtrain_exporter.knowledge.log_keys.log_key import feeds
from llmtrain_exporter.knowledge.metric import Key

_POLICY = (
    *feeds(c.LOSS, "policy/final_loss"),
    *feeds(objective.POLICY_LOSS, "policy/policy_loss"),
    *feeds(c.KL, "policy/policy_kl", Key("loss/avg_kl", unless=("policy/policy_kl",))),
    *feeds(c.ENTROPY, Key("policy/policy_entropy", fixed="mean")),
    *feeds(c.CLIP_RATIO, Key("policy/ppo_clip_ratio", fixed="region_mean")),
    *feeds(c.GRAD_NORM, "policy/grad_norm", Key("policy/raw_grad_norm", unless=("policy/grad_norm",))),
    *feeds(c.LEARNING_RATE, "policy/policy_lr"),
    *feeds(
        mismatch.LOGP_DIFFERENCE,
        *parts("mean", "max", "min", "std", before="policy/rollout_train_logprobs_abs_diff_"),
    ),
    *feeds(
        objective.ADVANTAGE,
        Key("loss/avg_raw_advantages", fixed="mean"),
        Key("loss/avg_raw_advantages_abs", fixed="mean_absolute"),
    ),
    *feeds(objective.KL_COEFFICIENT, "loss/kl_loss_coef"),
)
_ROLLOUT = (
    *feeds(c.REWARD, "reward/avg_raw_reward"),
    *feeds(reward.REWARD_PART, Key("loss/avg_final_rewards", fixed="penalised")),
    *feeds(reward.SOLVED, Key("reward/avg_pass_at_{}", fixed="pass")),
    *feeds(
        c.COMPLETION_LENGTH,
        Key("generate/avg_num_tokens", fixed="mean"),
        *parts("min", "max", "std", before="generate/", after="_num_tokens"),
    ),
    *feeds(
        rollout.SAMPLE_TIME,
        *parts("mean", "max", "p90", before="generate/group_completion_time_", label="group_"),
    ),
    *feeds(rollout.GROUPS_KEPT, "async/keep_rate"),
    *feeds(
        rollout.DROPPED_SAMPLES,
        Key("reward/num_zero_variance_filtered", fixed="filtered"),
        Key("async/num_groups_dropped", fixed="stale_group"),
    ),
    *feeds(rollout.STALENESS, *parts("mean", "max", "min", before="async/staleness_")),
    *feeds(rollout.QUEUE_SIZE, Key("async/gen_buffer_qsize_at_wait_start", fixed="rollout")),
)
_OTHERS = (
    *feeds(c.EPOCH, "trainer/epoch"),
    *feeds(
        speed.TOKENS_PER_SECOND,
        Key("train/tokens_per_second", fixed="all"),
        Key("trainer/tokens_per_second_per_gpu", fixed="gpu"),
    ),
    *feeds(c.TOKENS, "train/total_tokens_processed"),
    *feeds(
        evaluation.VALIDATION_SCORE,
        Key("eval/{}/avg_score", fixed="avg"),
        Key("eval/{}/pass_at_{}", fixed="pass"),
    ),
    *feeds(evaluation.VALIDATION_DETAIL, Key("eval/{}/mean_positive_reward", fixed="positive")),
)

KEYS = (*_POLICY, *_ROLLOUT, *_OTHERS)
