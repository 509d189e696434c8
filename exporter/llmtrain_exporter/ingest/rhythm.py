"""How many steps lie between the rows of a log."""

from __future__ import annotations

import math

from llmtrain_exporter.ingest.schedule import Schedule

_ENOUGH = 2  # rows


class Rhythm:
    """The steps from row to row: trainers print at multiples of them, and some at step 1 as well."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._divisor = 0  # of the steps at which rows were printed
        self._seen = 0  # how many those were
        self._newest: int | None = None
        self._stated = True  # none spoke against what the arguments say

    def learn(self, step: int, planned: int | None, certain: bool = False) -> None:
        """A training row was printed at `step`, of so many planned ones, `certain` or by then."""
        if step in (0, 1, planned, self._newest):
            return
        self._newest = step
        stated = self._schedule.interval(planned)
        self._stated = self._stated and not (certain and stated and step % stated)
        self._divisor = math.gcd(self._divisor, step)
        self._seen += 1

    def interval(self, planned: int | None) -> int | None:
        """Steps from row to row, None where nothing tells them."""
        stated = self._schedule.interval(planned) if self._stated else None
        return stated or (self._divisor if self._seen >= _ENOUGH else None)
