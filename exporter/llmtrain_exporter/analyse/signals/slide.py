"""A reward that sinks without a jump: how much of the run's best is left in the mean of the last records."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.reward import (
    SLIDE_HELD,
    SLIDE_LEFT,
    SLIDE_RECORDS,
    SLIDE_SIGMAS,
)

_NOISE = (1 / BLOCK + 1 / SLIDE_RECORDS) ** 0.5
"""Standard deviation of the difference of two such means, in standard deviations of a record."""


class Slide:
    """Follows one series. Blocks of records show that it is below its best; then each record is weighed."""

    __slots__ = ("_recent", "_sigma", "began", "best")

    def __init__(self) -> None:
        self.best = 0.0  # mean of a block
        self.began = 0  # step up to which the best was held
        self._sigma = 0.0  # standard deviation of records while it was held
        self._recent: deque[float] | None = None  # the last records, while it is below its best

    @property
    def below(self) -> bool:
        """Whether the last blocks were below the best."""
        return self._recent is not None

    def look_back(self, block: float, sigma: float, step: int, whole: bool = True) -> bool:
        """Take in the mean of the last block of records, which ends at `step`; NaN says nothing.

        `sigma`: standard deviation of the records until then. `whole`: no record of the block is missing; the
        mean of fewer is too noisy to be the best. True: from now on it is below its best, and its
        last records have to be told by `begin`.
        """
        now = block if self._recent is None else mean(self._recent)
        if now != now:
            return False
        if whole and self._recent is None and now > self.best:
            self.best = now
        if self.best <= 0 or now >= SLIDE_HELD * self.best:  # of rewards that punish no share is left
            self.began, self._sigma, self._recent = step, sigma, None
            return False
        return self._recent is None

    def begin(self, recent: Iterable[float]) -> None:
        """The last records of a series that has come below its best, oldest first."""
        self._recent = deque(recent, SLIDE_RECORDS)

    def share_left(self, value: float) -> tuple[float, float] | None:
        """The mean of the last records, this one included, and its share of the best; None: it holds."""
        if self._recent is None or value != value:
            return None
        self._recent.append(value)
        now = mean(self._recent)
        far = self.best - now >= SLIDE_SIGMAS * self._sigma * _NOISE
        return (now, now / self.best) if far and now <= SLIDE_LEFT * self.best else None
