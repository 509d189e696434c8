"""Logs for tests of their history, and what the package samples of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmtrain_exporter.config import Settings
from llmtrain_exporter.push.read_history import histories
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_history import RunHistory

from tests.training import append

WRITTEN = 1_790_000_000.0
"""When a log was written to last (Unix time)."""

NOW = WRITTEN + 86400
"""When it is read."""


def logged(folder: Path, *lines: str) -> Path:
    """A log of ms-swift with these lines, in a folder that is called after a date."""
    return append(folder / "v0-20260921-101010" / "logging.jsonl", *lines, modified=WRITTEN)


def records(path: Path, **settings: Any) -> list[RecordSamples]:
    """The samples of the only log there."""
    (history,) = histories([str(path)], Settings(**settings), None, NOW)
    assert isinstance(history, RunHistory)
    return list(history.samples(0.0, NOW))


def source_of(record: RecordSamples) -> str:
    """How its time is known."""
    (found,) = (key for key in record.values if key.metric.name == "llmtrain_history_time_source")
    return dict(found.labels)["source"]
