"""One SFT run as the SFT log FAQ has it: checklist, training against evaluation, gradients, speed."""

from __future__ import annotations

from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards import run_panels as run
from llmtrain_exporter.bundle.dashboards.board import (
    GREEN,
    GREY,
    RED,
    YELLOW,
    Board,
    Cells,
    Curves,
    Look,
    Query,
    Row,
    Stat,
)
from llmtrain_exporter.bundle.dashboards.descriptions import described, paragraphs
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
    series,
    train,
)
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.answer import VALUES, Answer
from llmtrain_exporter.knowledge.check_words import ANSWERS
from llmtrain_exporter.knowledge.checklists import BEST_CHECKPOINT, CHECKLISTS, Check, Checklist
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Group
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.fit import ACCURACY_GAP
from llmtrain_exporter.knowledge.signals.policy import ENTROPY_EXPLODED

_P = profile.SFT
_WARNING = Severity.WARNING
_MEAN = 'stat="mean"'


_COLOURS = {Answer.YES: GREEN, Answer.NOT_ALWAYS: YELLOW, Answer.NO: RED, Answer.NOT_KNOWN: GREY}


def _answer(check: Check) -> Query:
    matcher = f'{a.RUN_CHECK.label}="{check.id}"'
    return Query(series(a.RUN_CHECK, matcher), check.question)


def _checklist(checklist: Checklist, height: int) -> Cells:
    return Cells(
        checklist.title,
        texts.CHECK_TEXT,
        tuple(_answer(check) for check in checklist.checks if check.signals),
        "none",
        12,
        height,
        mappings={VALUES[answer]: (ANSWERS[answer], colour) for answer, colour in _COLOURS.items()},
        points=40,
    )


_BEST = Stat(
    texts.BEST,
    paragraphs(described(c.BEST_EVAL_LOSS), *(rule.text for rule in BEST_CHECKPOINT)),
    (
        Query(series(c.BEST_EVAL_LOSS), texts.BEST_LOSS),
        Query(series(c.BEST_EVAL_STEP), texts.BEST_STEP, properties=(("unit", "locale"),)),
        Query(series(c.EVAL_TRAIN_LOSS), texts.BEST_RATIO, properties=(("decimals", 2),)),
    ),
    "none",
    12,
    6,
    nothing=texts.NO_EVALUATION,
    names=True,
)

_SLIGHT = MEANINGS[c.EVAL_TRAIN_LOSS].healthy[_P].high
_USUAL_GAP = MEANINGS[c.EVAL_TRAIN_ACCURACY].healthy[_P].low


def _band(lower: str) -> tuple[tuple[str, object], ...]:
    """Shade what lies between this line and the lower one."""
    return (("custom.fillBelowTo", lower), ("custom.fillOpacity", 15))


_EVERY_STEP = Row(
    texts.EVERY_STEP,
    (
        by_step(texts.TRAIN_EVAL_LOSS, c.LOSS, _P),
        by_step(texts.GRAD_NORM, c.GRAD_NORM, _P),
        by_step(texts.ACCURACY, c.TOKEN_ACCURACY, _P, unit="percentunit"),
    ),
)

