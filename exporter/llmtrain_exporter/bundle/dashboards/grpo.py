"""One GRPO run as the GRPO log guide has it: verdict, collapse chain, then four groups of metrics."""

from __future__ import annotations

from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards import run_panels as run
from llmtrain_exporter.bundle.dashboards.board import Board, Curves, Look, Query, Row
from llmtrain_exporter.bundle.dashboards.descriptions import described
from llmtrain_exporter.bundle.dashboards.further import further
from llmtrain_exporter.bundle.dashboards.over_steps import by_step
from llmtrain_exporter.bundle.dashboards.queries import (
    BY_RUN,
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
from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.metric import Group
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals.length import LENGTH_NEAR_LIMIT
from llmtrain_exporter.knowledge.signals.policy import KL_HEALTHY, KL_MOST

_P = profile.GRPO
_WARNING, _CRITICAL = Severity.WARNING, Severity.CRITICAL
_AXIS = 60
_TINY = KL_HEALTHY / 10
_LAST = ("lastNotNull",)

_MEAN = 'stat="mean"'
_LONGEST = Query(
    f"max({train(c.COMPLETION_LENGTH, _MEAN)} / {BY_RUN} {recorded(c.COMPLETION_LENGTH_LIMIT)})",
    texts.LONGEST,
    Look.CRITICAL,
)
_KL_LEVEL = f"clamp({baseline('kl')}, {KL_HEALTHY:g}, {KL_MOST:g})"

_EVERY_STEP = Row(
    texts.EVERY_STEP,
    (
        by_step(texts.KL, c.KL, _P),
        by_step(texts.MEAN_LENGTH, c.COMPLETION_LENGTH, _P, _MEAN, part="mean"),
        by_step(texts.REWARD, c.REWARD, _P),
        by_step(texts.LOSS, c.LOSS, _P),
        by_step(texts.GRAD_NORM, c.GRAD_NORM, _P),
        by_step(texts.ENTROPY, c.ENTROPY, _P, _MEAN),
    ),
)

_CHAIN = Row(
    texts.CHAIN,
    (
        Curves(
            texts.KL,
            described(c.KL, _P),
            (
                Query(train(c.KL), "kl", Look.TRAIN),
                Query(evaluation(c.KL), "eval_kl", Look.EVAL),
                baseline_line("kl"),
                own_limit_line("kl_spike", _WARNING, _KL_LEVEL, _P, texts.JUMP[_WARNING]),
                *limit_lines("kl_high", _P),
            ),
            "none",
            24,
            7,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
            linear_to=_TINY,
            axis=_AXIS,
            calcs=_LAST,
        ),
        Curves(
            texts.MEAN_LENGTH,
            described(c.COMPLETION_LENGTH, _P, part="mean"),
            (
                Query(train(c.COMPLETION_LENGTH, _MEAN), "completions/mean_length", Look.TRAIN),
                Query(evaluation(c.COMPLETION_LENGTH, _MEAN), "eval_completions/mean_length", Look.EVAL),
                baseline_line("completion_length_tokens"),
                own_limit_line(
                    "length_surge", _WARNING, baseline("completion_length_tokens"), _P, texts.JUMP[_WARNING]
                ),
                own_limit_line(
                    "length_collapse", _WARNING, baseline("completion_length_tokens"), _P, texts.DROP
                ),
                _LONGEST,
            ),
            "none",
            24,
            6,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
            axis=_AXIS,
            calcs=_LAST,
        ),
        Curves(
            texts.REWARD,
            described(c.REWARD, _P),
            (
                Query(train(c.REWARD), "reward", Look.TRAIN),
                Query(evaluation(c.REWARD), "eval_reward", Look.EVAL),
                baseline_line("reward"),
                limit_line(
                    "reward_drop",
                    _WARNING,
                    f"{baseline('reward')} - {{}} * abs({baseline('reward')})",
                    texts.DROP,
                ),
            ),
            "none",
            24,
            6,
            nothing=texts.NOT_LOGGED,
            axis=_AXIS,
            calcs=_LAST,
        ),
    ),
)

_OPTIMISATION = Row(
    texts.OPTIMISATION,
    (
        Curves(
            texts.LOSS,
            described(c.LOSS, _P),
            (
                Query(train(c.LOSS), "loss", Look.TRAIN),
                Query(evaluation(c.LOSS), "eval_loss", Look.EVAL),
                baseline_line("loss"),
            ),
            "none",
            8,
        ),
        Curves(
            texts.GRAD_NORM,
            described(c.GRAD_NORM, _P),
            (
                Query(recorded(c.GRAD_NORM), "grad_norm", Look.TRAIN),
                baseline_line("grad_norm"),
                *(
                    own_limit_line("grad_spike", severity, baseline("grad_norm"), _P, texts.JUMP[severity])
                    for severity in (_WARNING, _CRITICAL)
                ),
            ),
            "short",
            8,
            soft=(0, None),
            linear_to=_TINY,
        ),
        run.learning_rate(_P),
        Curves(
            texts.CLIP_RATIO,
            described(c.CLIP_RATIO, _P),
            (Query(train(c.CLIP_RATIO), "clip_ratio/{{bound}}"), *limit_lines("clip_ratio_high", _P)),
            "percentunit",
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
        Curves(
            texts.ENTROPY,
            described(c.ENTROPY, _P),
            (
                Query(train(c.ENTROPY, _MEAN), "entropy/mean", Look.TRAIN),
                Query(train(c.ENTROPY, 'stat!="mean"'), "entropy/{{stat}}", Look.RANGE),
                Query(evaluation(c.ENTROPY, _MEAN), "eval_entropy/mean", Look.EVAL),
            ),
            "none",
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
    ),
)

_REWARDS = Row(
    texts.REWARDS,
    (
        Curves(
            texts.REWARD_FUNCTIONS,
            described(c.REWARD_FUNCTION_MEAN, _P),
            (Query(train(c.REWARD_FUNCTION_MEAN), "{{function}}"),),
            "none",
            height=9,
            nothing=texts.NOT_LOGGED,
        ),
        Curves(
            texts.REWARD_FUNCTIONS_STD,
            described(c.REWARD_FUNCTION_STD, _P),
            (Query(train(c.REWARD_FUNCTION_STD), "{{function}}"),),
            "none",
            height=9,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
        Curves(
            texts.REWARD_STD,
            described(c.REWARD_STD, _P),
            (Query(train(c.REWARD_STD), "reward_std", Look.TRAIN),),
            "none",
            8,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
        Curves(
            texts.ZERO_STD,
            described(c.REWARD_ZERO_STD, _P),
            (
                Query(train(c.REWARD_ZERO_STD), "frac_reward_zero_std", Look.TRAIN),
                *limit_lines("reward_flat", _P),
            ),
            "percentunit",
            8,
            nothing=texts.NOT_LOGGED,
            low=0,
            high=1,
        ),
        Curves(
            texts.VARIATION,
            described(c.REWARD_VARIATION, _P),
            (Query(recorded(c.REWARD_VARIATION), "reward_std / |reward|", Look.TRAIN),),
            "none",
            8,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
    ),
)

_LENGTHS = Row(
    texts.LENGTHS,
    (
        Curves(
            texts.LENGTH,
            described(c.COMPLETION_LENGTH, _P),
            (
                Query(train(c.COMPLETION_LENGTH, _MEAN), "mean", Look.TRAIN),
                Query(train(c.COMPLETION_LENGTH, 'stat!="mean"'), "{{stat}}", Look.RANGE),
                _LONGEST,
            ),
            "none",
            8,
            nothing=texts.NOT_LOGGED,
            soft=(0, None),
        ),
        Curves(
            texts.CLIPPED,
            described(c.COMPLETION_CLIPPED, _P),
            (
                Query(train(c.COMPLETION_CLIPPED), "completions/clipped_ratio", Look.TRAIN),
                Query(evaluation(c.COMPLETION_CLIPPED), "eval_completions/clipped_ratio", Look.EVAL),
                *limit_lines("clipped_high", _P),
            ),
            "percentunit",
            8,
            nothing=texts.NOT_LOGGED,
            low=0,
            high=1,
        ),
        Curves(
            texts.LENGTH_LIMIT,
            described(c.COMPLETION_LENGTH_LIMIT, _P),
            (
                Query(recorded(c.COMPLETION_LENGTH_LIMIT), "mean_length / max_completion_length", Look.TRAIN),
                Query(f"vector({LENGTH_NEAR_LIMIT:g})", texts.LIMITS[_WARNING], Look.WARNING),
            ),
            "percentunit",
            8,
            nothing=texts.NOT_LOGGED,
            low=0,
            high=1,
        ),
    ),
)

_ROWS = (
    run.strip(run.INCIDENTS),
    Row(texts.WHAT_HAPPENED, (run.signals(11), run.order(6), run.settings(7))),
    _EVERY_STEP,
    _CHAIN,
    _OPTIMISATION,
    _REWARDS,
    _LENGTHS,
    run.state(_P),
)
_FURTHER = (
    Group.REWARD,
    Group.OBJECTIVE,
    Group.VALUE,
    Group.MISMATCH,
    Group.DISTILLATION,
    Group.ROLLOUT,
    Group.EVALUATION,
    Group.PROGRESS,
    Group.SPEED,
)
"""Groups of what only some trainers log."""


GRPO = Board(
    frame.GRPO,
    "run-grpo",
    frame.TITLES[frame.GRPO],
    texts.GRPO_TEXT,
    (*_ROWS, *further(_ROWS, _P, *_FURTHER), *run.rest()),
    frame.variables_of_run(*profile.POLICIES),
    frame.marks(),
    frame.links(frame.GRPO),
    ("grpo",),
    since=run.SINCE,
)
