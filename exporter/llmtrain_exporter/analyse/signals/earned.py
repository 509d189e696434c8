"""What a run's completions have earned so far: whether its task is solved, or nobody earns anything."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.signals.rule import GRAD_NORM, REWARD, RecordView
from llmtrain_exporter.knowledge.evidence_limits import GOOD, NEAR_BEST
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.reward import PUNISHED, SOLVED_RECORDS


class Earned:
    """Follows the best reward. Rules that ask compare `REWARD` and hand `look_back` on."""

    __slots__ = ("_best", "_first", "_lowest", "_varies")

    def __init__(self) -> None:
        self._best = 0.0  # mean of a block
        self._lowest = 0.0  # the same
        self._first: float | None = None  # reward of the first block
        self._varies = False  # it was not always the same

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
        if not self._varies:
            self._compare(view.recent(REWARD, BLOCK))

    def _compare(self, rewards: Sequence[float]) -> None:
        if self._first is None and rewards:
            self._first = rewards[0]
        self._varies = any(reward != self._first for reward in rewards)

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
        """Whether there is no gradient, and no reward or from the first record on the same punishment.

        Of rewards that punish, 0 is the best.
        """
        reward, norm = view.values.get(REWARD), view.values.get(GRAD_NORM, 0.0)
        if reward is None or norm != 0:
            return False
        return self._only_punishes(reward, view) if reward < 0 else reward == 0 and not self.punished

    def _only_punishes(self, reward: float, view: RecordView) -> bool:
        known = (*view.recent(REWARD, BLOCK), *(() if self._first is None else (self._first,)))
        return not self._varies and all(before == reward for before in known)
