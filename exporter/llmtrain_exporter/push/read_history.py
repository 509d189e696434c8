"""Logs that somebody names, each from its first record to its last as samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.watching.on_demand import read_each
from llmtrain_exporter.watching.rules import rules_for_reading


def histories(
    paths: Sequence[str], settings: Settings, profile: str | None, now: float
) -> Iterator[RunHistory | NoRun]:
    """Each log below `paths`, not read yet; or why there is none. `now`: Unix time."""
    chosen = ChosenMetrics(settings.history_metrics)

    def opened(found: Found, options: RunOptions, readers: Readers, _: float) -> RunHistory:
        return RunHistory(found, found.run, options, readers, chosen)

    return read_each(opened, paths, rules_for_reading(settings, profile), now)
