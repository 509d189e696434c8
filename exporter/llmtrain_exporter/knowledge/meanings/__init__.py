"""What each metric of the catalogue means."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.meaning import Meaning
from llmtrain_exporter.knowledge.meanings import derived, generation, judgement, progress, training
from llmtrain_exporter.knowledge.metric import Metric

MEANINGS: Mapping[Metric, Meaning] = {
    **training.OPTIMISATION,
    **generation.REWARD,
    **generation.LENGTH,
    **training.PREFERENCE,
    **progress.PROGRESS,
    **derived.DERIVED,
    **judgement.SPIKES,
    **judgement.SIGNALS,
    **judgement.INCIDENTS,
    **judgement.STATE,
    **judgement.OTHER,
}
