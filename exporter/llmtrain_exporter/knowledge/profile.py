"""Kinds of training, and how a run's own settings name them."""

from __future__ import annotations

GRPO = "grpo"
SFT = "sft"
DPO = "dpo"
REWARD_MODEL = "reward_model"
GENERIC = "generic"
PROFILES = (GRPO, SFT, DPO, REWARD_MODEL, GENERIC)
OTHER_THAN_GRPO = (SFT, DPO, REWARD_MODEL, GENERIC)

BY_RLHF_TYPE = {
    "grpo": GRPO,
    "dpo": DPO,
    "orpo": DPO,
    "kto": DPO,
    "cpo": DPO,
    "simpo": DPO,
    "rm": REWARD_MODEL,
    "ppo": GENERIC,
    "gkd": GENERIC,
}
"""ms-swift's `rlhf_type` and LLaMA-Factory's `stage`."""
