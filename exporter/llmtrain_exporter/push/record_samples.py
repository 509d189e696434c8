"""What one record of a run says, for a time series database, and who takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from llmtrain_exporter.model import Series


@dataclass(frozen=True, slots=True)
class RecordSamples:
    """What one record of a run says, for a time series database.

    `run`: the run's name. `labels`: of each of its series, as the scrape has them: profile and the operator's
    own stand in llmtrain_run_info, which comes with the first record. `record`: the number of the record in
    its log, from 1, over the whole log. `time_ms`: Unix time at which it was written. `values`: training or
    evaluation gauges, derived ratios, baselines, spike scores, signal flags, and where the run stands: step,
    resumes, elapsed seconds.
    """

    run: str
    labels: tuple[tuple[str, str], ...]
    record: int
    time_ms: int
    values: Mapping[Series, float]


class Sink(Protocol):
    """Takes the samples of records, those of one run in their order."""

    def put(self, samples: RecordSamples) -> None:
        """Take the samples of a record. Never blocks, never raises."""
