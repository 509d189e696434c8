"""The questions of the checklists, answered by what is known of a run; the same for every medium.

They are asked whenever a run is published. So what the answers depend on is gathered first, which takes a few
microseconds, and runs of which the same is known, most of a fleet, share one set of answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from llmtrain_exporter.analyse.signals.rule import EVAL_LOSS
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.answer import VALUES, Answer, Ground
from llmtrain_exporter.knowledge.checklists import ANSWERED, ASKED_OF, Check
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.own_level import LOSS_FALLEN, MATURE
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.fit import EVALUATION_AT_BEST, OVERFIT
from llmtrain_exporter.knowledge.signals.non_finite import NON_FINITE
from llmtrain_exporter.model import (
    CheckAnswer,
    Episode,
    Health,
    RowKind,
    Series,
    Snapshot,
    State,
    series,
)

KNOWN_KEPT = 1024
"""Different states of runs whose answers are remembered."""

_ENDED = (State.FINISHED, State.FAILED)
_MOST_RECORDS = max(check.records for check in ANSWERED)
_MOST_EVALUATIONS = max(check.evaluations for check in ANSWERED)


class Known(NamedTuple):
    """All that the answers depend on. Counts of records stop at the most that any check wants."""

    train: int
    evaluations: int
    active: frozenset[str]  # signals
    seen: frozenset[str]
    limited: frozenset[str]  # those that the profile has
    logged: frozenset[Series]  # of the series that checks look at
    verdict: Health
    health: Health
    ended: bool
    weights_lost: bool
    risen: bool  # the loss, above what it was at first
    gap_alone: bool  # evaluation is behind training and at its best


def is_asked(run: Snapshot) -> bool:
    """Whether the checklists are for a run of this kind."""
    return run.base in ASKED_OF


def check_answers(run: Snapshot) -> tuple[CheckAnswer, ...]:
    """The answer to every check that is answered yes or no, in their order. Needs the run's samples.

    There is no yes beside a signal of the check that is active; of a kind of training that the checklists are
    not for, much is not known.
    """
    answers = zip(ANSWERED, _answers(_known(run)), strict=True)
    return tuple(_with_episodes(check, answer, ground, run) for check, (answer, ground) in answers)


def check_samples(run: Snapshot) -> Mapping[Series, float]:
    """The answers as they are exposed; none of a run that the checklists are not for."""
    return _exposed(_known(run)) if is_asked(run) else {}


def weights_lost(run: Snapshot) -> Episode | None:
    """The episode of values that are no numbers, where it lasts: other values mean nothing any more.

    None where such a value may pass: a single gradient that a loss scaler skips, a mean of no tokens.
    """
    found = (episode for episode in run.episodes if episode.signal == NON_FINITE.name and episode.active)
    return next((episode for episode in found if episode.severity is Severity.CRITICAL), None)


def _with_episodes(check: Check, answer: Answer, ground: Ground, run: Snapshot) -> CheckAnswer:
    if ground is not Ground.SIGNALS:
        return CheckAnswer(check.id, answer, ground)
    against = (episode for episode in run.episodes if episode.signal in check.signals)
    return CheckAnswer(check.id, answer, ground, tuple(against))


def _known(run: Snapshot) -> Known:
    active = frozenset([episode.signal for episode in run.episodes if episode.active])
    return Known(
        train=min(run.records.get(RowKind.TRAIN, 0), _MOST_RECORDS),
        evaluations=min(run.records.get(RowKind.EVAL, 0), _MOST_EVALUATIONS),
        active=active,
        seen=frozenset([episode.signal for episode in run.episodes]),
        limited=frozenset(run.limits),
        logged=frozenset([key for key in _looked_at() if key in run.samples]),
        verdict=run.verdict,
        health=run.health,
        ended=run.state in _ENDED,
        weights_lost=weights_lost(run) is not None,
        risen=_has_risen(run),
        gap_alone=OVERFIT.name in active and is_at_best(run),
    )


def is_at_best(run: Snapshot) -> bool:
    """Whether the last evaluation loss is the lowest, but for chance: the model still learns the task."""
    last = run.samples.get(EVAL_LOSS)
    return run.best is not None and last is not None and last <= EVALUATION_AT_BEST * run.best[0]


def usual_loss(run: Snapshot) -> float | None:
    """The loss of the last records, as the run's own level tells it."""
    return run.samples.get(_usual())


