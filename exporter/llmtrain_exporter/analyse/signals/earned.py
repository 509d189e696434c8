"""What a run's completions have earned so far: whether its task is solved, or nobody earns anything."""

from __future__ import annotations

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.signals.rule import GRAD_NORM, REWARD, RecordView
from llmtrain_exporter.knowledge.evidence_limits import GOOD, NEAR_BEST
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.reward import PUNISHED, SOLVED_RECORDS


class Earned:
    """Follows the best reward. Rules that ask compare `REWARD` and hand `look_back` on."""

    __slots__ = ("_best", "_lowest")

    def __init__(self) -> None:
        self._best = 0.0  # mean of a block
        self._lowest = 0.0  # the same

    @property
    def punished(self) -> bool:
        """Whether rewards were below 0, of which it may be the best."""
        return self._lowest < 0

    def look_back(self, view: RecordView) -> None:
        """Take in the last block of records."""
        block = view.mean(REWARD, BLOCK)
        if block > self._best:
            self._best = block
        if block < self._lowest:
            self._lowest = block

    def is_solved(self, view: RecordView) -> bool:
        """Whether the rewards of the last records are near the run's best, and good."""
        reward = view.values.get(REWARD)
        if reward is None:
            return False
        recent = mean([*view.recent(REWARD, SOLVED_RECORDS - 1), reward])
        if self._best <= 0 and self._lowest <= -PUNISHED:
            return recent >= (1 - NEAR_BEST) * self._lowest
        return reward >= GOOD and recent >= max(GOOD, NEAR_BEST * self._best)

    def is_nothing(self, view: RecordView) -> bool:
        """Whether there is no reward and no gradient; of rewards that punish, 0 is the best."""
        reward, norm = view.values.get(REWARD), view.values.get(GRAD_NORM, 0.0)
        return reward == 0 and norm == 0 and not self.punished
