"""What each metric of the catalogue means."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.meaning import Meaning
from llmtrain_exporter.knowledge.meanings import (
    derived,
    distillation,
    evaluation,
    generation,
    judgement,
    mismatch,
    objective,
    preference,
    progress,
    rollout,
    speed,
    training,
)
from llmtrain_exporter.knowledge.metric import Metric

MEANINGS: Mapping[Metric, Meaning] = {
    **training.OPTIMISATION,
    **generation.REWARD,
    **generation.LENGTH,
    **preference.PREFERENCE,
    **objective.OBJECTIVE,
    **objective.VALUE,
    **mismatch.MISMATCH,
    **distillation.DISTILLATION,
    **rollout.ROLLOUT,
    **evaluation.EVALUATION,
    **progress.PROGRESS,
    **speed.SPEED,
    **derived.DERIVED,
    **judgement.SPIKES,
    **judgement.SIGNALS,
    **judgement.INCIDENTS,
    **judgement.STATE,
    **judgement.OTHER,
}
