"""OpenRLHF's keys, 0.9 to 0.11: PPO and its relatives, SFT, DPO and reward models.

Its console has them bare, its trackers behind `train/` and `eval/`.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import (
    evaluation,
    mismatch,
    objective,
    preference,
    rollout,
    speed,
    value,
)
from llmtrain_exporter.knowledge.log_keys.log_key import feeds
from llmtrain_exporter.knowledge.metric import Key

_OF_PAIRS = preference.REWARDS_OF_PAIRS

_POLICY = (
    *feeds(objective.AUXILIARY_LOSS, Key("entropy_loss", fixed="entropy")),
    *feeds(objective.UPDATE_KL, Key("ppo_kl", fixed="mean")),
    *feeds(c.CLIP_RATIO, Key("ppo_clip_ratio", fixed="region_mean")),
    *feeds(mismatch.MISMATCH_KL, Key("vllm_kl", fixed="kl")),
    *feeds(mismatch.LOGP_DIFFERENCE, Key("logprobs_diff", fixed="mean")),
    *feeds(c.REWARD, Key("rollout/reward_mean", unless=("reward",))),
    *feeds(c.REWARD_STD, "group_reward_std", Key("rollout/reward_std", unless=("group_reward_std",))),
    *feeds(value.RETURN, Key("return", fixed="mean")),
    *feeds(value.VALUE, Key("values", fixed="mean")),
    *feeds(value.VALUE_LOSS, "critic_loss"),
    *feeds(c.GRAD_NORM, "actor_grad_norm"),
    *feeds(c.LEARNING_RATE, "actor_lr"),
    *feeds(value.VALUE_GRAD_NORM, "critic_grad_norm"),
    *feeds(value.VALUE_LEARNING_RATE, "critic_lr"),
)
_SAMPLING = (
    *feeds(
        c.COMPLETION_LENGTH,
        Key("response_length", fixed="mean"),
        Key("rollout/response_length_mean", fixed="mean", unless=("response_length",)),
    ),
    *feeds(
        c.COMPLETION_CLIPPED,
        Key("truncated", unless=("response_clip_ratio",)),
        Key("rollout/truncated_rate", unless=("truncated", "response_clip_ratio")),
    ),
    *feeds(rollout.TOTAL_LENGTH, Key("total_length", fixed="mean")),
    *feeds(rollout.GROUPS_KEPT, "dynamic_filtering_pass_rate"),
    *feeds(
        c.STEP_TIME,
        "timing/step_total",
    ),
    *feeds(speed.PHASE_TIME, "timing/{}"),
)
_VALIDATION = (
    *feeds(evaluation.VALIDATION_SCORE, "eval_{}_pass{}"),
    *feeds(c.COMPLETION_LENGTH, Key("eval_response_length_mean", fixed="mean")),
    *feeds(c.COMPLETION_CLIPPED, "eval_truncated_rate"),
    *feeds(evaluation.VALIDATION_LENGTH, "eval_{}_response_length_mean"),
    *feeds(evaluation.VALIDATION_DETAIL, Key("eval_{}_truncated_rate", fixed="clipped")),
)
_PAIRS = (
    *feeds(c.PREFERENCE_REWARD, Key("chosen_reward", fixed="chosen"), Key("reject_reward", fixed="rejected")),
    *feeds(
        c.PREFERENCE_ACCURACY,
        Key("acc", beside=_OF_PAIRS),
        Key("acc_mean", unless=("acc",)),
    ),
    *feeds(c.LOSS, Key("gpt_loss", unless=("loss",)), Key("eval gpt_loss", evaluation=True)),
    *feeds(objective.LOSS_STATISTIC, Key("loss_mean", fixed="running_mean")),
    *feeds(
        c.REWARD_MODEL_SCORE,
        Key("reward_mean", fixed="mean", beside=_OF_PAIRS),
        Key("reward_std", fixed="std", beside=_OF_PAIRS),
    ),
)

KEYS = (*_POLICY, *_SAMPLING, *_VALIDATION, *_PAIRS)
