"""Numbers by which limits are learned from a team's own runs."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src

BUDGET: Annotated[float, "false alarms in 1,000 records of healthy runs", src.RUNS] = 1.0
"""That are put up with, where nobody says."""
PER_RECORDS = 1000
"""Records that false alarms are told of."""
LOOSER: Annotated[tuple[float, ...], "times", src.RUNS] = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Rungs that a limit climbs: few and round, so that it fits no run to the last digit."""
TIGHTER: Annotated[tuple[float, ...], "times", src.RUNS] = (0.8, 0.65, 0.5)
"""Rungs that a limit descends where that finds a broken run earlier."""
ROOM: Annotated[float, "times", src.RUNS] = 0.8
"""A tightened limit is silent in healthy runs at this much less, too."""
LONGER: Annotated[tuple[int, ...], "times as many records", src.RUNS] = (2, 3)
"""For which a signal has to hold, instead of a higher limit."""
DIGITS = 2
"""Significant ones of a learned limit."""
NEAR: Annotated[int, "records", src.RUNS] = 20
"""Before a run became critical, in which a sign counts as one of what broke it."""
LATER: Annotated[int, "records", src.RUNS] = 2
"""By which a broken run may be told later than before, at the most."""
PARTS = 20
"""Into which the runs are divided at most to see how limits do in runs that they were not learned from."""
NO_ALARM_RECORDS: Annotated[float, "records times the rate", "rule of three: 1 - 0.95 = exp(-3)"] = 3.0
"""Records without one alarm that show a rate below 1 with 95 % confidence."""
NEVER_MOVED = frozenset(("non_finite", "collapse", "loss_diverged", "stalled"))
"""Signals of what no run survives, or of a clock: no run teaches another limit."""
