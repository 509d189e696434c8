"""Every signal, one module for each part of a run, and the limits that follow from them for each profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmtrain_exporter.knowledge.profile import PROFILES
from llmtrain_exporter.knowledge.signal import Limits, Profile, Signal
from llmtrain_exporter.knowledge.signals import (
    collapse,
    contrast,
    critic,
    exploration,
    fit,
    gradient,
    hacking,
    length,
    loss,
    mismatch,
    non_finite,
    policy,
    preference,
    progress,
    reward,
    sampling,
)

ORDER = (
    *("non_finite", "kl_high", "kl_spike", "loss_spike", "loss_diverged", "loss_unstable", "loss_plateau"),
    *("grad_norm_high", "grad_spike", "grad_vanishing", "clip_ratio_high"),
    *("length_surge", "length_collapse", "clipped_high", "length_creep"),
    *("reward_drop", "reward_function_drop", "reward_flat"),
    *("rewards_part", "length_pays", "validation_parts"),
    *("reward_dominated", "groups_unsolved", "groups_solved"),
    *("entropy_collapse", "entropy_fall", "entropy_explosion", "engine_mismatch"),
    *("policy_stale", "samples_dropped", "value_fault"),
    *("likelihood_displacement", "margin_explosion", "preference_overfit"),
    *("overfit", "accuracy_drop", "lr_out_of_range"),
    *("throughput_drop", "memory_growth", "stalled", "collapse"),
)
"""In which rules read a record, and pages, alerts and runbook have the signals; others come after these."""


def in_order(signals: Iterable[Signal]) -> Mapping[str, Signal]:
    """Signals by name, in `ORDER`, then as they come."""
    place = {name: at for at, name in enumerate(ORDER)}
    ordered = sorted(signals, key=lambda signal: place.get(signal.name, len(ORDER)))
    return {signal.name: signal for signal in ordered}


SIGNALS = in_order(
    (
        *non_finite.SIGNALS,
        *loss.SIGNALS,
        *gradient.SIGNALS,
        *policy.SIGNALS,
        *exploration.SIGNALS,
        *mismatch.SIGNALS,
        *sampling.SIGNALS,
        *critic.SIGNALS,
        *length.SIGNALS,
        *reward.SIGNALS,
        *hacking.SIGNALS,
        *contrast.SIGNALS,
        *fit.SIGNALS,
        *preference.SIGNALS,
        *progress.SIGNALS,
        *collapse.SIGNALS,
    )
)
"""Every signal by name."""

LIMITS: Mapping[str, Limits] = {
    profile: {name: signal.limits[profile] for name, signal in SIGNALS.items() if profile in signal.limits}
    for profile in PROFILES
}
"""By built-in profile, every signal that it has."""

BUILT_IN = {name: Profile(name, name, limits) for name, limits in LIMITS.items()}
"""The profiles that come with the program."""
