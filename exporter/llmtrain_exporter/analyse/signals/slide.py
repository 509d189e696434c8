"""A reward that sinks without a jump: how much of the run's best is left in the mean of the last records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from llmtrain_exporter.analyse.averages import mean, median
from llmtrain_exporter.analyse.baseline import STEP, Level
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.reward import (
    FUNCTION_SPREAD,
    FUNCTION_SPREAD_YOUNG,
    SLIDE_HELD,
    SLIDE_LEFT,
    SLIDE_NOISES,
    SLIDE_RECORDS,
    SLIDE_SIGMAS,
)

_NOISE = (1 / BLOCK + 1 / SLIDE_RECORDS) ** 0.5
"""Standard deviation of the difference of two such means, in standard deviations of a record."""


class Slide:
    """Follows one series. Blocks of records show that it is below its best; then each record is weighed.

    What is lost is a share of `scale`: of the best, or of the run's own range where rewards punish, of which
    0 is the best.
    """

    __slots__ = ("_lowest", "_recent", "_sigma", "began", "best", "scale")

    def __init__(self) -> None:
        self.best = -math.inf  # mean of a block
        self.scale = 0.0  # that is lost when all is lost
        self.began = 0  # step up to which the best was held
        self._lowest = 0.0  # mean of a block while it was held; of rewards that do not punish 0
        self._sigma: float | None = None  # of records while it was held
        self._recent: Lately[float] | None = None  # the last records, while it is below its best

    @property
    def below(self) -> bool:
        """Whether the last blocks were below the best."""
        return self._recent is not None

    @property
    def limit(self) -> float:
        """At which it has slid."""
        return self.best - (1 - SLIDE_LEFT) * self.scale

    def punishes(self, block: float) -> bool:
        """Whether rewards were below 0, or are in the last block, so that their noise counts."""
        return self.below or self._lowest < 0 or block < 0

    def look_back(
        self, block: float, level: Level, step: int, whole: bool = True, noise: float = 0.0
    ) -> bool:
        """Take in the mean of the last block of records, which ends at `step`; NaN says nothing.

        `level`: that of the records until then; `noise`: their deviation without a trend, of rewards that
        may punish. `whole`: no record of the block is missing; the mean of fewer is too noisy to be the
        best. True: from now on it is below its best, and its last records have to be told by `begin`.
        """
        now = block if self._recent is None else mean(self._recent)
        if now != now:
            return False
        risen = whole and self._recent is None and now > self.best
        if risen:
            self.best = now
        if self.best == -math.inf:
            return False
        if not self.scale or self.best - now <= (1 - SLIDE_HELD) * self.scale:
            if risen or now < self._lowest or self._lowest < 0:
                self._lowest = min(self._lowest, now)
                self.scale = self._range(noise)
            self.began, self._sigma, self._recent = step, sigma_of(level), None
            return False
        return self._recent is None

    def _range(self, noise: float) -> float:
        punished = SLIDE_NOISES * noise if self._lowest < 0 else 0.0
        return max(self.best - self._lowest, abs(self.best), punished)

    def begin(self, recent: Iterable[float]) -> None:
        """The last records of a series that has come below its best, oldest first."""
        self._recent = Lately(SLIDE_RECORDS, recent)

    def share_left(self, value: float) -> tuple[float, float] | None:
        """The mean of the last records, this one included, and its share of the best; None: it holds."""
        if self._recent is None or self._sigma is None or value != value:
            return None
        self._recent.note(value)
        now = mean(self._recent)
        far = self.best - now >= SLIDE_SIGMAS * self._sigma * _NOISE
        return (now, 1 - (self.best - now) / self.scale) if far and now <= self.limit else None


def sigma_of(level: Level) -> float:
    """Robust standard deviation of a reward, at least a share of its level: the less it is known the more."""
    share = FUNCTION_SPREAD_YOUNG if level.young else FUNCTION_SPREAD
    return level.sigma(share * abs(level.median))


def step_noise(values: Sequence[float]) -> float:
    """Standard deviation of records, by how far they are from the one before; 0 of fewer than two."""
    steps = [abs(later - earlier) for earlier, later in pairwise(values)]
    return median(steps) / STEP if steps else 0.0
