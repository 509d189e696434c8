"""What rewards and the lengths of completions say together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.analyse.diagnosis.case import (
    Case,
    Stretch,
    always,
    end_value,
    highest,
    lowest,
    smoothed,
    typical,
    until,
)
from llmtrain_exporter.analyse.diagnosis.found import Found
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge.evidence import When
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.hacking import rewards_right_answers
from llmtrain_exporter.knowledge.signals.reward import REWARD_FLAT
from llmtrain_exporter.model import Point, Proof, Series


def functions_part(case: Case) -> Found:
    """One reward function rises while another falls."""
    courses = [(key, case.points(key)) for key in case.series(c.REWARD_FUNCTION_MEAN)]
    moves = [(key, points) for key, points in courses if len(points) > 1]
    falls = [fall for key, points in moves if (fall := _fall(key, points)) is not None]
    for fall in falls:
        since, until = fall.from_step or 0, fall.to_step or 0
        risen = ((key, points) for key, points in moves if not _is_trade(key, fall.metric))
        rises = (_rise(key, points, since, until) for key, points in risen if key is not fall.metric)
        rise = next((found for found in rises if found is not None), None)
        if rise is not None:
            return (rise, fall)
    return None


def _is_trade(rises: Series, falls: Series | str) -> bool:
    """Whether right answers are paid for by something else, as by longer ones: mostly that was meant."""
    return _is_right(rises) and not (isinstance(falls, Series) and _is_right(falls))


def _is_right(function: Series) -> bool:
    return rewards_right_answers(dict(function.labels).get("function", ""))


def _fall(key: Series, logged: Sequence[Point]) -> Proof | None:
    """From the highest to the lowest level after it, where it stays."""
    points = smoothed(logged)
    top = max(range(len(points)), key=lambda at: points[at].value)
    best, worst = points[top], lowest(points[top:])
    lost = best.value - worst.value
    if best.value <= limits.NOTHING or worst.value > limits.PARTED_FALL * best.value:
        return None
    lasts = end_value(logged) <= (best.value + worst.value) / 2
    if not lasts or lost <= _noise(logged):
        return None
    return Proof(key, best.step, worst.step, best.value, worst.value)


def _rise(key: Series, logged: Sequence[Point], since: int, until: int) -> Proof | None:
    """Of a function that is higher than ever when or after another has fallen, and stays there."""
    points = smoothed(logged)
    before = [point for point in points if point.step <= since] or list(points[:1])
    after = [point for point in points if point.step >= until] or list(points[-1:])
    low, high = before[-1], highest(after)
    known = highest(before).value
    risen = high.value >= max(limits.PARTED_RISE * known, low.value + limits.NOTHING)
    lasts = end_value(logged) >= (low.value + high.value) / 2
    if not (risen and lasts) or high.value - low.value <= _noise(logged):
        return None
    return Proof(key, low.step, high.step, low.value, high.value)


def _noise(points: Sequence[Point]) -> float:
    """More than a series changes by chance: several times what it mostly does from one record to the next."""
    return limits.PARTED_NOISE * _usual_change(points)


def _usual_change(points: Sequence[Point]) -> float:
    return median(abs(later.value - one.value) for one, later in pairwise(points)) if len(points) > 1 else 0.0


def cut_yet_rewarded(case: Case) -> Found:
    """Completions run into the limit to the end of the log, and the reward rises with it beyond its noise."""
    if case.recovered is not None:
        return None
    cut = _move(case, c.COMPLETION_CLIPPED)
    reward = _move(case, c.REWARD)
    if cut is None or reward is None or cut.before is None or reward.before is None:
        return None
    risen = reward.before > limits.NOTHING and reward.at >= _clearly_more(case, reward.before)
    return (cut, reward) if cut.at >= cut.before + limits.CUT_MORE and risen else None


def _clearly_more(case: Case, before: float) -> float:
    usual = max((_usual_change(case.points(key)) for key in case.series(c.REWARD)), default=0.0)
    return max(limits.REWARD_RISEN * before, before + usual)


def _move(case: Case, metric: Metric) -> Proof | None:
    """From the level before the trouble to that at the end."""
    for key in case.series(metric):
        before, end = case.stretch(key, When.BEFORE), case.stretch(key, When.END)
        if before is not None and end is not None:
            return Proof(key, before.step, end.step, before.value, end.value)
    return None


def reward_near_best(case: Case) -> Found:
    """The reward is as good as it ever was, and good."""
    found = _best_and_end(case)
    if found is None:
        return None
    key, best, end = found
    if end.value < limits.GOOD or end.value < limits.NEAR_BEST * best.value or _partly_poor(case):
        return None
    return (Proof(key, end.first, end.last, None, end.value),)


def all_right(case: Case) -> Found:
    """Rewards have no spread, and that is good news: all completions are right."""
    found = (e for e in case.run.episodes if e.signal == REWARD_FLAT.name and e.severity is Severity.INFO)
    return tuple(Proof(e.metric, e.peak_step, e.peak_step, None, e.peak) for e in found) or None


def _partly_poor(case: Case) -> bool:
    """Whether a reward function that ever gave something gives little at the end."""
    for key in case.series(c.REWARD_FUNCTION_MEAN):
        end = case.stretch(key, When.END)
        known = any(point.value > limits.NOTHING for point in case.points(key))
        if known and end is not None and end.value < limits.GOOD:
            return True
    return False


def function_never(case: Case) -> Found:
    """A reward function gave 0 to all completions, while another gave something."""
    courses = {key: case.points(key) for key in case.series(c.REWARD_FUNCTION_MEAN)}
    never = [key for key, points in courses.items() if points and all(point.value == 0 for point in points)]
    if not never or len(never) == len(courses):
        return None
    points = courses[never[0]]
    return (Proof(never[0], points[0].step, points[-1].step, None, 0.0),)


def cut_from_start(case: Case) -> Found:
    """Most completions are cut off in the first records; where that is not logged, all are at the limit."""
    for key in case.series(c.COMPLETION_CLIPPED):
        cut = case.stretch(key, When.START)
        if cut is not None:
            much = cut.value >= limits.CUT_AT_FIRST
            return (Proof(key, cut.first, cut.last, None, cut.value),) if much else None
    limit = case.run.hyper_parameters.numbers.get("max_completion_length")
    for key in case.series(c.COMPLETION_LENGTH):
        start = case.stretch(key, When.START)
        if limit is not None and start is not None and start.value >= limits.AT_LIMIT * limit:
            return (Proof(key, start.first, start.last, None, start.value),)
    return None


def reward_lost(case: Case) -> Found:
    """The reward is far below its best."""
    found = _best_and_end(case)
    if found is None:
        return None
    key, best, end = found
    if best.value <= limits.NOTHING or end.value > limits.LOST * best.value:
        return None
    return (Proof(key, best.step, end.step, best.value, end.value),)


def reward_constant(case: Case) -> Found:
    """All completions earn exactly the same, from the first record to the last, and that is not 0."""
    for key in case.series(c.REWARD):
        points = case.points(key)
        lies = (highest(points).value - lowest(points).value) if points else 0.0
        many = len(points) >= limits.SMOOTHED
        if many and lies <= limits.SAME_REWARD < abs(points[0].value) and not _spread(case):
            return (Proof(key, points[0].step, points[-1].step, None, points[0].value),)
    return None


def no_spread(case: Case) -> Found:
    """Most groups have no spread at the end; where that is not logged, the rewards have none at all."""
    for key in case.series(c.REWARD_ZERO_STD):
        alike = case.stretch(key, When.END)
        if alike is not None:
            much = alike.value >= limits.ALL_ALIKE
            return (Proof(key, alike.first, alike.last, None, alike.value),) if much else None
    for key in case.series(c.REWARD_STD):
        spread = case.stretch(key, When.END)
        if spread is not None and spread.value <= limits.SAME_REWARD:
            return (Proof(key, spread.first, spread.last, None, spread.value),)
    return None


def no_reward_ever(case: Case) -> Found:
    """No completion earned anything, from the first record to the last."""
    for key in case.series(c.REWARD):
        points = case.points(key)
        if points and always(points, -limits.NOTHING, limits.NOTHING) and not _spread(case):
            return (Proof(key, points[0].step, points[-1].step, None, typical(points).value),)
    return None


def _spread(case: Case) -> bool:
    """Whether any two completions were ever rewarded differently."""
    points = [point for key in case.series(c.REWARD_STD) for point in case.points(key)]
    return any(point.value > limits.NOTHING for point in points)


def _best_and_end(case: Case) -> tuple[Series, Point, Stretch] | None:
    """The reward where it was highest for more than a record, and at the end."""
    for key in case.series(c.REWARD):
        end = case.stretch(key, When.END)
        if end is not None:
            return key, highest(smoothed(until(end, case.points(key)))), end
    return None
