"""What several metrics of a run say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from llmtrain_exporter.analyse.diagnosis.case import (
    Case,
    Stretch,
    always,
    highest,
    lowest,
    smoothed,
    typical,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge.evidence import Pattern, When
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.reward import REWARD_FLAT
from llmtrain_exporter.model import Point, Proof, RowKind, Series, State

Found = Sequence[Proof] | None


def functions_part(case: Case) -> Found:
    """One reward function rises while another falls."""
    courses = [(key, case.points(key)) for key in case.series(c.REWARD_FUNCTION_MEAN)]
    moves = [(key, points) for key, points in courses if len(points) > 1]
    falls = [fall for key, points in moves if (fall := _fall(key, points)) is not None]
    for fall in falls:
        since, until = fall.from_step or 0, fall.to_step or 0
        rises = (_rise(key, points, since, until) for key, points in moves if key is not fall.metric)
        rise = next((found for found in rises if found is not None), None)
        if rise is not None:
            return (rise, fall)
    return None


def _fall(key: Series, logged: Sequence[Point]) -> Proof | None:
    """From the highest to the lowest level after it, where it stays."""
    points = smoothed(logged)
    top = max(range(len(points)), key=lambda at: points[at].value)
    best, worst = points[top], lowest(points[top:])
    lost = best.value - worst.value
    if best.value <= limits.NOTHING or worst.value > limits.PARTED_FALL * best.value:
        return None
    lasts = _end(logged) <= (best.value + worst.value) / 2
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
    lasts = _end(logged) >= (low.value + high.value) / 2
    if not (risen and lasts) or high.value - low.value <= _noise(logged):
        return None
    return Proof(key, low.step, high.step, low.value, high.value)


def _end(points: Sequence[Point]) -> float:
    return typical(points[-limits.ENDS_MOST :]).value


def _noise(points: Sequence[Point]) -> float:
    """More than a series changes by chance: several times what it mostly does from one record to the next."""
    return limits.PARTED_NOISE * median(abs(later.value - one.value) for one, later in pairwise(points))


def cut_yet_rewarded(case: Case) -> Found:
    """Completions run into the limit, and the reward stays where it was."""
    cut = _move(case, c.COMPLETION_CLIPPED)
    reward = _move(case, c.REWARD)
    if cut is None or reward is None or cut.before is None or reward.before is None:
        return None
    held = reward.before > limits.NOTHING and reward.at >= limits.REWARD_HELD * reward.before
    return (cut, reward) if cut.at >= cut.before + limits.CUT_MORE and held else None


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


def loss_lost(case: Case) -> Found:
    """The loss is far above its best; in GRPO it says nothing."""
    for key in case.series(c.LOSS) if case.run.base not in POLICIES else ():
        end = case.stretch(key, When.END)
        if end is None:
            continue
        points = _until(end, case.points(key))
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
            return key, highest(smoothed(_until(end, case.points(key)))), end
    return None


def _until(end: Stretch, points: Sequence[Point]) -> Sequence[Point]:
    """What comes after a stretch is not what was before it."""
    return [point for point in points if point.step <= end.last]


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


def ended(case: Case) -> Found:
    """The run is over, well or not."""
    return () if case.run.state in (State.FINISHED, State.FAILED) else None


def hidden_nan(case: Case) -> Found:
    """The loss is 0 at the end, where another watched value is not finite."""
    odd = any(episode.signal == "non_finite" for episode in case.serious)
    for key in case.series(c.LOSS) if odd else ():
        end = case.points(key)[-1:]
        if end and end[0].value == 0:
            return (Proof(key, end[0].step, end[0].step, None, 0.0),)
    return None


def checkpoint_before(case: Case) -> Found:
    """A checkpoint lies there from before the trouble."""
    return () if last_good_checkpoint(case) is not None else None


def last_good_checkpoint(case: Case) -> int | None:
    """The step of the last checkpoint on disk from before the trouble began."""
    onset = case.onset
    if onset is None or case.run.step_is_record:  # a record tells no step
        return None
    return max((step for step in case.run.checkpoints if step < onset), default=None)


def kl_penalty(case: Case) -> Found:
    """The loss has a KL term: the settings give it a weight, or a divergence is logged that is not 0."""
    beta = case.run.hyper_parameters.numbers.get("beta")
    if beta is not None:
        return () if beta > 0 else None
    points = [point for key in case.series(c.KL) for point in case.points(key)]
    return () if any(point.value > 0 for point in points) else None


def rate_decays(case: Case) -> Found:
    """The learning rate falls after its peak."""
    for key in case.series(c.LEARNING_RATE):
        peak, last = highest(case.points(key)), case.points(key)[-1]
        if last.step > peak.step and last.value <= limits.DECAYED * peak.value:
            return (Proof(key, peak.step, last.step, peak.value, last.value),)
    return None


PATTERNS: Mapping[Pattern, Callable[[Case], Found]] = {
    Pattern.FUNCTIONS_PART: functions_part,
    Pattern.CUT_YET_REWARDED: cut_yet_rewarded,
    Pattern.CUT_FROM_START: cut_from_start,
    Pattern.FUNCTION_NEVER: function_never,
    Pattern.REWARD_NEAR_BEST: reward_near_best,
    Pattern.REWARD_LOST: reward_lost,
    Pattern.LOSS_LOST: loss_lost,
    Pattern.NOTHING_TRAINED: nothing_trained,
    Pattern.NO_REWARD_EVER: no_reward_ever,
    Pattern.BEST_EVALUATION_LAST: best_evaluation_last,
    Pattern.EVALUATION_ROSE: evaluation_rose,
    Pattern.GAP_GROWS: gap_grows,
    Pattern.EVALUATION_APART: evaluation_apart,
    Pattern.ENDED: ended,
    Pattern.EVALUATED: evaluated,
    Pattern.HIDDEN_NAN: hidden_nan,
    Pattern.CHECKPOINT_BEFORE: checkpoint_before,
    Pattern.KL_PENALTY: kl_penalty,
    Pattern.RATE_DECAYS: rate_decays,
}
"""How each pattern is found."""