_FIT = Row(
    texts.FIT,
    (
        Curves(
            texts.TRAIN_EVAL_LOSS,
            described(c.LOSS, _P, texts.GAP_TEXT),
            (
                Query(train(c.LOSS), "loss", Look.TRAIN),
                Query(evaluation(c.LOSS), "eval_loss", Look.EVAL, properties=_band("loss")),
                baseline_line("loss"),
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
                Query(f"vector({_SLIGHT})", texts.LOSS_RATIO_SLIGHT, Look.INFO),
                limit_line("overfit", _WARNING),
            ),
            "none",
            height=9,
            nothing=texts.NO_EVALUATION,
            linear_to=0,
        ),
        Curves(
            texts.ACCURACY,
            described(c.TOKEN_ACCURACY, _P, texts.GAP_TEXT),
            (
                Query(train(c.TOKEN_ACCURACY), "token_acc", Look.TRAIN, properties=_band("eval_token_acc")),
                Query(evaluation(c.TOKEN_ACCURACY), "eval_token_acc", Look.EVAL),
            ),
            "percentunit",
            nothing=texts.NOT_LOGGED,
        ),
        Curves(
            texts.ACCURACY_GAP,
            described(c.EVAL_TRAIN_ACCURACY, _P),
            (
                Query(recorded(c.EVAL_TRAIN_ACCURACY), "eval - train", Look.EVAL),
                Query(f"vector({_USUAL_GAP})", texts.GAP_USUAL, Look.INFO),
                Query(f"vector({-ACCURACY_GAP:g})", texts.LIMITS[_WARNING], Look.WARNING),
            ),
            "percentunit",
            nothing=texts.NO_EVALUATION,
            soft=(None, 0),
        ),
    ),
)

_OPTIMISATION = Row(
    texts.OPTIMISATION,
    (
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
            8,
            9,
            soft=(0, None),
            linear_to=0.1,
        ),
        run.learning_rate(_P, 8, 9),
        Curves(
            texts.ENTROPY,
            described(c.ENTROPY, _P),
            (
                Query(train(c.ENTROPY, _MEAN), "entropy", Look.TRAIN),
                Query(evaluation(c.ENTROPY, _MEAN), "eval_entropy", Look.EVAL),
                *limit_lines("entropy_collapse", _P),
                Query(f"vector({ENTROPY_EXPLODED:g})", texts.ENTROPY_HIGH, Look.INFO),
            ),
            "none",
            8,
            9,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
    ),
)

_EVALUATION = Row(
    texts.EVALUATION,
    (
        Curves(
            texts.EVAL_SPEED,
            described(c.EVAL_SAMPLES, _P),
            (
                Query(recorded(c.EVAL_SAMPLES), texts.SAMPLES, Look.TRAIN),
                Query(
                    recorded(c.EVAL_STEPS),
                    texts.STEPS,
                    Look.EVAL,
                    properties=(("custom.axisPlacement", "right"),),
                ),
            ),
            "none",
            8,
            nothing=texts.NO_EVALUATION,
            soft=(0, None),
        ),
        Curves(
            texts.EVAL_TIME,
            described(c.EVAL_RUNTIME, _P),
            (Query(recorded(c.EVAL_RUNTIME), "eval_runtime", Look.TRAIN),),
            "s",
            8,
            nothing=texts.NO_EVALUATION,
            soft=(0, None),
        ),
        run.memory(_P),
        run.step_time(_P, 6),
        run.epoch(6),
        Curves(
            texts.TOKENS,
            described(c.TOKENS),
            (Query(recorded(c.TOKENS), "num_tokens", Look.TRAIN),),
            "short",
            6,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
        run.records(6),
    ),
)

_FIRST, _SECOND, _LAST = CHECKLISTS

_ROWS = (
    run.strip(run.INCIDENTS),
    Row(texts.CHECKLIST, (_checklist(_FIRST, 7), _checklist(_SECOND, 7), _checklist(_LAST, 6), _BEST)),
    Row(texts.WHAT_HAPPENED, (run.signals(18, 7), run.settings(6, 7))),
    _EVERY_STEP,
    _FIT,
    _OPTIMISATION,
    _EVALUATION,
)
_FURTHER = (
    Group.OPTIMISATION,
    Group.OBJECTIVE,
    Group.DISTILLATION,
    Group.EVALUATION,
    Group.PROGRESS,
    Group.SPEED,
)
"""Groups of what only some trainers log."""


SFT = Board(
    frame.SFT,
    "run-sft",
    frame.TITLES[frame.SFT],
    texts.SFT_TEXT,
    (*_ROWS, *further(_ROWS, _P, *_FURTHER), *run.rest()),
    frame.variables_of_run(_P),
    frame.marks(),
    frame.links(frame.SFT),
    ("sft",),
    since=run.SINCE,
)
