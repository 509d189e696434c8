"""ROLL's keys: RLVR, agentic training, DPO and SFT. What it shares with verl stands there."""

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
from llmtrain_exporter.knowledge.log_keys.log_key import LogKey, feeds
from llmtrain_exporter.knowledge.metric import Key, Metric

_RANGE = ("mean", "max", "min")
_LEVELS = ("token", "segment", "geometric", "sequence")
_PIPELINES = ("tokens", "token", "rollout")
"""What stands before lengths, by pipeline: no run has two of them."""


def _lengths(metric: Metric, of: str, label: str = "") -> tuple[LogKey, ...]:
    """The keys of a length in all pipelines; of two in a row, the first one's counts."""
    return tuple(
        LogKey(metric, Key(f"{pipeline}/{of}/{stat}", fixed=label + stat))
        for pipeline in _PIPELINES
        for stat in _RANGE
    )


_POLICY = (
    *feeds(c.LOSS, Key("actor/total_loss", unless=("actor/loss",)), "sft_train/loss"),
    *feeds(c.LOSS, Key("sft_train/val_loss", evaluation=True)),
    *feeds(c.GRAD_NORM, Key("actor_train/grad_norm", unless=("actor/grad_norm",))),
    *feeds(
        objective.UPDATE_KL,
        Key("actor/policykl", fixed="mean"),
        Key("actor/approxkl", fixed="approximate"),
    ),
    *feeds(
        c.CLIP_RATIO,
        Key("actor/ppo_ratio_clipfrac", fixed="region_mean"),
        Key("actor/ppo_ratio_high_clipfrac", fixed="high_mean"),
        Key("actor/ppo_ratio_low_clipfrac", fixed="low_mean"),
        Key("actor/clipfrac", fixed="region_mean", unless=("actor/ppo_ratio_clipfrac",)),
        Key("actor/cispo_clipped_ratio_mean", fixed="cispo"),
    ),
    *feeds(objective.POLICY_RATIO, *parts(*_RANGE, before="actor/ratio_")),
    *feeds(
        mismatch.IMPORTANCE_RATIO,
        Key("actor/train_infer_ratio_token_mean", fixed="mean"),
        *parts("segment", "geometric", "sequence", before="actor/train_infer_ratio_", after="_mean"),
    ),
    *feeds(mismatch.LOGP_DIFFERENCE, *parts(*_LEVELS, before="actor/train_infer_diff_", after="_mean")),
    *feeds(mismatch.IMPORTANCE_CLIPPED, "actor/is_weight_clipfrac", "actor/tis_total_clipfrac"),
    *feeds(
        mismatch.IMPORTANCE_BEYOND,
        Key("actor/tis_lower_clipfrac", fixed="low"),
        Key("actor/tis_upper_clipfrac", fixed="high"),
    ),
    *feeds(c.PREFERENCE_ACCURACY, "actor/acc"),
    *feeds(
        c.PREFERENCE_REWARD,
        Key("actor/chosen_reward", fixed="chosen"),
        Key("actor/reject_reward", fixed="rejected"),
    ),
    *feeds(objective.KL_COEFFICIENT, "critic/kl_coef"),
    *feeds(c.ENTROPY, Key("critic/entropy/mean", fixed="mean")),
    *feeds(
        objective.TOKEN_LOGP,
        Key("critic/old_log_prob/mean", fixed="trainer"),
        Key("critic/ref_log_prob/mean", fixed="reference"),
    ),
    *feeds(objective.SKIPPED_ITERATIONS, Key("mask/final_mask_sum_eq_0", fixed="empty")),
)
_CRITIC = (
    *feeds(value.VALUE_LOSS, "critic/loss"),
    *feeds(value.VALUE_CLIP_RATIO, "critic/clipfrac"),
    *feeds(value.VALUE_ERROR, "critic/error"),
    *feeds(
        value.VALUE,
        Key("critic/value", fixed="mean", unless=("critic/values/mean",)),
        Key("critic/vpred", fixed="predicted"),
    ),
)
_SAMPLING = (
    *feeds(reward.ENVIRONMENT_REWARD, "{}/rollout/score/{}", "scheduler/{}/score/{}"),
    *_lengths(c.COMPLETION_LENGTH, "response_length"),
    *_lengths(rollout.PROMPT_LENGTH, "prompt_length"),
    *_lengths(rollout.TOTAL_LENGTH, "total_length"),
    *_lengths(rollout.TOTAL_LENGTH, "non_prompt_length", "without_prompt_"),
    *feeds(c.COMPLETION_CLIPPED, "token/total_response_length/clip"),
    *feeds(
        rollout.DROPPED_SAMPLES,
        Key("scheduler/query_filter_count", fixed="filtered"),
        Key("scheduler/group_filter_count", fixed="filtered_group"),
    ),
    *feeds(
        rollout.SAMPLE_TIME,
        *(Key(f"scheduler/{{}}/time/{of}/{{}}", fixed=of) for of in ("generate", "reward")),
    ),
)
_SPEED = (
    *feeds(c.STEP_TIME, "time/step_total"),
    *feeds(speed.PHASE_TIME, "time/{}"),
    *feeds(
        speed.TOKENS_PER_SECOND,
        Key("system/tps", fixed="all"),
        Key("system/tps_gpu", fixed="gpu"),
        *(Key(f"system/{{}}/{of}", fixed=of) for of in ("tps", "tps_gpu", "tps_dp")),
    ),
    *feeds(speed.BATCH_SIZE, Key("system/batch_size", fixed="global")),
)
_VALIDATION = (*feeds(evaluation.VALIDATION_SCORE, "val_correct/{}"),)

KEYS = (*_POLICY, *_CRITIC, *_SAMPLING, *_SPEED, *_VALIDATION)
