"""What losses, evaluations, preferences and the learning rate say together."""

from __future__ import annotations

import math

from llmtrain_exporter.analyse.diagnosis.case import (
    Case,
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
from llmtrain_exporter.knowledge.profile import DPO, POLICIES
from llmtrain_exporter.model import Point, Proof, RowKind, Series


def loss_lost(case: Case) -> Found:
    """The loss is far above its best; in GRPO it says nothing."""
    for key in case.series(c.LOSS) if case.run.base not in POLICIES else ():
        end = case.stretch(key, When.END)
        if end is None:
            continue
        points = until(end, case.points(key))
        best = lowest([*points[:1], *smoothed(points)])
        if best.step < end.step and max(limits.LOSS_LOST * best.value, limits.LOSS_MATTERS) <= end.value:
            return (Proof(key, best.step, end.step, best.value, end.value),)
    return None


def nothing_trained(case: Case) -> Found:
    """The learning rate was 0 in all records."""
    for key in case.series(c.LEARNING_RATE):
        points = case.points(key)
        if points and all(point.value == 0 for point in points):
            return (Proof(key, points[0].step, points[-1].step, None, 0.0),)
    return None


def rate_useless(case: Case) -> Found:
    """The learning rate was always tiny, and the loss is where it began; in GRPO that says nothing."""
    rates = [points for key in case.series(c.LEARNING_RATE) if (points := case.points(key))]
    peak = max((highest(points).value for points in rates), default=0.0)
    if not 0 < peak <= limits.RATE_USELESS or case.run.base in POLICIES:
        return None
    for key in case.series(c.LOSS):
        start, end = case.stretch(key, When.START), case.stretch(key, When.END)
        if start is not None and end is not None and end.value >= limits.LOSS_UNMOVED * start.value > 0:
            return (Proof(key, start.step, end.step, start.value, end.value),)
    return None


def preference_saturated(case: Case) -> Found:
    """Margins are huge and the loss is as good as 0."""
    margin = _ends_within(case, c.PREFERENCE_MARGIN, low=limits.MARGIN_HUGE)
    loss = _ends_within(case, c.LOSS, high=limits.LOSS_NONE)
    return None if margin is None or loss is None else (margin, loss)


def preference_reversed(case: Case) -> Found:
    """In most pairs the rejected answer is the preferred one at the end, and by a margin."""
    right = _ends_within(case, c.PREFERENCE_ACCURACY, high=limits.PAIRS_REVERSED)
    margin = _ends_within(case, c.PREFERENCE_MARGIN, high=-limits.NOTHING)
    return None if right is None or margin is None else (right, margin)


def chosen_falls(case: Case) -> Found:
    """The chosen answers are far less likely than at the start, though the margin grows."""
    if _ends_within(case, c.PREFERENCE_MARGIN, low=0.0) is None:
        return None
    for key in case.series(c.PREFERENCE_REWARD):
        start, end = case.stretch(key, When.START), case.stretch(key, When.END)
        if start is not None and end is not None and end.value < min(limits.CHOSEN_FALLEN, start.value):
            return (Proof(key, start.step, end.step, start.value, end.value),)
    return None


def _ends_within(case: Case, metric: Metric, low: float = -math.inf, high: float = math.inf) -> Proof | None:
    for key in case.series(metric) if case.run.base == DPO else ():
        end = case.stretch(key, When.END)
        if end is not None and low <= end.value <= high:
            return Proof(key, end.first, end.last, None, end.value)
    return None


def best_evaluation_last(case: Case) -> Found:
    """The evaluation loss falls to the end of the log."""
    found = _evaluations(case)
    if found is None:
        return None
    key, points = found
    best, last = lowest(points), points[-1]
    risen = last.value >= limits.EVALUATION_ROSE * best.value
    if risen or last.value > limits.EVALUATION_FELL * points[0].value:
        return None
    return (Proof(key, points[0].step, last.step, points[0].value, last.value),)


def evaluation_apart(case: Case) -> Found:
    """The first evaluation loss is far above that of training before it."""
    found = _evaluations(case)
    if found is None:
        return None
    first = found[1][0]
    for key in case.series(c.LOSS):
        trained = [point for point in case.points(key) if point.step <= first.step][-limits.ENDS_MOST :]
        if trained and 0 < limits.EVALUATION_APART * typical(trained).value <= first.value:
            beside = typical(trained)
            return (
                Proof(found[0], first.step, first.step, None, first.value),
                Proof(key, beside.step, beside.step, None, beside.value),
            )
    return None


def gap_grows(case: Case) -> Found:
    """The training loss halves from the first evaluation to the last, and theirs hardly falls."""
    found = _evaluations(case)
    if found is None or len(found[1]) < 2:
        return None
    first, last = found[1][0], found[1][-1]
    for key in case.series(c.LOSS):
        trained = case.points(key)
        before = [point for point in trained if point.step <= first.step][-1:] or trained[:1]
        if (
            before
            and trained[-1].value <= limits.LOSS_HALVED * before[0].value
            and last.value > limits.EVALUATION_FELL * first.value
        ):
            loss = Proof(key, before[0].step, trained[-1].step, before[0].value, trained[-1].value)
            return (loss, Proof(found[0], first.step, last.step, first.value, last.value))
    return None


def evaluation_rose(case: Case) -> Found:
    """The evaluation loss ends clearly above its best."""
    found = _evaluations(case)
    if found is None:
        return None
    key, points = found
    best, last = lowest(points), points[-1]
    if last.step <= best.step or last.value < limits.EVALUATION_ROSE * best.value:
        return None
    return (Proof(key, best.step, last.step, best.value, last.value),)


def _evaluations(case: Case) -> tuple[Series, list[Point]] | None:
    for key in case.series(c.LOSS, "eval"):
        points = case.points(key)
        if points:
            return key, _without_reloaded(points)
    return None


def _without_reloaded(points: list[Point]) -> list[Point]:
    """Without the last one where the best model had been loaded again: it says nothing of what came after."""
    best = lowest(points[:-1] or points)
    return points[:-1] if len(points) > 1 and points[-1].value == best.value else points


def evaluated(case: Case) -> Found:
    """The run was evaluated."""
    return () if case.run.records.get(RowKind.EVAL) else None
