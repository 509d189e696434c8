"""How numbers are written in the descriptions of alerts."""

from __future__ import annotations

from enum import Enum

from llmtrain_exporter.knowledge.metric import Metric


class Written(str, Enum):
    """How a number is written for people."""

    NUMBER = "number"  # as `knowledge.numerals.number` writes it
    WHOLE = "whole"
    BYTES = "bytes"
    DURATION = "duration"
    SHARE = "share"  # 0.3 as 30%


def unit_of(metric: Metric) -> Written:
    """How values of that metric are written."""
    if metric.name.endswith("_bytes"):
        return Written.BYTES
    if metric.name.endswith("_seconds_per_step") or metric.name.endswith("_seconds"):
        return Written.DURATION
    return Written.NUMBER
