"""Series as people and programs write them: `llmtrain_loss{split="train"}`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from llmtrain_exporter.knowledge.metric import Metric, Type
from llmtrain_exporter.model import Series
from llmtrain_exporter.printable import label_value


def sample_name(metric: Metric) -> str:
    """What the samples of a metric are called."""
    return f"{metric.name}_info" if metric.type is Type.INFO else metric.name


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """Labels as they stand between braces, each value as the scrape has it."""
    return ",".join(f'{name}="{_escaped(label_value(value))}"' for name, value in labels)


@lru_cache(maxsize=1 << 12)
def series_text(series: Series) -> str:
    """A series with the labels that it has besides those of its run."""
    inside = labels_text(series.labels)
    return f"{sample_name(series.metric)}{{{inside}}}" if inside else sample_name(series.metric)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
