"""Numbers that the guard goes by: which checkpoints it keeps, and which it goes back to."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src

# Which checkpoints are still good.
STILL_GOOD: Annotated[float, "share of the best until then", src.RUNS] = 0.9
"""Down to which a smoothed reward, or what an evaluation loss is short of it, is still as good."""
GOOD_ERRORS: Annotated[float, "standard errors of the mean", src.RUNS] = 2.0
"""By which it has to be below that as well: what chance makes of it is no fall."""
MARKS: Annotated[int, "points", src.RUNS] = 2048
"""Kept of a run at the most, and half as many at least once it has that many records; an even number."""

# Which of them are kept.
NEWEST: Annotated[int, "checkpoints", src.RUNS] = 2
"""Kept whatever their age; then one for each doubling of it."""
KEEP: Annotated[int, "checkpoints", src.RUNS] = 5
"""Of a run at the most, where nobody says how many."""
FREE_BYTES: Annotated[int, "bytes", src.RUNS] = 5 << 30
"""That are left free on the disk at the least, where nobody says how many."""
SMALL_BYTES: Annotated[int, "bytes", src.RUNS] = 4 << 20
"""Up to which a file is copied at once, so that no later save can change it."""

KEPT_FOLDER = "llmtrain-kept"
"""In the output folder of a training: what the guard has kept of it, which no trainer rotates away."""

GUARD_FILE = "llmtrain-guard.json"
"""Beside it: what the guard has done to the training, and what is to be done next."""

TOLD_DETAILS = frozenset(
    (
        *("setting", "from", "to", "grad_norm", "usual", "signal", "metric"),
        *("checkpoint", "from_step", "wasted_steps", "grace_until_step", "profile"),
    )
)
"""Of what the guard did this is told; the command that it starts again may hold a password."""

GUARD_ACTS = ("stop", "go_on", "set", "skip")
"""Of what a guard does this changes the training: charts show it."""
