"""Student and teacher."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry, parts
from llmtrain_exporter.knowledge.metric import Group, Key

_D = Group.DISTILLATION

DISTILLATION_DIVERGENCE = entry(
    "distillation_divergence",
    _D,
    "Divergence of the student from its teacher, in nats.",
    Key("teacher_kl", fixed="kl"),
    Key("jsd", fixed="jensen_shannon"),
    Key("self_distillation/distillation_loss", fixed="loss"),
    label="kind",
    split=True,
)
TEACHER_DIVERGENCE = entry(
    "teacher_divergence",
    _D,
    "Divergence of the student from one of several teachers, in nats.",
    "teacher_jsd/{}",
    label="teacher",
    split=True,
)
TEACHER_ENTROPY = entry(
    "teacher_entropy",
    _D,
    "Entropy of the teacher's token distribution, in nats.",
    Key("teacher_entropy", fixed="all"),
    "teacher_entropy/{}",
    label="teacher",
    split=True,
)
TEACHER_TOKENS = entry(
    "teacher_token_ratio",
    _D,
    "Share of tokens that a teacher scores.",
    "teacher_token_frac/{}",
    label="teacher",
    split=True,
)
TEACHER_TIME = entry(
    "teacher_score_seconds",
    _D,
    "Time that a teacher takes to score a batch.",
    "teacher_score_s/{}",
    label="teacher",
    split=True,
)
DISTILLATION_REWARD = entry(
    "distillation_reward",
    _D,
    "Reward of the samples that a model is distilled from, its own.",
    *parts("mean", "std", "min", "max", before="self_distillation/reward_"),
    Key("self_distillation/group_reward_std_mean", fixed="group_std"),
    label="stat",
    split=True,
)
DISTILLATION_REWARD_FUNCTION = entry(
    "distillation_reward_function_mean",
    _D,
    "Mean of one reward function over those samples.",
    "self_distillation/rewards/{}",
    label="function",
    split=True,
)
DISTILLATION_GROUPS = entry(
    "distillation_sample_ratio",
    _D,
    "Share of prompt groups or samples of that kind.",
    Key("self_distillation/flat_group_fraction", fixed="flat_group"),
    Key("self_distillation/success_group_fraction", fixed="success_group"),
    Key("self_distillation/reprompt_sample_fraction", fixed="reprompted_sample"),
    label="kind",
    split=True,
)
PROBABILITY_MASS = entry(
    "distillation_mass_ratio",
    _D,
    "Probability of the student and of the teacher on the tokens that the divergence is taken over.",
    label="stat",
    split=True,
)
OVERLAP = entry(
    "distillation_overlap_ratio",
    _D,
    "Share of their likeliest tokens that student and teacher have in common.",
    split=True,
)

METRICS = (
    *(DISTILLATION_DIVERGENCE, TEACHER_DIVERGENCE, TEACHER_ENTROPY, TEACHER_TOKENS, TEACHER_TIME),
    *(DISTILLATION_REWARD, DISTILLATION_REWARD_FUNCTION, DISTILLATION_GROUPS),
    *(PROBABILITY_MASS, OVERLAP),
)
