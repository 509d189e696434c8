"""AReaL's keys: asynchronous PPO and GRPO, SFT, DPO and reward models."""

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

_UPDATE = "ppo_actor/update/"
_STALENESS = f"{_UPDATE}version_stats/sample_staleness_"
_TASK_REWARD = "ppo_actor/task_reward/avg"


def _ranged(metric: Metric, before: str, label: str = "") -> tuple[LogKey, ...]:
    """The keys of a mean, a minimum and a maximum."""
    return (
        LogKey(metric, Key(f"{before}avg", fixed=f"{label}mean")),
        *feeds(metric, *parts("min", "max", before=before, label=label)),
    )


_BATCH = (
    *feeds(c.REWARD, _TASK_REWARD, Key("rollout/reward", unless=(_TASK_REWARD,))),
    *feeds(reward.REWARD_EXTREME, *parts("min", "max", before="ppo_actor/task_reward/")),
    *feeds(reward.REWARD_PART, Key("ppo_actor/final_reward/avg", fixed="penalised")),
    *feeds(reward.REWARD_PART, *parts("min", "max", before="ppo_actor/final_reward/", label="penalised_")),
    *feeds(reward.REWARD_PART, Key("ppo_actor/kl_rewards/avg", fixed="penalty")),
    *feeds(reward.REWARD_PART, *parts("min", "max", before="ppo_actor/kl_rewards/", label="penalty_")),
    *_ranged(objective.ADVANTAGE, "ppo_actor/advantages/"),
    *_ranged(rollout.PROMPT_LENGTH, "ppo_actor/prompt_len/"),
    *_ranged(rollout.TOTAL_LENGTH, "ppo_actor/seq_len/"),
    *_ranged(rollout.TOTAL_LENGTH, "ppo_actor/correct_seq_len/", "correct_"),
    *_ranged(rollout.TOTAL_LENGTH, "ppo_actor/incorrect_seq_len/", "incorrect_"),
    *feeds(c.COMPLETION_CLIPPED, "ppo_actor/no_eos_ratios/avg"),
)
_POLICY = (
    *feeds(objective.POLICY_LOSS, f"{_UPDATE}actor_loss/avg"),
    *_ranged(objective.POLICY_RATIO, f"{_UPDATE}importance_weight/"),
    *feeds(objective.UPDATE_KL, Key(f"{_UPDATE}approx_kl/avg", fixed="approximate")),
    *_ranged(c.ENTROPY, f"{_UPDATE}entropy/"),
    *feeds(
        c.CLIP_RATIO,
        Key(f"{_UPDATE}clip_ratio/avg", fixed="region_mean"),
        Key(f"{_UPDATE}dual_clip_ratio/avg", fixed="dual"),
    ),
    *feeds(
        objective.TOKEN_LOGP,
        Key(f"{_UPDATE}new_logp/avg", fixed="trainer"),
        Key(f"{_UPDATE}old_logp/avg", fixed="sampler"),
    ),
    *_ranged(mismatch.IMPORTANCE_RATIO, f"{_UPDATE}behave_imp_weight/"),
    *feeds(
        mismatch.MISMATCH_KL,
        Key(f"{_UPDATE}behave_approx_kl/avg", fixed="approximate"),
        *parts(
            "kl_div_direct", "kl_div_taylor", "kl_div_dual", before=f"{_UPDATE}compute_logp/", after="/avg"
        ),
    ),
    *feeds(mismatch.REJECTED, Key(f"{_UPDATE}rs_filtered_fraction", fixed="tokens")),
    *_ranged(rollout.STALENESS, f"{_STALENESS}theta_"),
    *_ranged(rollout.STALENESS, f"{_STALENESS}proximal_", "proximal_"),
    *feeds(c.GRAD_NORM, f"{_UPDATE}grad_norm"),
    *feeds(c.LEARNING_RATE, f"{_UPDATE}lr"),
    *feeds(
        speed.STEP_TOKENS,
        Key(f"{_UPDATE}n_tokens", fixed="forwarded"),
        Key(f"{_UPDATE}n_valid_tokens", fixed="trained"),
    ),
)
_CRITIC = (
    *feeds(value.VALUE_LOSS, "ppo_critic/update/critic_loss/avg"),
    *feeds(value.VALUE_CLIP_RATIO, "ppo_critic/update/clip_ratio/avg"),
    *feeds(value.VALUE, Key("ppo_critic/update/new_value/avg", fixed="predicted")),
    *feeds(value.RETURN, Key("ppo_critic/update/target_value/avg", fixed="mean")),
)
_SUPERVISED = (
    *feeds(c.LOSS, "sft/loss/avg", "dpo/loss/avg", "rw/loss/avg"),
    *feeds(objective.PERPLEXITY, "sft/ppl/avg"),
    *feeds(c.GRAD_NORM, "sft/grad_norm"),
    *feeds(c.LEARNING_RATE, "sft/lr"),
    *feeds(
        c.PREFERENCE_REWARD,
        *parts("chosen", "rejected", before="dpo/", after="_reward/avg"),
        Key("rw/pos_score/avg", fixed="chosen"),
        Key("rw/neg_score/avg", fixed="rejected"),
    ),
    *feeds(c.PREFERENCE_MARGIN, "dpo/reward_margin/avg"),
    *feeds(c.PREFERENCE_ACCURACY, "dpo/reward_accuracy/avg", "rw/acc/avg"),
    *feeds(c.LOGPS, *parts("chosen", "rejected", before="dpo/logps_", after="/avg")),
)
_OTHERS = (
    *feeds(speed.PHASE_TIME, "timeperf/{}"),
    *feeds(evaluation.VALIDATION_SCORE, Key("eval-rollout/reward", fixed="reward")),
)

KEYS = (*_BATCH, *_POLICY, *_CRITIC, *_SUPERVISED, *_OTHERS)
