"""When silence means that a run hangs, in units of its own pace."""

from __future__ import annotations

STALL_GAPS = 5.0
"""Median gaps between records without a new one, from which on a run counts as stalled."""

STALL_SECONDS = 300.0
"""No run counts as stalled before this."""

STALL_EVALUATIONS = 2.0
"""An evaluation writes nothing while it lasts: as many times the longest one so far is waited for, too."""

STALL_SECONDS_UNKNOWN = 3600.0
"""The same where a run's pace is not known yet."""

HUNG = 2.0
"""Times that silence, from which on a stalled run is taken to hang for good: critical."""
