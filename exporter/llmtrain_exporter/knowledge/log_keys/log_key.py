"""How it is written which metric a producer's key feeds."""

from __future__ import annotations

from typing import NamedTuple

from llmtrain_exporter.knowledge import catalogue
from llmtrain_exporter.knowledge.metric import Key, Metric


class LogKey(NamedTuple):
    """A key and the metric that it feeds."""

    metric: Metric
    key: Key


def feeds(metric: Metric, *keys: str | Key) -> tuple[LogKey, ...]:
    """All these keys feed the metric; one with a label of its own needs its value (`parts`) or a pattern."""
    return tuple(LogKey(metric, key if isinstance(key, Key) else Key(key)) for key in keys)


def unnamed(*names: str) -> tuple[LogKey, ...]:
    """Keys that a pattern would take for what they are not: they come under their own name."""
    return tuple(LogKey(catalogue.OTHER, Key(name, fixed=name)) for name in names)