def _has_risen(run: Snapshot) -> bool:
    """In other kinds of training the loss need not fall."""
    early, usual = run.early_loss, usual_loss(run)
    if early is None or usual is None or not is_asked(run):
        return False
    return run.records.get(RowKind.TRAIN, 0) >= MATURE and usual * LOSS_FALLEN > early


@cache
def _usual() -> Series:
    return series(m.BASELINE, (m.BASELINE.label, "loss"))


@lru_cache(KNOWN_KEPT)
def _answers(known: Known) -> tuple[tuple[Answer, Ground], ...]:
    return tuple(_answer(check, known) for check in ANSWERED)


@lru_cache(KNOWN_KEPT)
def _exposed(known: Known) -> Mapping[Series, float]:
    """By series; nobody may change it."""
    return {
        series(m.RUN_CHECK, (m.RUN_CHECK.label, check.id)): VALUES[answer]
        for check, (answer, _) in zip(ANSWERED, _answers(known), strict=True)
    }


def _answer(check: Check, known: Known) -> tuple[Answer, Ground]:
    if known.train < check.records or known.evaluations < check.evaluations:
        return Answer.NOT_KNOWN, Ground.TOO_FEW
    if c.RUN_HEALTH in check.metrics:
        return _by_health(known)
    harmless = {OVERFIT.name} if known.gap_alone and not check.of_gap else set()
    if not (known.active - harmless).isdisjoint(check.signals):
        return Answer.NO, Ground.SIGNALS
    if check.ahead and known.verdict is Health.BROKEN:
        return Answer.NO, Ground.VERDICT
    hidden_by = _hidden_by(check, known)
    if hidden_by is not None:
        return Answer.NOT_KNOWN, hidden_by
    return _by_what_came(check, known)


def _by_what_came(check: Check, known: Known) -> tuple[Answer, Ground]:
    """Where nothing hides what there is to see, and no signal is active."""
    if check.falls and known.risen:
        return Answer.NO, Ground.RISEN
    if not known.seen.isdisjoint(check.signals):
        return Answer.NOT_ALWAYS, Ground.SIGNALS
    if not known.limited.issuperset(check.signals):
        return Answer.NOT_KNOWN, Ground.NO_LIMITS
    return Answer.YES, Ground.QUIET


def _by_health(known: Known) -> tuple[Answer, Ground]:
    """The run as a whole; silence alone makes its health worse than the verdict on its records."""
    if known.health.value > known.verdict.value:
        return Answer.NO, Ground.STALLED
    if known.verdict is Health.UNKNOWN:
        return Answer.NOT_KNOWN, Ground.NOT_LOGGED
    if known.health is not Health.HEALTHY or known.verdict is Health.BROKEN:
        return Answer.NO, Ground.VERDICT
    return (Answer.YES if known.verdict is Health.HEALTHY else Answer.NOT_ALWAYS), Ground.VERDICT


def _hidden_by(check: Check, known: Known) -> Ground | None:
    """Why a check cannot be answered that no signal answers."""
    if known.logged.isdisjoint(_logged_as(check.metrics, check.split)):
        return Ground.NOT_LOGGED
    if check.of_weights and known.weights_lost:
        return Ground.WEIGHTS_LOST
    return Ground.ENDED if check.ahead and known.ended else None


@cache
def _looked_at() -> frozenset[Series]:
    return frozenset(key for check in ANSWERED for key in _logged_as(check.metrics, check.split))


@cache
def _logged_as(metrics: tuple[Metric, ...], split: str) -> tuple[Series, ...]:
    """The series of metrics that a split has, of those with several parts the mean."""
    return tuple(
        series(
            metric,
            *([(metric.label, "mean")] if metric.label else []),
            *([("split", split)] if metric.split else []),
        )
        for metric in metrics
    )
