"""The times and amounts that alerts go by. Durations are written as PromQL writes them."""

from __future__ import annotations

GROWTH = "5m"
"""A counter that grew within this time has just grown: many scrapes, and a restart in between."""

BRIDGE = "15m"
"""What is known before a gap of this length, of the exporter or of Prometheus, still counts after it."""

EVENT = "30m"
"""That a run has ended is told for so long."""

RESCUE = "5m"
"""A training that its guard has stopped is started again within this time, if it is at all."""

AFTERMATH = "1h"
"""So long after an incident what is left of it is told as part of it and not anew."""

ENDED_SECONDS = 300
"""A run that has ended stays worth a word for so long: what its last records showed may not be told yet."""

SILENCE_SECONDS = 6 * 3600
"""A run that neither ends nor goes on is given up after so long without a record: nobody reads a third
reminder of it."""

SKIPPED_SHARE = 0.1
"""Skipped lines per record from which on a log is not understood; a crash may tear a single one."""

SKIPPED_LINES = 10
"""Fewer say nothing."""

WORDLESS = ("text", "overwritten")
"""Lines that a printed log has between its rows anyway."""

DOWN = "5m"
"""An upgrade of the exporter takes less."""

NOT_READY = "15m"
"""Reading all logs takes less, unless something is wrong."""

ROOT_STUCK = "1m"
"""A file server that is failed over answers again within this time, mostly."""

UNSEEN_SECONDS = 300
"""Logs that were not looked at for so long are not watched, whatever holds up who should look."""

NO_RUNS = "1h"

HISTORY_BEHIND_SECONDS, HISTORY_BEHIND = 300, "10m"
"""A record that waits so long to be sent, and for so long others after it, is on its way no more."""
