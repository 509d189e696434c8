"""Series as people and programs write them: `llmtrain_loss{split="train"}`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from llmtrain_exporter.model import Series
from llmtrain_exporter.printable import escaped, label_value


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """Labels as they stand between braces, each value as the scrape has it."""
    return ",".join(f'{name}="{escaped(label_value(value))}"' for name, value in labels)


@lru_cache(maxsize=1 << 12)
def series_text(series: Series) -> str:
    """A series with the labels that it has besides those of its run."""
    inside = labels_text(series.labels)
    name = series.metric.sample_name
    return f"{name}{{{inside}}}" if inside else name
