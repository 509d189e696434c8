"""What one record of a run says, for a time series database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_exporter.model import Series
from llmtrain_exporter.push.log_digest import LogMark


@dataclass(frozen=True, slots=True)
class RecordSamples:
    """What one record of a run says, for a time series database.

    `run`: the run's name, which each of its series has as a label, as in the scrape: profile and the
    operator's own labels stand in llmtrain_run_info, which comes with the first record. `record`: the number
    of the record in its log, from 1, over the whole log. `time_ms`: Unix time at which it was written.
    `values`: training or evaluation gauges, derived ratios, baselines, spike scores, signal flags, and where
    the run stands: step, resumes, elapsed seconds. `mark`: what the log is known by up to there.
    """

    run: str
    record: int
    time_ms: int
    values: Mapping[Series, float]
    mark: LogMark
