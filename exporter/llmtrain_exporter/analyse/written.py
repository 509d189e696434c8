"""Numbers and names as people read them."""

from __future__ import annotations

import math

from llmtrain_exporter.knowledge import meaning
from llmtrain_exporter.knowledge.meaning import Healthy, Worry
from llmtrain_exporter.knowledge.metric import PREFIX, Metric
from llmtrain_exporter.knowledge.signal import Limits
from llmtrain_exporter.model import Series

_SECONDS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0))
_BYTES = (("GiB", 1 << 30), ("MiB", 1 << 20))


def number(value: float) -> str:
    """Four significant digits at the most; large and small numbers with a power of ten."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4g}"


def value_text(value: float, metric: Metric) -> str:
    """A value of a metric with its unit: seconds and bytes in what fits their size."""
    if metric.name.endswith("_bytes"):
        return _scaled(value, _BYTES, "B")
    if metric.name.endswith("_seconds") and "timestamp" not in metric.name:
        return _scaled(value, _SECONDS, "s")
    return number(value)


def series_name(one: Series) -> str:
    """A series without prefix: "kl", "reward_function_mean Format", "loss (eval)"."""
    labels = dict(one.labels)
    parts = [one.metric.name.removeprefix(PREFIX), labels.get(one.metric.label, "")]
    if labels.get("split") == "eval":
        parts.append("(eval)")
    return " ".join(part for part in parts if part)


def span(healthy: Healthy, metric: Metric, limits: Limits) -> str:
    """A healthy range: "0.1 - 10", "<= 0.1", ">= 0.7"; only the sides that are worth a look."""
    low = None if healthy.worry is Worry.ABOVE else meaning.number(healthy.low, limits)
    high = None if healthy.worry is Worry.BELOW else meaning.number(healthy.high, limits)
    if low is not None and high is not None:
        return f"{value_text(low, metric)} - {value_text(high, metric)}"
    if high is not None:
        return f"<= {value_text(high, metric)}"
    return "" if low is None else f">= {value_text(low, metric)}"


def _scaled(value: float, units: tuple[tuple[str, float], ...], base: str) -> str:
    for unit, size in units:
        if abs(value) >= size:
            return f"{number(value / size)} {unit}"
    return f"{number(value)} {base}"
