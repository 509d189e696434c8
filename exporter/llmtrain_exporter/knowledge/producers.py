"""The trainers whose flags the alerts and the runbook name.

A run's own advice names the flags of its own producer, whichever that is; a producer of one dialect alone
may stand in the file of that dialect.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.producer import ASSIGNED, DOTTED_YAML_KEY, PYTHON_KEYWORD, YAML_KEY, Producer
from llmtrain_exporter.knowledge.trainer_arguments import spelling
from llmtrain_exporter.knowledge.trainer_arguments.spelling import Spelling
from llmtrain_exporter.knowledge.trainer_arguments.table import CLASSES

TRAINER_STATE = "trainer_state.json"
"""What Transformers writes into each checkpoint, last."""

TRACKERS = ("wandb", "swanlab", "tensorboard", "mlflow")
"""Whose programs some trainings start."""

RECORDED_LOG = "llmtrain.jsonl"
"""What a training that is guarded leaves in its output folder: each row that its trainer logs."""

_RLHF = (profile.GRPO, profile.PPO, profile.DPO, profile.REWARD_MODEL)

_HUGGING_FACE = ("transformers/TrainingArguments", "trl/ModelConfig")
_TRL_CLASSES = {
    profile.SFT: "trl/SFTConfig",
    profile.GRPO: "trl/GRPOConfig",
    profile.DPO: "trl/DPOConfig",
    profile.REWARD_MODEL: "trl/RewardConfig",
}
_TRL_PPO = spelling.TRL_PPO, "trl/PPOConfig"
_UNSLOTH = ("unsloth/FastLlamaModel.get_peft_model", "unsloth/FastLlamaModel.from_pretrained")
_LLAMAFACTORY = (
    "llamafactory/TrainingArguments",
    "llamafactory/DataArguments",
    "llamafactory/FinetuningArguments",
)


def _flags(names: Spelling, *classes: str) -> dict[str, str]:
    """The settings for which one of the classes has an argument, with its name."""
    known = {name for each in classes for name in CLASSES[each].arguments}
    return {setting: name for setting, name in names.items() if name in known}


def _defaults(names: Spelling, *classes: str) -> dict[str, float | str]:
    """What the classes take for settings that are not given; what is on or off as 1 or 0."""
    known = {name: value for each in classes for name, value in CLASSES[each].arguments.items()}
    found = ((setting, known.get(name)) for setting, name in names.items())
    return {
        key: value if isinstance(value, str) else float(value) for key, value in found if value is not None
    }


SWIFT = Producer(
    name="swift",
    flags=_flags(spelling.SWIFT, "ms-swift/SftArguments"),
    flags_in={
        **dict.fromkeys(_RLHF, _flags(spelling.SWIFT, "ms-swift/RLHFArguments")),
        profile.PPO: _flags(spelling.SWIFT_PPO, "ms-swift/RLHFArguments"),
    },
    defaults=_defaults(spelling.SWIFT, "ms-swift/SftArguments"),
    defaults_in={
        profile.GRPO: {**_defaults(spelling.SWIFT, "ms-swift/RLHFArguments"), "beta": 0.04},
        profile.PPO: _defaults(spelling.SWIFT_PPO, "ms-swift/RLHFArguments"),
        profile.DPO: {"beta": 0.1},
    },
    states_steps="logging.jsonl",
    kl_clamp=10.0,
)
"""ms-swift, which clamps kl from 4.0.4 on. It works out beta itself where none is given: source: its
RLHFArguments, as in the table."""

MEGATRON_SWIFT = Producer(
    name="megatron-swift",
    flags=_flags(spelling.MEGATRON_SWIFT, "ms-swift/MegatronRLHFArguments"),
    defaults=_defaults(spelling.MEGATRON_SWIFT, "ms-swift/MegatronRLHFArguments"),
    family=SWIFT.name,
    states_steps=SWIFT.states_steps,
)
"""ms-swift on Megatron, whose arguments are Megatron's."""

TRANSFORMERS = Producer(
    name="transformers",
    flags=_flags(spelling.TRL, *_HUGGING_FACE),
    flags_in={
        **{kind: _flags(spelling.TRL, name) for kind, name in _TRL_CLASSES.items()},
        profile.PPO: _flags(*_TRL_PPO),
    },
    defaults=_defaults(spelling.TRL, *_HUGGING_FACE),
    defaults_in={
        **{kind: _defaults(spelling.TRL, name) for kind, name in _TRL_CLASSES.items()},
        profile.PPO: _defaults(*_TRL_PPO),
    },
    states_steps=TRAINER_STATE,
)
"""Transformers itself, TRL, and what is built on them."""

UNSLOTH = Producer(
    name="unsloth",
    style=PYTHON_KEYWORD,
    flags=_flags(spelling.UNSLOTH, _HUGGING_FACE[0], *_UNSLOTH),
    flags_in={kind: _flags(spelling.TRL, name) for kind, name in _TRL_CLASSES.items()},
    defaults=_defaults(spelling.UNSLOTH, _HUGGING_FACE[0], *_UNSLOTH),
    defaults_in=TRANSFORMERS.defaults_in,
    family=TRANSFORMERS.name,
    states_steps=TRANSFORMERS.states_steps,
)
"""Unsloth: scripts in Python, around TRL's trainers."""

