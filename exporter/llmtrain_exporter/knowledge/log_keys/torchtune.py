"""torchtune's keys: SFT, DPO, PPO, GRPO and distillation."""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import objective, reward, rollout, speed
from llmtrain_exporter.knowledge.catalogue.entry import parts
from llmtrain_exporter.knowledge.log_keys.log_key import feeds
from llmtrain_exporter.knowledge.metric import Key

KEYS = (
    *feeds(c.REWARD, "scores", Key("rewards", unless=("scores", "reward"))),
    *feeds(reward.REWARD_PART, Key("rlhf_reward", fixed="penalised"), Key("kl_reward", fixed="penalty")),
    *feeds(reward.SOLVED, Key("successes", fixed="completions")),
    *feeds(c.KL, Key("kl_loss", unless=("kl",))),  # without its weight
    *feeds(objective.UPDATE_KL, Key("approx_policy_kl", fixed="approximate")),
    *feeds(c.CLIP_RATIO, Key("clipfrac", fixed="region_mean")),
    *feeds(objective.POLICY_RATIO, Key("ratios", fixed="mean")),
    *feeds(rollout.END_TOKENS, "num_stop_tokens"),
    *feeds(c.COMPLETION_LENGTH, Key("response_lengths", fixed="mean")),
    *feeds(
        speed.TOKENS_PER_SECOND,
        *parts("trajectory", "ppo", before="tokens_per_second_per_gpu_", label="gpu_"),
    ),
)
