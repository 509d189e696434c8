"""Every remedy once, by its id. Signals refer to remedies by id, so no advice stands twice."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.remedies import data_and_model, generation, operation, optimisation
from llmtrain_exporter.knowledge.remedy import Remedy

REMEDIES: Mapping[str, Remedy] = {
    **optimisation.REMEDIES,
    **generation.REMEDIES,
    **data_and_model.REMEDIES,
    **operation.REMEDIES,
}
