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

CAUSES: Mapping[str, Cause] = {
    **optimisation.CAUSES,
    **policy.CAUSES,
    **lengths.CAUSES,
    **rewards.CAUSES,
    **data_and_model.CAUSES,
    **operation.CAUSES,
}
"""Of two that are proved alike the first goes before."""
