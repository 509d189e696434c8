"""Kinds of training, and how a run's own settings name them."""

from __future__ import annotations

GRPO = "grpo"
PPO = "ppo"
SFT = "sft"
DPO = "dpo"
REWARD_MODEL = "reward_model"
GENERIC = "generic"
PROFILES = (GRPO, PPO, SFT, DPO, REWARD_MODEL, GENERIC)
POLICIES = (GRPO, PPO)
"""Reinforcement learning: a policy that writes what it then learns from. PPO stands for trainers with a value
function or a KL summed over a response: TRL's PPO, its RLOO before 0.14, Online DPO."""
OTHER_THAN_POLICIES = (SFT, DPO, REWARD_MODEL, GENERIC)

BY_RLHF_TYPE = {
    "grpo": GRPO,
    "dpo": DPO,
    "orpo": DPO,
    "kto": DPO,
    "cpo": DPO,
    "simpo": DPO,
    "rm": REWARD_MODEL,
    "ppo": PPO,
    "gkd": GENERIC,
}
"""ms-swift's `rlhf_type` and LLaMA-Factory's `stage`."""
