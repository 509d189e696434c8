"""What several metrics of a run say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llmtrain_exporter.analyse.diagnosis.case import (
    Case,
    end_value,
    highest,
    silent_since,
    smoothed,
)
from llmtrain_exporter.analyse.diagnosis.data_patterns import data_changed
from llmtrain_exporter.analyse.diagnosis.fit_patterns import (
    best_evaluation_last,
    chosen_falls,
    evaluated,
    evaluation_apart,
    evaluation_rose,
    gap_grows,
    loss_lost,
    nothing_trained,
    preference_reversed,
    preference_saturated,
    rate_useless,
)
from llmtrain_exporter.analyse.diagnosis.found import Found
from llmtrain_exporter.analyse.diagnosis.reward_patterns import (
    cut_from_start,
    cut_yet_rewarded,
    function_never,
    functions_part,
    no_reward_ever,
    no_spread,
    reward_constant,
    reward_lost,
    reward_near_best,
)
from llmtrain_exporter.analyse.ways_back import last_before
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import evidence_limits as limits
from llmtrain_exporter.knowledge.evidence import Pattern
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Episode, Health, Proof, State

_NO_MEANS = (c.LOSS, c.GRAD_NORM, c.REWARD_FUNCTION_MEAN)
"""What is no mean over the tokens that count."""


def well_again(case: Case) -> Found:
    """There was trouble, and the run has recovered from it by itself or was taken back."""
    run = case.run
    if run.health is Health.BROKEN or not case.serious or _reward_stays_lost(case):
        return None
    if run.incidents:
        return None if any(incident.active for incident in run.incidents) else ()
    return None if any(episode.active for episode in case.serious) or loss_lost(case) else ()


def _reward_stays_lost(case: Case) -> bool:
    """Whether the last records of the whole log are far below the best."""
    for key in case.series(c.REWARD):
        points = case.whole(key)
        best = highest(smoothed(points)).value if points else 0.0
        if best > limits.NOTHING and end_value(points) <= limits.LOST * best:
            return True
    return False


def in_trouble(case: Case) -> Found:
    """What a record shows speaks against the run up to its end."""
    lasts = [episode.active for episode in case.serious]
    lasts += [incident.active for incident in case.run.incidents]
    return () if any(lasts) else None


def ended(case: Case) -> Found:
    """The run is over, well or not."""
    return () if case.run.state in (State.FINISHED, State.FAILED) else None


def cut_off(case: Case) -> Found:
    """The run has been silent for so long that it was most likely ended, since that moment."""
    return silent_since(case) if case.silent and case.run.cut_off else None


def hidden_nan(case: Case) -> Found:
    """The loss is 0 at the end, where another watched value is not finite."""
    odd = any(episode.signal == "non_finite" for episode in case.serious)
    for key in case.series(c.LOSS) if odd else ():
        end = case.points(key)[-1:]
        if end and end[0].value == 0:
            return (Proof(key, end[0].step, end[0].step, None, 0.0),)
    return None


def steps_skipped(case: Case) -> Found:
    """Single gradients were no numbers while the losses beside them were, and later ones are numbers again.

    bf16 has no loss scaler that would skip such a step.
    """
    scaled = not case.run.hyper_parameters.numbers.get("bf16")
    odd = _passing(case) if scaled else ()
    over = (episode.metric.metric is c.GRAD_NORM and _numbers_follow(case, episode) for episode in odd)
    return () if odd and all(over) else None


def mean_of_nothing(case: Case) -> Found:
    """Statistics were no numbers, while losses and gradients always were."""
    odd = _passing(case)
    others = any(episode.metric.metric in _NO_MEANS for episode in odd)
    return () if odd and not others and case.series(c.GRAD_NORM) else None


def empty_batches(case: Case) -> Found:
    """Losses of exactly 0 came and went: weights that are no numbers do not come back."""
    odd = [episode for episode in case.serious if episode.signal == "non_finite"]
    zeros = all(episode.metric.metric is c.LOSS and episode.peak == 0 for episode in odd)
    over = not any(episode.active for episode in odd) and not case.run.resumes
    return () if odd and zeros and over else None


def function_undefined(case: Case) -> Found:
    """A reward function gave no number for long."""
    odd = (episode for episode in _passing(case) if episode.metric.metric is c.REWARD_FUNCTION_MEAN)
    return next((() for _ in odd), None)


def _passing(case: Case) -> Sequence[Episode]:
    """The episodes of values that are no numbers, where none of them has harmed the weights."""
    odd = [episode for episode in case.serious if episode.signal == "non_finite"]
    return () if any(episode.severity is Severity.CRITICAL for episode in odd) else odd


def _numbers_follow(case: Case, episode: Episode) -> bool:
    points = case.points(episode.metric)
    return bool(points) and points[-1].step > episode.last_step


def checkpoint_before(case: Case) -> Found:
    """A checkpoint lies there from before the trouble."""
    return () if last_good_checkpoint(case) is not None else None


def last_good_checkpoint(case: Case) -> int | None:
    """The step of the last checkpoint on disk from before the trouble began."""
    return None if case.onset is None else last_before(case.run, case.onset)


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
    Pattern.WELL_AGAIN: well_again,
    Pattern.IN_TROUBLE: in_trouble,
    Pattern.ENDED: ended,
    Pattern.CUT_OFF: cut_off,
    Pattern.EVALUATED: evaluated,
    Pattern.HIDDEN_NAN: hidden_nan,
    Pattern.STEPS_SKIPPED: steps_skipped,
    Pattern.MEAN_OF_NOTHING: mean_of_nothing,
    Pattern.EMPTY_BATCHES: empty_batches,
    Pattern.FUNCTION_UNDEFINED: function_undefined,
    Pattern.CHECKPOINT_BEFORE: checkpoint_before,
    Pattern.KL_PENALTY: kl_penalty,
    Pattern.RATE_DECAYS: rate_decays,
    Pattern.RATE_USELESS: rate_useless,
    Pattern.REWARD_CONSTANT: reward_constant,
    Pattern.NO_SPREAD: no_spread,
    Pattern.PREFERENCE_SATURATED: preference_saturated,
    Pattern.PREFERENCE_REVERSED: preference_reversed,
    Pattern.DATA_CHANGED: data_changed,
    Pattern.CHOSEN_FALLS: chosen_falls,
}
"""How each pattern is found."""
