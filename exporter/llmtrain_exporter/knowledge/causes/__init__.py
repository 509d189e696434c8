"""Every cause once, by its id. A signal names its likely causes for whoever reads of it without a run."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.causes import (
    data_and_model,
    lengths,
    operation,
    optimisation,
    policy,
    rewards,
)
from llmtrain_exporter.knowledge.signals import SIGNALS

CAUSES: Mapping[str, Cause] = {
    **optimisation.CAUSES,
    **policy.CAUSES,
    **lengths.CAUSES,
    **rewards.CAUSES,
    **data_and_model.CAUSES,
    **operation.CAUSES,
}
"""Of two that are proved alike the first goes before."""


def causes_of(signal: str, profile: str) -> tuple[Cause, ...]:
    """The likely causes of a signal in runs of that built-in profile, the likeliest first."""
    known = [CAUSES[name] for name in SIGNALS[signal].advice.causes if name in CAUSES]
    return tuple(cause for cause in known if profile in cause.profiles)
