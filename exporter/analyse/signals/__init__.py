"""The rules: what each signal reads in a run's records. One module per family, and what they share."""

from __future__ import annotations

from exporter.analyse.signals import fit, gradient, length, policy, progress, reward
from exporter.analyse.signals.rule import Context, Rule
from exporter.knowledge.signal import Limits

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

OF_POLICIES: dict[type[Rule], type[Rule]] = {gradient.LossSpike: gradient.PolicyLossSpike}
"""Rules that read another way where a policy is trained on rewards."""

OF_SUPERVISION: dict[type[Rule], type[Rule]] = {
    gradient.GradVanishing: gradient.SupervisedGradVanishing,
    policy.EntropyCollapse: policy.EntropyRange,
}
"""The same where it is trained on texts."""


def rules_for(limits: Limits, context: Context) -> tuple[Rule, ...]:
    """The rules of a profile: those whose signals it has limits for."""
    other = OF_POLICIES if "kl_spike" in limits else OF_SUPERVISION if "loss_unstable" in limits else {}
    return tuple(other.get(rule, rule)(context) for rule in RULES if rule.name in limits)
