"""Logs that somebody names, each from its first record to its last as samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_history import RunHistory


def records_of(history: RunHistory, now: float) -> Iterator[RecordSamples]:
    """All records of a log that is taken as it lies, a half line at its end too. `now`: Unix time.

    Nothing is held in memory but a portion of the log, however slowly they are taken.
    """
    with closing(history):
        while (samples := history.read_on(0.0, now)) is not None:
            yield from samples
        yield from history.rest(now)
