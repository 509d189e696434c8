"""The placeholders of descriptions, and how numbers are written in them."""

from __future__ import annotations

from enum import Enum

from llmtrain_exporter.knowledge.metric import Metric


class Written(str, Enum):
    """How a number is written for people."""

    NUMBER = "number"  # four significant digits
    WHOLE = "whole"
    BYTES = "bytes"
    DURATION = "duration"
    SHARE = "share"  # 0.3 as 30%


BLANKS = {
    "run": "the run",
    "instance": "address of the exporter",
    "step": "step at which the signal came up",
    "peak": "its worst value since",
    "limit": "the limit that was met",
    "last_step": "last step of the run",
    "silence": "time since its last record",
    "onset": "step at which the incident began",
    "order": "the parts of the run that broke, in their order",
    "signals": "the signals that are there, each with its step and its worst value",
    "errors": "what went wrong in the exporter, by kind and how often",
    "skipped": "the runs with most lines that are no record, and how many",
    "dropped": "the runs with series that are not shown, and how many",
    "left_out": "number of logs that are not watched",
}
"""What a description may leave blank; the number is asked of Prometheus when the alert is told."""


def unit_of(metric: Metric) -> Written:
    """How values of that metric are written."""
    if metric.name.endswith("_bytes"):
        return Written.BYTES
    if metric.name.endswith("_seconds_per_step") or metric.name.endswith("_seconds"):
        return Written.DURATION
    return Written.NUMBER
