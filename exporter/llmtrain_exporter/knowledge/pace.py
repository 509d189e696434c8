"""Times: when silence means that a run hangs, and when lines of a log belong together."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src

STALL_GAPS: Annotated[float, "median gaps between records", src.RUNS] = 5.0
"""Without a new one, from which on a run counts as stalled."""

STALL_SECONDS: Annotated[float, "seconds", src.RUNS] = 300.0
"""No run counts as stalled before this."""

STALL_EVALUATIONS: Annotated[float, "evaluations", src.RUNS] = 2.0
"""That write nothing while they last: as many times the longest one so far is waited for, too."""

STALL_SECONDS_UNKNOWN: Annotated[float, "seconds", src.RUNS] = 3600.0
"""From which on a run counts as stalled whose pace is not known yet."""

HUNG: Annotated[float, "times the silence of a stalled run", src.RUNS] = 2.0
"""From which on it is taken to hang for good: critical."""

CUT_OFF_SECONDS: Annotated[float, "seconds", src.RUNS] = 3 * 86400.0
"""From which on silence is taken for an end: few processes hang for longer than a weekend unseen."""

TWIN_SECONDS: Annotated[float, "seconds", src.RUNS] = 5.0
TWIN_SHARE: Annotated[float, "share of the time since the start", src.RUNS] = 0.1
"""Two writers of one run write the same record within the longer of both."""

READ_LATER_SECONDS: Annotated[float, "seconds", src.RUNS] = 5.0
"""A record that is so much older than the time at which it was read was read with others, all at once."""

HEADLINE_SECONDS: Annotated[float, "seconds", src.RUNS] = 30.0
"""For which a run's cause and remedy stand, by its records: a dashboard is drawn twice a minute."""
