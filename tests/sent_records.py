"""Records for the tests of what is sent."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Series, series
from llmtrain_exporter.push.log_digest import LogMark, milestone
from llmtrain_exporter.push.record_samples import RecordSamples

STEP = series(c.STEP)
LOSS = series(c.LOSS, ("split", "train"))
T0 = 1_700_000_000_000
UNMARKED = LogMark(0, 0)
"""Of records whose log is not asked after."""


def record(number: int, value: float = 0.5, run: str = "a/v1", time_ms: int | None = None) -> RecordSamples:
    """A record with two samples, a second after the one before it."""
    time = T0 + 1000 * number if time_ms is None else time_ms
    values: Mapping[Series, float] = {STEP: 10.0 * number, LOSS: value}
    return RecordSamples(run, number, time, values, UNMARKED)


def in_one_log(records: Iterable[RecordSamples]) -> list[RecordSamples]:
    """These records, all there are of a log, which is known by their losses."""
    digest, early, marked = 0, 0, []
    for each in records:
        digest = zlib.crc32(struct.pack("<d", each.values[LOSS]), digest)
        early = digest if each.record == milestone(each.record) else early
        marked.append(replace(each, mark=LogMark(digest, early)))
    return marked


def log(records: int, seed: float = 0.0, run: str = "a/v1") -> list[RecordSamples]:
    """A log with so many records."""
    return in_one_log(record(number, seed + 1 / number, run) for number in range(1, records + 1))
