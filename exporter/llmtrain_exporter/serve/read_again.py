"""What is told of a run that is over in full: its log is read again when somebody asks."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable

from llmtrain_exporter.config import Settings
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.serve.fleet import Shown
from llmtrain_exporter.watching.observer import unobserved
from llmtrain_exporter.watching.on_demand import open_log, read_to_end
from llmtrain_exporter.watching.outline import told_again
from llmtrain_exporter.watching.rules import rules_for_serving

log = logging.getLogger(__name__)

RUNS_KEPT = 16
"""Runs that were asked for last; a page asks again and again, and a comparison for eight."""


class ReadAgain:
    """The runs that were asked for last. Asked by many threads."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        """`clock`: Unix time."""
        self._settings = settings
        self._clock = clock
        self._read: OrderedDict[str, tuple[Shown, Snapshot]] = OrderedDict()  # any thread; the last one wins

    def whole(self, shown: Shown) -> Snapshot | None:
        """The run without its last values; None where its log cannot be read."""
        name = shown.snapshot.run
        known = self._read.get(name)
        if known is not None and known[0] is shown:
            return known[1]
        try:
            read = self._again(shown)
        except Exception:
            log.debug("%s: cannot be read again", shown.snapshot.file, exc_info=True)
            return None
        if read is not None:
            self._read[name] = shown, read
            while len(self._read) > RUNS_KEPT:
                self._read.popitem(last=False)
        return read

    def _again(self, shown: Shown) -> Snapshot | None:
        if shown.found is None:
            return None
        rules, now = rules_for_serving(self._settings), self._clock()
        run = open_log(shown.found, rules.options(shown.found), rules.readers, unobserved)
        try:
            read_to_end(run, 0.0, now)
            return told_again(shown.snapshot, run.snapshot(now)) if run.has_records else None
        finally:
            run.source.close()
