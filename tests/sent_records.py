"""Records for the tests of what is sent."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series, series
from llmtrain_exporter.push.record_samples import RecordSamples

STEP = series(c.STEP)
LOSS = series(c.LOSS, ("split", "train"))
T0 = 1_700_000_000_000


def record(number: int, value: float = 0.5, run: str = "a/v1", time_ms: int | None = None) -> RecordSamples:
    """A record with two samples, a second after the one before it."""
    time = T0 + 1000 * number if time_ms is None else time_ms
    values: Mapping[Series, float] = {STEP: 10.0 * number, LOSS: value}
    return RecordSamples(run, number, time, values)


def log(records: int, seed: float = 0.0, run: str = "a/v1") -> list[RecordSamples]:
    """A log with so many records."""
    return [record(number, seed + 1 / number, run) for number in range(1, records + 1)]
