"""Logs that somebody names, each from its first record to its last as samples."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing

from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.push.chosen import ChosenMetrics
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.watching.on_demand import read_each
from llmtrain_exporter.watching.rules import rules_for_reading

log = logging.getLogger(__name__)


def histories(
    paths: Sequence[str], settings: Settings, profile: str | None, now: float
) -> Iterator[RunHistory | NoRun]:
    """Each log below `paths`, not read yet; or why there is none. `now`: Unix time."""
    chosen = ChosenMetrics(settings.history_metrics)

    def opened(found: Found, options: RunOptions, readers: Readers, _: float) -> RunHistory:
        return RunHistory(found, found.run, options, readers, chosen)

    return read_each(opened, paths, rules_for_reading(settings, profile), now)


def records_of(history: RunHistory, now: float) -> Iterator[RecordSamples | NoRun]:
    """All records of a log that is taken as it lies, a half line at its end too. `now`: Unix time.

    At last, where there was none or reading has failed, why. Nothing is held in memory but a portion of the
    log, however slowly they are taken.
    """
    with closing(history):
        try:
            while (samples := history.read_on(0.0, now)) is not None:
                yield from samples
            yield from history.rest(now)
        except Exception as error:  # a broken log must not silence the others
            log.debug("%s: cannot be analysed", history.file, exc_info=True)
            yield NoRun(history.file, NoRunReason.BROKEN, detail=type(error).__name__)
            return
        if not history.sent.record:
            yield history.why_none()
