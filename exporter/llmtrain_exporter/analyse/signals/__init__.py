"""The rules: what each signal reads in a run's records. One module per family, and what they share."""

from __future__ import annotations

from llmtrain_exporter.analyse.signals import fit, gradient, length, policy, progress, reward
from llmtrain_exporter.analyse.signals.rule import Context, Rule
from llmtrain_exporter.knowledge.profile import GENERIC, GRPO, SFT
from llmtrain_exporter.knowledge.signal import Profile

RULES: tuple[type[Rule], ...] = (
    gradient.NonFinite,
    policy.KlHigh,
    policy.KlSpike,
    gradient.LossSpike,
    fit.LossUnstable,
    fit.LossPlateau,
    gradient.GradNormHigh,
    gradient.GradSpike,
    gradient.GradVanishing,
    policy.ClipRatioHigh,
    length.LengthSurge,
    length.LengthCollapse,
    length.ClippedHigh,
    reward.RewardDrop,
    reward.RewardFunctionDrop,
    reward.RewardFlat,
    policy.EntropyCollapse,
    fit.Overfit,
    fit.AccuracyDrop,
    gradient.LearningRate,
    progress.ThroughputDrop,
    progress.MemoryGrowth,
)

OF_POLICIES: dict[type[Rule], type[Rule]] = {
    gradient.LossSpike: gradient.PolicyLossSpike,
    gradient.GradVanishing: gradient.PolicyGradVanishing,
}
"""Rules that read another way where a policy is trained on rewards."""

OF_SUPERVISION: dict[type[Rule], type[Rule]] = {
    gradient.GradVanishing: gradient.SupervisedGradVanishing,
    policy.EntropyCollapse: policy.EntropyRange,
}
"""The same where it is trained on texts."""

OTHERS = {GRPO: OF_POLICIES, SFT: OF_SUPERVISION, GENERIC: OF_SUPERVISION}


def rules_for(profile: Profile, context: Context) -> tuple[Rule, ...]:
    """The rules of a profile: those whose signals it has limits for."""
    other = OTHERS.get(profile.base, {})
    return tuple(other.get(rule, rule)(context) for rule in RULES if rule.name in profile.limits)
