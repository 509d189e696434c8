"""The learning rate of a running training: what the optimizer and its scheduler go by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llmtrain_exporter.knowledge import refusal_words as words
from llmtrain_exporter.knowledge.text import Lang, Text, fill

_BY_THEMSELVES = frozenset(("ReduceLROnPlateau", "GreedyLR"))
"""Schedulers that compute no rate from a base rate."""


class CannotBeChangedError(Exception):
    """A setting that cannot be changed here while the training runs; its text says why, for people."""

    def __init__(self, why: Text, **values: str) -> None:
        super().__init__(fill(why, Lang.EN, values))


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
            raise CannotBeChangedError(words.RATE_MEASURED, scheduler=name)
        if not self._groups or not isinstance(bases, list) or len(bases) != len(self._groups):
            raise CannotBeChangedError(words.RATE_WITHOUT_BASE, scheduler=name)
        if any("max_lr" in group for group in self._groups):
            raise CannotBeChangedError(words.RATE_OF_ITS_OWN, scheduler=name)

    @property
    def bases(self) -> list[float]:
        """The base rate of each group that has one; LoRA+ and vision towers have others than the rest."""
        return [rate for rate in map(float, self._scheduler.base_lrs) if rate > 0]

    @property
    def only(self) -> float | None:
        """The base rate of all groups; None where they have several, or none."""
        bases = self.bases
        return bases[0] if bases and all(agree(bases[0], other) for other in bases) else None

    def share_of(self, given: float) -> float:
        """The base rate in force as a share of the one that was given."""
        only = self.only
        return 1.0 if only is None else only / given

    def scale(self, ratio: float) -> None:
        """Multiply every rate: those of several groups keep their ratio to each other."""
        self._scheduler.base_lrs = [base * ratio for base in self._scheduler.base_lrs]
        for group in self._groups:
            for key in ("lr", "initial_lr"):
                if key in group:
                    group[key] = group[key] * ratio

    def make(self, given: float, known: Sequence[float] = ()) -> float:
        """Let the rate that is given be in force, and those of all groups keep their ratio.

        `known`: rates that may have been given when the checkpoint was written. Returns the rate that was in
        force. Raises CannotBeChangedError.
        """
        before = self._in_force(given, known)
        if not agree(given, before):
            self.scale(given / before)
        return before

    def _in_force(self, given: float, known: Sequence[float]) -> float:
        """What was given when the groups got their rates: one of theirs is that very rate."""
        bases = self.bases
        if not bases:
            raise CannotBeChangedError(words.RATE_ZERO)
        if self.only is not None:
            return bases[0]
        found = (rate for rate in (*known, given) if any(agree(rate, base) for base in bases))
        rate = next(found, None)
        if rate is None:
            raise CannotBeChangedError(words.RATES_DIFFER)
        return rate


TOLERANCE = 1e-6
"""Relative; rates that agree so far are the same, through 32-bit floats too."""


def agree(rate: float, other: float) -> bool:
    """Whether two learning rates are one."""
    return math.isclose(rate, other, rel_tol=TOLERANCE)
