"""Every remedy once, by its id. Signals refer to remedies by id, so no advice stands twice."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.remedies import data_and_model, generation, operation, optimisation
from llmtrain_exporter.knowledge.remedy import Remedy
from llmtrain_exporter.knowledge.signals import SIGNALS

REMEDIES: Mapping[str, Remedy] = {
    **optimisation.REMEDIES,
    **generation.REMEDIES,
    **data_and_model.REMEDIES,
    **operation.REMEDIES,
}


def remedies_for(signal: str, profile: str) -> tuple[Remedy, ...]:
    """What to do about a signal in a run of that built-in profile, the first to try in front."""
    known = [REMEDIES[name] for name in SIGNALS[signal].advice.remedies if name in REMEDIES]
    return tuple(remedy for remedy in known if profile in remedy.profiles)
