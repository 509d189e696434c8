"""What to say about each signal, by the signal's name."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.advice import generation, gradients, loss, policy, supervision
from llmtrain_exporter.knowledge.advice.entry import Advice
from llmtrain_exporter.knowledge.causes import CAUSES, Cause
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.remedy import Remedy

ADVICE: Mapping[str, Advice] = {
    **policy.ADVICE,
    **gradients.ADVICE,
    **loss.ADVICE,
    **generation.ADVICE,
    **supervision.ADVICE,
}


def causes_of(signal: str, profile: str) -> tuple[Cause, ...]:
    """The likely causes of a signal in a run of that built-in profile, the likeliest first."""
    return tuple(CAUSES[name] for name in ADVICE[signal].causes if profile in CAUSES[name].profiles)


def remedies_for(signal: str, profile: str) -> tuple[Remedy, ...]:
    """What to do about a signal in a run of that built-in profile, the first to try in front."""
    return tuple(REMEDIES[name] for name in ADVICE[signal].remedies if profile in REMEDIES[name].profiles)
