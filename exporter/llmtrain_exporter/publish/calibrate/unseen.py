"""How learned limits do in runs that they were not learned from: parts of the runs are left out in turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmtrain_exporter.knowledge.calibrating import PARTS
from llmtrain_exporter.model import Health
from llmtrain_exporter.publish.calibrate.judging import Court
from llmtrain_exporter.publish.calibrate.learning import Learner


@dataclass(frozen=True, slots=True)
class Unseen:
    """Sums over all runs, each judged with limits that were learned without it."""

    alarms: int
    found: int  # broken runs that were told as such


def unseen(court: Court, healthy: Sequence[int], broken: Sequence[int], budget: float) -> Unseen | None:
    """Leave out each run once, or each of PARTS parts of many; None where no healthy run would be left."""
    if len(healthy) < 2:  # one to leave out, and one to learn from
        return None
    parts = min(PARTS, max(len(healthy), len(broken)))
    alarms = found = 0
    for part in range(parts):
        well, ill = (_without(runs, part, parts) for runs in (healthy, broken))
        moves = Learner(court, well, ill, budget).learn().moves
        alarms += sum(court.hear(at, moves).alarms for at in healthy[part::parts])
        found += sum(court.hear(at, moves).verdict is Health.BROKEN for at in broken[part::parts])
    return Unseen(alarms, found)


def _without(runs: Sequence[int], part: int, parts: int) -> list[int]:
    return [run for place, run in enumerate(runs) if place % parts != part]
