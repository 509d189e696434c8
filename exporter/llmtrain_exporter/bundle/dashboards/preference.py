"""One run that learns from pairs of answers: DPO and its kin, reward models."""

from __future__ import annotations

from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards import run_panels as run
from llmtrain_exporter.bundle.dashboards.board import GREEN, RED, Board, Curves, Look, Query, Row
from llmtrain_exporter.bundle.dashboards.descriptions import described
from llmtrain_exporter.bundle.dashboards.further import further
from llmtrain_exporter.bundle.dashboards.over_steps import by_step
from llmtrain_exporter.bundle.dashboards.queries import (
    baseline,
    baseline_line,
    evaluation,
    limit_line,
    limit_lines,
    own_limit_line,
    recorded,
    train,
)
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge import dashboard_words_fleet as words
from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Group, Metric
from llmtrain_exporter.knowledge.signal import Severity

_P = profile.DPO
_WARNING = Severity.WARNING
_LN_2 = MEANINGS[c.LOSS].healthy[_P].high
_GUESSING = MEANINGS[c.PREFERENCE_ACCURACY].healthy[_P].low
_SEEN_AT_EVALUATIONS = (
    ("custom.lineInterpolation", "stepAfter"),
    ("custom.lineStyle", {"fill": "dash", "dash": [10, 4]}),
)


def _sides(metric: Metric, key: str) -> tuple[Query, ...]:
    """Both sides of the pairs, in training and in evaluation."""
    colours = {"chosen": GREEN, "rejected": RED}
    training = (
        Query(train(metric, f'side="{side}"'), f"{key}/{side}", colour=colour)
        for side, colour in colours.items()
    )
    evaluations = (
        Query(
            evaluation(metric, f'side="{side}"'),
            f"eval_{key}/{side}",
            colour=colour,
            properties=_SEEN_AT_EVALUATIONS,
        )
        for side, colour in colours.items()
    )
    return (*training, *evaluations)


def _both(metric: Metric, key: str) -> tuple[Query, Query]:
    return Query(train(metric), key, Look.TRAIN), Query(evaluation(metric), f"eval_{key}", Look.EVAL)


_EVERY_STEP = Row(
    texts.EVERY_STEP,
    (
        by_step(words.MARGIN, c.PREFERENCE_MARGIN, _P),
        by_step(words.PAIR_ACCURACY, c.PREFERENCE_ACCURACY, _P, unit="percentunit"),
        by_step(texts.TRAIN_EVAL_LOSS, c.LOSS, _P),
    ),
)

_PAIRS = Row(
    words.PAIRS,
    (
        Curves(
            words.PREFERENCE_REWARDS,
            described(c.PREFERENCE_REWARD, _P),
            _sides(c.PREFERENCE_REWARD, "rewards"),
            height=9,
            nothing=texts.NOT_LOGGED,
        ),
        Curves(
            words.MARGIN,
            described(c.PREFERENCE_MARGIN, _P),
            _both(c.PREFERENCE_MARGIN, "rewards/margins"),
            height=9,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
        Curves(
            words.PAIR_ACCURACY,
            described(c.PREFERENCE_ACCURACY, _P),
            (
                *_both(c.PREFERENCE_ACCURACY, "rewards/accuracies"),
                Query(f"vector({_GUESSING})", words.GUESSING, Look.WARNING),
            ),
            "percentunit",
            height=9,
            nothing=texts.NOT_LOGGED,
            low=0,
            high=1,
        ),
        Curves(
            words.LOG_PROBABILITIES,
            described(c.LOGPS, _P),
            _sides(c.LOGPS, "logps"),
            height=9,
            nothing=texts.NOT_LOGGED,
        ),
    ),
)

_FIT = Row(
    words.FIT,
    (
        Curves(
            texts.TRAIN_EVAL_LOSS,
            described(c.LOSS, _P),
            (
                *_both(c.LOSS, "loss"),
                Query(f"vector({_LN_2})", words.STARTS_AT, Look.INFO),
            ),
            "none",
            height=9,
            soft=(0, None),
        ),
        Curves(
            texts.LOSS_RATIO,
            described(c.EVAL_TRAIN_LOSS, _P),
            (
                Query(recorded(c.EVAL_TRAIN_LOSS), "eval_loss / loss", Look.EVAL),
                limit_line("overfit", _WARNING),
            ),
            "none",
            height=9,
            nothing=texts.NO_EVALUATION,
            soft=(0, None),
        ),
        Curves(
            texts.GRAD_NORM,
            described(c.GRAD_NORM, _P),
            (
                Query(recorded(c.GRAD_NORM), "grad_norm", Look.TRAIN),
                baseline_line("grad_norm"),
                own_limit_line("grad_spike", _WARNING, baseline("grad_norm"), _P, texts.JUMP[_WARNING]),
                *limit_lines("grad_norm_high", _P),
            ),
            "none",
            height=9,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
            linear_to=0.1,
        ),
        run.learning_rate(_P, 12, 9),
    ),
)

_ROWS = (
    run.strip(run.INCIDENTS),
    Row(texts.WHAT_HAPPENED, (run.signals(18, 7), run.settings(6, 7))),
    _EVERY_STEP,
    _PAIRS,
    _FIT,
    run.state(_P),
)
_FURTHER = (Group.REWARD, Group.PREFERENCE, Group.OBJECTIVE, Group.EVALUATION, Group.PROGRESS, Group.SPEED)
"""Groups of what only some trainers log."""


PREFERENCE = Board(
    frame.PREFERENCE,
    "run-preference",
    frame.TITLES[frame.PREFERENCE],
    words.PREFERENCE_TEXT,
    (*_ROWS, *further(_ROWS, _P, *_FURTHER), *run.rest()),
    frame.variables_of_run(profile.DPO, profile.REWARD_MODEL),
    frame.marks(),
    frame.links(frame.PREFERENCE),
    ("preference",),
    since=run.SINCE,
)
