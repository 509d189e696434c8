"""What people call a series."""

from __future__ import annotations

from llmtrain_exporter.knowledge.metric import PREFIX
from llmtrain_exporter.model import Series


def series_name(series: Series) -> str:
    """A series without prefix: "kl", "reward_function_mean Format", "loss (eval)"."""
    labels = dict(series.labels)
    parts = [series.metric.name.removeprefix(PREFIX), labels.get(series.metric.label, "")]
    if labels.get("split") == "eval":
        parts.append("(eval)")
    return " ".join(part for part in parts if part)
