"""The learning rate of a running training: what the optimizer and its scheduler go by."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

_BY_THEMSELVES = frozenset(("ReduceLROnPlateau", "GreedyLR"))
"""Schedulers that compute no rate from a base rate."""


class CannotBeChangedError(Exception):
    """A setting that cannot be changed here while the training runs; its text says why, for people."""


class LearningRates:
    """The rates of an optimizer's groups, and the base rates from which a scheduler computes them.

    Set in the groups alone a rate lasts for one step: the scheduler computes it anew from its base rates.
    After a resume both are the checkpoint's, whatever the arguments say.
    """

    def __init__(self, optimizer: Any, scheduler: Any) -> None:
        """Raises CannotBeChangedError."""
        self._groups: Any = getattr(optimizer, "param_groups", None)
        self._scheduler = getattr(scheduler, "scheduler", scheduler)  # accelerate wraps it
        bases = getattr(self._scheduler, "base_lrs", None)
        name = type(self._scheduler).__name__
        if not _BY_THEMSELVES.isdisjoint(each.__name__ for each in type(self._scheduler).__mro__):
            raise CannotBeChangedError(f"{name} sets the learning rate by what it measures")
        if not self._groups or not isinstance(bases, list) or len(bases) != len(self._groups):
            raise CannotBeChangedError(f"{name} keeps no base rates from which it computes the learning rate")
        if any("max_lr" in group for group in self._groups):
            raise CannotBeChangedError(f"{name} goes by rates of its own, which are not scaled from outside")

    @property
    def base(self) -> float:
        """The base rate that most groups have, of equals the first: that of the arguments."""
        return Counter(map(float, self._scheduler.base_lrs)).most_common(1)[0][0]

    def scale(self, ratio: float) -> None:
        """Multiply every rate: those of several groups keep their ratio to each other."""
        self._scheduler.base_lrs = [base * ratio for base in self._scheduler.base_lrs]
        for group in self._groups:
            for key in ("lr", "initial_lr"):
                if key in group:
                    group[key] = group[key] * ratio

    def make(self, base: float) -> float:
        """Let the base rate be so much. Returns what it was. Raises CannotBeChangedError."""
        before = self.base
        if before <= 0:
            raise CannotBeChangedError("the learning rate is 0")
        if not agree(base, before):
            self.scale(base / before)
        return before


TOLERANCE = 1e-6
"""Relative; rates that agree so far are the same, through 32-bit floats too."""


def agree(rate: float, other: float) -> bool:
    """Whether two learning rates are one."""
    return math.isclose(rate, other, rel_tol=TOLERANCE)
