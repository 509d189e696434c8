"""Which episode of a signal is the worst, and many of them as one."""

from __future__ import annotations

import math

from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import Episode


def badness(episode: Episode) -> tuple[int, float]:
    """Orders the episodes of one signal in one series: the worst is the largest."""
    below = SIGNALS[episode.signal].below if episode.baseline is None else episode.peak < episode.baseline
    peak = math.inf if math.isnan(episode.peak) else episode.peak
    return episode.severity.rank, -peak if below else peak


def together(earlier: Episode, later: Episode) -> Episode:
    """Two episodes that are over, of one signal in one series, as one: the worst of both, and all records."""
    return max(earlier, later, key=badness)._replace(
        first_step=earlier.first_step,
        last_step=later.last_step,
        records=earlier.records + later.records,
        critical_step=later.critical_step if earlier.critical_step is None else earlier.critical_step,
        times=earlier.times + later.times,
    )