LLAMAFACTORY = Producer(
    name="llamafactory",
    style=YAML_KEY,
    flags=_flags({k: v for k, v in spelling.LLAMAFACTORY.items() if k != "beta"}, *_LLAMAFACTORY),
    flags_in={profile.DPO: _flags({"beta": spelling.LLAMAFACTORY["beta"]}, *_LLAMAFACTORY)},
    defaults=_defaults(spelling.LLAMAFACTORY, *_LLAMAFACTORY),
    states_steps="trainer_log.jsonl",
)
"""LLaMA-Factory, which has no GRPO."""

AXOLOTL = Producer(
    name="axolotl",
    style=YAML_KEY,
    flags=_flags(spelling.AXOLOTL, "axolotl/AxolotlInputConfig"),
    flags_in=dict.fromkeys(profile.POLICIES, _flags(spelling.AXOLOTL_RL, "axolotl/TRLConfig")),
    defaults=_defaults(spelling.AXOLOTL, "axolotl/AxolotlInputConfig"),
    family=TRANSFORMERS.name,
    states_steps=TRANSFORMERS.states_steps,
)
"""Axolotl."""

_ACTOR = "actor_rollout_ref.actor"
VERL = Producer(
    name="verl",
    style=ASSIGNED,
    flags={
        "learning_rate": f"{_ACTOR}.optim.lr",
        "warmup_ratio": f"{_ACTOR}.optim.lr_warmup_steps_ratio",
        "warmup_steps": f"{_ACTOR}.optim.lr_warmup_steps",
        "weight_decay": f"{_ACTOR}.optim.weight_decay",
        "max_grad_norm": f"{_ACTOR}.grad_clip",
        "beta": f"{_ACTOR}.kl_loss_coef",
        "epsilon": f"{_ACTOR}.clip_ratio_low",
        "epsilon_high": f"{_ACTOR}.clip_ratio_high",
        "max_completion_length": "data.max_response_length",
        "num_generations": "actor_rollout_ref.rollout.n",
        "temperature": "actor_rollout_ref.rollout.temperature",
        "lora_rank": "actor_rollout_ref.model.lora_rank",
        "lora_alpha": "actor_rollout_ref.model.lora_alpha",
        "num_train_epochs": "trainer.total_epochs",
        "save_steps": "trainer.save_freq",
        "eval_steps": "trainer.test_freq",
    },
)
"""verl, by the names of its Hydra configuration. Its other ways of logging have dialects of their own."""

_MEGATRON_FLAGS = {
    "learning_rate": "lr",
    "lr_scheduler_type": "lr-decay-style",
    "warmup_ratio": "lr-warmup-fraction",
    "warmup_steps": "lr-warmup-iters",
    "weight_decay": "weight-decay",
    "max_grad_norm": "clip-grad",
    "per_device_train_batch_size": "micro-batch-size",
    "save_steps": "save-interval",
    "eval_steps": "eval-interval",
}
MEGATRON = Producer(name="megatron-lm", flags={**_MEGATRON_FLAGS, "logging_steps": "log-interval"})
"""Megatron-LM, and what has its arguments."""

SLIME = Producer(
    name="slime",
    flags={
        **_MEGATRON_FLAGS,
        "beta": "kl-loss-coef",
        "epsilon": "eps-clip",
        "epsilon_high": "eps-clip-high",
        "max_completion_length": "rollout-max-response-len",
        "num_generations": "n-samples-per-prompt",
        "temperature": "rollout-temperature",
    },
)
"""slime and miles, which take Megatron's arguments too."""

OPENRLHF = Producer(
    name="openrlhf",
    flags={
        "learning_rate": "actor_learning_rate",
        "warmup_ratio": "lr_warmup_ratio",
        "max_grad_norm": "max_norm",
        "beta": "init_kl_coef",
        "epsilon": "eps_clip",
        "max_completion_length": "generate_max_len",
        "num_generations": "n_samples_per_prompt",
        "temperature": "temperature",
        "lora_rank": "lora_rank",
        "lora_alpha": "lora_alpha",
        "per_device_train_batch_size": "micro_train_batch_size",
        "logging_steps": "logging_steps",
        "save_steps": "save_steps",
        "eval_steps": "eval_steps",
    },
)
"""OpenRLHF's trainers of policies."""

_ACTOR_TRAIN = "actor_train.training_args"
ROLL = Producer(
    name="roll",
    style=DOTTED_YAML_KEY,
    flags={
        "learning_rate": f"{_ACTOR_TRAIN}.learning_rate",
        "warmup_steps": f"{_ACTOR_TRAIN}.warmup_steps",
        "weight_decay": f"{_ACTOR_TRAIN}.weight_decay",
        "per_device_train_batch_size": f"{_ACTOR_TRAIN}.per_device_train_batch_size",
        "gradient_accumulation_steps": f"{_ACTOR_TRAIN}.gradient_accumulation_steps",
        "max_grad_norm": "max_grad_norm",
        "beta": "init_kl_coef",
        "epsilon": "pg_clip",
        "max_completion_length": "response_length",
        "num_generations": "num_return_sequences_in_group",
        "logging_steps": "logging_steps",
        "save_steps": "save_steps",
        "eval_steps": "eval_steps",
    },
)
"""ROLL, by the names of its YAML files."""

PRODUCERS = (SWIFT, MEGATRON_SWIFT, TRANSFORMERS, LLAMAFACTORY, AXOLOTL, UNSLOTH)


def producer_by_settings(info: Mapping[str, str]) -> Producer | None:
    """Whose argument file lies beside a log, by what one trainer alone writes there; None: unknown."""
    return SWIFT if info.get("swift_version") else None
