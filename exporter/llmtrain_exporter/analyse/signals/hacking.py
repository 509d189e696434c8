"""A reward that is bought: with another reward function, with length, or at the cost of validation."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise, product

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.ranks import rank_correlation
from llmtrain_exporter.analyse.signals.rule import (
    EVAL_REWARD,
    LENGTH,
    REWARD,
    TRAIN,
    Context,
    Readings,
    RecordView,
    Rule,
    SignalReading,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.own_level import BLOCK
from llmtrain_exporter.knowledge.signals.hacking import (
    LENGTH_PAYS,
    PAID_FEWEST,
    PAID_GROWTH,
    PAID_RECORDS,
    PART_BLOCKS,
    PART_FALL,
    PART_RISE,
    PART_SIGMAS,
    PART_SIGMAS_EACH,
    REWARDS_PART,
    VALIDATED_BESIDE,
    VALIDATION_PARTS,
    VALIDATION_ROSE,
    VALIDATIONS,
)
from llmtrain_exporter.knowledge.signals.reward import SPREADLESS
from llmtrain_exporter.model import Series


class RewardsPart(Rule):
    """One reward function rises from block to block, and another falls."""

    __slots__ = ()

    signal = REWARDS_PART

    def look_back(self, view: RecordView) -> Readings:
        """The rank correlation of the two that part most; the value is that of the one that falls."""
        unusual = [
            function
            for function, level in view.levels.items()
            if function.metric is c.REWARD_FUNCTION_MEAN and TRAIN in function.labels
            if not _is_usual(view.mean(function, BLOCK), level)
        ]
        if len(unusual) < 2:  # one that rises, and one that falls
            yield None
            return
        moved = {function: _moved(view.recent(function, PAID_RECORDS)) for function in unusual}
        rises = [(function, way) for function, way in moved.items() if way >= PART_SIGMAS_EACH]
        falls = [(function, way) for function, way in moved.items() if way <= -PART_SIGMAS_EACH]
        readings = [
            _parted(view, up, down)
            for (up, rise), (down, fall) in product(rises, falls)
            if rise - fall >= PART_SIGMAS
        ]
        yield min(readings, key=lambda reading: reading.score, default=None)


def _is_usual(now: float, level: Level) -> bool:
    """Whether the mean of a block is so near to the level that it need not be looked at."""
    return abs(now - level.median) < PART_SIGMAS_EACH * level.sigma(SPREADLESS) / math.sqrt(BLOCK)


def _moved(values: Sequence[float]) -> float:
    """By how many standard deviations a reward function has risen or fallen; 0 where that is too little."""
    if len(values) < PART_BLOCKS * BLOCK:
        return 0.0
    before, now = values[: -(PART_BLOCKS - 1) * BLOCK], values[-BLOCK:]
    first, last = mean(before), mean(now)
    if not first > 0 or PART_FALL * first < last < PART_RISE * first:
        return 0.0
    noise = mean([(later - earlier) ** 2 for earlier, later in pairwise(values)]) / 2
    return (last - first) / max(math.sqrt(noise / len(before) + noise / len(now)), SPREADLESS)


def _parted(view: RecordView, up: Series, down: Series) -> SignalReading:
    pairs = view.pairs(up, down, PAID_RECORDS)
    falling = [value for _, value in pairs]
    score = rank_correlation([value for value, _ in pairs], falling)
    first, last = (mean(part) if part else math.nan for part in (falling[:-BLOCK], falling[-BLOCK:]))
    return SignalReading(score, last, down, baseline=first)


class LengthPays(Rule):
    """Length and reward rise together, and length by a good share."""

    __slots__ = ()

    signal = LENGTH_PAYS
    compared = (LENGTH, REWARD)

    def look_back(self, view: RecordView) -> Readings:
        """Their rank correlation, once completions have become that much longer."""
        level = view.levels.get(LENGTH)
        grown = level is not None and not view.mean(LENGTH, BLOCK) < PAID_GROWTH * level.low
        yield _together(view) if grown else None


def _together(view: RecordView) -> SignalReading | None:
    pairs = view.pairs(LENGTH, REWARD, PAID_RECORDS)
    if len(pairs) < PAID_FEWEST:
        return None
    lengths, rewards = zip(*pairs, strict=True)
    before, now = mean(lengths[:BLOCK]), mean(lengths[-BLOCK:])
    if now < PAID_GROWTH * before:
        return None
    return SignalReading(rank_correlation(lengths, rewards), now, LENGTH, baseline=before)


class ValidationParts(Rule):
    """The reward of the evaluations falls from one to the next, while that of training rises."""

    __slots__ = ("_scores",)

    signal = VALIDATION_PARTS
    compared = (REWARD,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been evaluated yet."""
        self._scores: deque[tuple[float, float]] = deque(maxlen=VALIDATIONS)  # evaluation, training

    def evaluate(self, view: RecordView) -> Readings:
        """The share of the score that is left."""
        score, recent = view.record.get(c.REWARD), view.recent(REWARD, VALIDATED_BESIDE)
        if score is None or not recent or not math.isfinite(score):
            return
        self._scores.append((score, mean(recent)))
        first, trained = self._scores[0]
        if len(self._scores) < VALIDATIONS or first <= 0:
            return
        falls = all(later < earlier for (earlier, _), (later, _) in pairwise(self._scores))
        rose = mean(recent) >= VALIDATION_ROSE * trained
        left = score / first if falls and rose and trained > 0 else 1.0
        yield SignalReading(left, score, EVAL_REWARD, unit=first, baseline=first)


RULES = (RewardsPart, LengthPays, ValidationParts)
