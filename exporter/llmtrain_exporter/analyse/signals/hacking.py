"""A reward that is bought: with another reward function, with length, or at the cost of validation."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from llmtrain_exporter.analyse.averages import mean
from llmtrain_exporter.analyse.lately import Lately
from llmtrain_exporter.analyse.ranks import rank_correlation
from llmtrain_exporter.analyse.signals.rule import (
    EVAL_REWARD,
    LENGTH,
    REWARD,
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
    PAID_BY_STYLE,
    PAID_BY_SUBSTANCE,
    PAID_FEWEST,
    PAID_GROWTH,
    PAID_RECORDS,
    PART_BEFORE,
    PART_BEFORE_FEWEST,
    PART_BEGUN,
    PART_FALL,
    PART_FALL_ALONE,
    PART_HELD,
    PART_LASTS,
    PART_RISE,
    PART_RISE_SIGMAS,
    REWARDS_PART,
    VALIDATED_BESIDE,
    VALIDATION_PARTS,
    VALIDATION_ROSE,
    VALIDATIONS,
    rewards_right_answers,
)
from llmtrain_exporter.knowledge.signals.reward import SPREADLESS
from llmtrain_exporter.model import Series


@dataclass(slots=True)
class Movement:
    """A reward function's level and noise before the last block, and its last records since."""

    before: float
    noise: float  # variance of a record
    known: int  # records that `before` is the mean of
    recent: Lately[float]

    @property
    def share(self) -> float:
        """Of its level before, that its last records have."""
        return mean(self.recent) / self.before

    @property
    def sigmas(self) -> float:
        """By which it has risen; below 0: fallen."""
        error = math.sqrt(self.noise / len(self.recent) + self.noise / self.known)
        return (mean(self.recent) - self.before) / max(error, SPREADLESS)


class RewardsPart(Rule):
    """One reward function falls, and another rises or holds.

    A block of records shows that one is lower than before. Then each record is weighed: by how many standard
    deviations the mean of the last ones lies below, and that of another above.
    """

    __slots__ = ("_blocks", "_moving", "_parted", "_usual")

    signal = REWARDS_PART
    watched_metric = c.REWARD_FUNCTION_MEAN

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has moved yet."""
        self._moving: dict[Series, Movement] = {}
        self._usual: dict[Series, array[float]] = {}  # means of the last blocks of a function
        self._parted = False  # at the last record
        self._blocks = 0  # since they parted

    def pending(self) -> bool:
        """While a function is lower than before."""
        return bool(self._moving)

    def doubts(self) -> bool:
        """That one falls slowly has to show in its level, where other signals look for more."""
        return False

    def look_back(self, view: RecordView) -> Readings:
        """Follow all functions if the last block of one of them is lower than before."""
        functions = view.levelled(c.REWARD_FUNCTION_MEAN)
        low = [function for function in functions if self._is_low(view, function)]
        self._blocks = self._blocks + 1 if self._parted else 0
        if self._blocks in range(1, PART_LASTS):
            return ()
        self._moving, self._parted = {}, False
        if low and len(functions) > 1:
            moved = {function: _moved(view.recent(function, PART_BEFORE)) for function in functions}
            self._moving = {function: movement for function, movement in moved.items() if movement}
        return ()

    def _is_low(self, view: RecordView, function: Series) -> bool:
        """Whether the mean of the last block is so far below that of many that it has to be looked at."""
        now = view.mean(function, BLOCK)
        if now != now:
            known = view.recent(function, BLOCK)
            if not known:
                return False
            now = mean(known)
        usual = self._usual.setdefault(function, array("d"))
        usual.append(now)
        del usual[: -(PART_BEFORE // BLOCK)]
        total = sum(usual)
        return total > 0 and now <= PART_BEGUN * total / len(usual)

    def read(self, view: RecordView) -> SignalReading | None:
        """By how many standard deviations the two that part most do so; the value is that of the lower."""
        if not self._moving:
            return None
        for function, movement in self._moving.items():
            value = view.values.get(function, math.nan)
            if value == value:
                movement.recent.note(value)
        reading = max(self._readings(), key=self._badness, default=None)
        self._parted = reading is not None and self.meets(reading)
        return reading

    def _badness(self, reading: SignalReading) -> tuple[bool, float, float]:
        """What is bought goes before what is a trade."""
        return self.meets(reading), reading.size, reading.score

    def _readings(self) -> Iterator[SignalReading]:
        ways = {function: (movement.share, movement.sigmas) for function, movement in self._moving.items()}
        risen = max((sigmas for share, sigmas in ways.values() if share >= PART_RISE), default=0.0)
        right = any(share >= PART_RISE and _is_right(function) for function, (share, _) in ways.items())
        holds = any(share >= PART_HELD for share, _ in ways.values())
        for function, (share, sigmas) in ways.items():
            rise = min(risen, PART_RISE_SIGMAS) if share <= PART_FALL else 0.0
            least = PART_FALL if rise > 0 else PART_FALL_ALONE
            if share <= least and (rise > 0 or holds):
                before = self._moving[function].before
                value, limit = share * before, least * before
                paid = PAID_BY_STYLE if right and not _is_right(function) else PAID_BY_SUBSTANCE
                yield SignalReading(rise - sigmas, value, function, paid, baseline=before, limit=limit)


def _is_right(function: Series) -> bool:
    return rewards_right_answers(dict(function.labels).get("function", ""))


def _moved(values: Sequence[float]) -> Movement | None:
    """How a function has moved with the last block; None where it is not known for long, or earns nothing."""
    before = values[:-BLOCK]
    if len(before) < PART_BEFORE_FEWEST or mean(before) <= SPREADLESS:
        return None
    noise = mean([(later - earlier) ** 2 for earlier, later in pairwise(values)]) / 2
    return Movement(mean(before), noise, len(before), Lately(BLOCK, values))


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
    """The reward of the evaluations falls from one to the next, while that of training rises.

    From then on until it is near what it was before, whatever it does in between.
    """

    __slots__ = ("_before", "_scores")

    signal = VALIDATION_PARTS
    compared = (REWARD,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reset()

    def reset(self) -> None:
        """Nothing has been evaluated yet."""
        self._scores: Lately[tuple[float, float]] = Lately(VALIDATIONS)  # evaluation, training
        self._before: float | None = None  # score from which it fell

    def evaluate(self, view: RecordView) -> Readings:
        """The share of the score that is left."""
        score, recent = view.record.get(c.REWARD), view.recent(REWARD, VALIDATED_BESIDE)
        if score is None or not recent or not math.isfinite(score):
            return
        self._scores.note((score, mean(recent)))
        before = self._parted_from() if self._before is None else self._before
        if before is None:
            return
        left = score / before
        self._before = before if left <= self.first.limit else None
        yield SignalReading(left, score, EVAL_REWARD, unit=before, baseline=before)

    def _parted_from(self) -> float | None:
        """The first of the last scores, where they fall and training's rise."""
        first, trained = self._scores[0]
        if len(self._scores) < VALIDATIONS or first <= 0 or trained <= 0:
            return None
        falls = all(later < earlier for (earlier, _), (later, _) in pairwise(self._scores))
        return first if falls and self._scores[-1][1] >= VALIDATION_ROSE * trained else None


RULES = (RewardsPart, LengthPays, ValidationParts)
