"""The chart of an incident. Whatever goes wrong with it, the card goes without."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

POINTS = 1000
RECORDS = 60
"""Before and after an incident; a chart shows fewer."""

log = logging.getLogger(__name__)


def drawn_if_free(
    free: threading.Semaphore,
    document: Mapping[str, Any],
    history: Callable[..., Mapping[str, Any] | None],
) -> bytes | None:
    """The same as `drawn`; None at once while all threads that may draw are at it, or hang."""
    if not free.acquire(blocking=False):
        return None
    try:
        return drawn(document, history)
    finally:
        free.release()


def drawn(document: Mapping[str, Any], history: Callable[..., Mapping[str, Any] | None]) -> bytes | None:
    """A PNG of the latest incident in a run's document, None where that fails.

    `history(run=, steps=, points=)` gives the run's values. None without matplotlib as well, which the relay
    says once, at its start.
    """
    try:
        from llmtrain_exporter.draw.pictures import can_draw, incident_png

        if not can_draw():
            return None
        incident = document["incidents"][-1]
        onset, last = int(incident["onset_step"]), int(document["last_step"])
        end = int(incident["recovery_step"] or max(incident["peak_step"], onset))
        span = RECORDS * max(round(last / max(document["records"]["train"], 1)), 1)
        steps = max(onset - span, 0), min(end + span, last)
        values = history(run=document["run"], steps=steps, points=POINTS)
        return None if values is None else incident_png(values, document, incident)
    except Exception:
        log.warning("The chart of an incident could not be drawn", exc_info=log.isEnabledFor(logging.DEBUG))
        return None
