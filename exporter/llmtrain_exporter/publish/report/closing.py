"""The end of a report: which checkpoint, the checklist, and what the log leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmtrain_exporter.analyse.ways_back import checkpoint_name
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import check_words as w
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge.answer import Answer
from llmtrain_exporter.knowledge.checklists import BEST_CHECKPOINT, CHECKLISTS, Check
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.own_level import MATURE
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.model import CheckAnswer, Health, Incident, RowKind, Snapshot, State
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.say import Say, cells, chapter, paragraph, short
from llmtrain_exporter.story.blocks import Code, Line, Piece, Section, Table, items
from llmtrain_exporter.story.checks import answer_mark, answers_by_check, because
from llmtrain_exporter.story.diagnosis import checkpoint_before, checkpoint_nearest_best
from llmtrain_exporter.story.facts import best_evaluation, is_stopped
from llmtrain_exporter.story.numbers import DASH, number
from llmtrain_exporter.story.phrase import joined

MOST_CHECKPOINTS, MOST_KEYS = 30, 30


def checkpoints(material: Material, say: Say) -> Section:
    """The best checkpoint, how it was chosen, and the one to go back to."""
    run = material.run
    steps = sorted({*run.checkpoints, *run.kept})[-MOST_CHECKPOINTS:]
    names = say.listed(checkpoint_name(run, step) for step in steps)
    there = [*_back(run, say), say(r.CHECKPOINTS_THERE, names=names)] if names else [say(r.NO_CHECKPOINTS)]
    return chapter(say(r.CHECKPOINTS), items((*_best(material, say), *((text,) for text in there))))


def _best(material: Material, say: Say) -> Iterator[Line]:
    run = material.run
    if not run.records.get(RowKind.EVAL):
        yield (say(r.NEVER_EVALUATED),)
    elif run.base in POLICIES:
        yield (say(r.NOT_BY_LOSS),)
        yield from _best_reward(material, say)
    elif run.best is not None:
        yield joined((best_evaluation(run, say.lang), (say(r.STOP),)))
        near = checkpoint_nearest_best(run)
        if near is not None:
            yield (say(r.BEST_NEAR, checkpoint=f"checkpoint-{near}"),)
        yield from ((rule.text.of(say.lang),) for rule in BEST_CHECKPOINT)


def _best_reward(material: Material, say: Say) -> Iterator[Line]:
    """The best evaluation by its reward; where that is always 0 no checkpoint is any better."""
    for series, stats in material.stats.items():
        if series.metric is not c.REWARD or ("split", "eval") not in series.labels:
            continue
        if stats.low == stats.high == 0:
            yield (say(r.NO_REWARD),)
        else:
            yield (say(r.BEST_REWARD, value=say.value(stats.high, series), step=stats.high_step),)


def _back(run: Snapshot, say: Say) -> Iterator[str]:
    for incident in _lasting(run)[:1]:
        step = checkpoint_before(run, incident)
        form = r.NO_WAY_BACK if step is None else r.GO_BACK
        name = "" if step is None else checkpoint_name(run, step)
        yield say(form, onset=incident.onset_step, checkpoint=name)


def _lasting(run: Snapshot) -> list[Incident]:
    """The incidents from which the run has not recovered: to go back behind others throws good work away."""
    broken = run.health is Health.BROKEN
    return [incident for incident in run.incidents if incident.active or broken]


def checklist(material: Material, say: Say) -> Section:
    """The guide's questions with what the log answers."""
    head = tuple(map(say, (w.QUESTION, w.ANSWER, w.BECAUSE)))
    answers = answers_by_check(material.run)
    tables = tuple(
        Table(
            checklist.title.of(say.lang),
            head,
            tuple(
                cells(check.question.of(say.lang), *_answer(check, answers, material.run, say))
                for check in checklist.checks
            ),
        )
        for checklist in CHECKLISTS
    )
    return chapter(say(w.CHECKLIST), paragraph(say(r.CHECKLIST_INTRO)), *tables)


def _answer(check: Check, answers: Mapping[str, CheckAnswer], run: Snapshot, say: Say) -> tuple[Piece, str]:
    """The answer, and what it rests on."""
    found = answers.get(check.id)
    if found is None:
        return _to_keep(run, say)
    return answer_mark(run, found, say.lang), because(run, check, found, say.lang)


def _to_keep(run: Snapshot, say: Say) -> tuple[Piece, str]:
    """The checkpoint that one would keep."""
    for incident in _lasting(run)[:1]:
        back = checkpoint_before(run, incident)
        if back is not None:
            name = checkpoint_name(run, back)
            return Code(name), say(r.GO_BACK, onset=incident.onset_step, checkpoint=name)
    if run.best is None or run.base in POLICIES:
        not_known = say(w.ANSWERS[Answer.NOT_KNOWN])
        return not_known, say(r.NOT_BY_LOSS if run.base in POLICIES else r.NEVER_EVALUATED)
    loss, step = run.best
    best = say(r.BEST_AT, step=DASH if step is None else step, loss=number(loss))
    near = checkpoint_nearest_best(run)
    return DASH if near is None else Code(f"checkpoint-{near}"), best


def open_questions(material: Material, say: Say) -> Section:
    """What was not logged, and what nobody can see therefore."""
    lines = (*_unseen(material.run, say), *_unknown(material, say))
    if not lines:
        return chapter(say(r.OPEN), paragraph(say(r.NOTHING_OPEN)))
    return chapter(say(r.OPEN), paragraph(say(r.OPEN_INTRO)), items((line,) for line in lines))


def _unseen(run: Snapshot, say: Say) -> Iterator[str]:
    """By metric that signals of the profile need and the run lacks, those signals."""
    logged = {series.metric for series in run.samples}
    unseen: dict[Metric, list[str]] = {}
    for name in run.limits:
        needed = SIGNALS[name].metrics
        if name not in _SPECIAL and logged.isdisjoint(needed):
            unseen.setdefault(needed[0], []).append(name)
    for metric, names in unseen.items():
        beta = metric is c.KL and run.hyper_parameters.numbers.get("beta") == 0
        what = say(r.BETA_ZERO) if beta else say(r.MISSING_METRIC, metric=short(metric))
        yield say(r.HIDES, what=what, signals=say.listed(map(say.title, names)))


_SPECIAL = ("collapse", "stalled", "overfit", "policy_stale", "samples_dropped")
"""They follow from others, from a clock, from evaluations, or can be in trainers alone that sample aside."""


def _unknown(material: Material, say: Say) -> Iterator[str]:
    run = material.run
    train = run.records.get(RowKind.TRAIN, 0)
    if not run.records.get(RowKind.EVAL) and "overfit" in run.limits:
        yield say(r.NO_EVALUATION)
    if not run.hyper_parameters.numbers:
        yield say(r.NO_SETTINGS)
    if train < MATURE:
        yield say(r.FEW_RECORDS, n=train)
    if material.seconds is None:
        yield say(r.NO_CLOCK)
    if run.state in (State.RUNNING, State.STALLED) and not is_stopped(run):
        yield say(r.NOT_ENDED)
    if material.superseded:
        yield say(r.SUPERSEDED, n=material.superseded)
    unknown = [dict(series.labels)["key"] for series in material.stats if series.metric is c.OTHER]
    if unknown:
        keys = list(dict.fromkeys(unknown))
        more = ["..."] if len(keys) > MOST_KEYS else []
        yield say(r.UNKNOWN_KEYS, keys=say.listed([*keys[:MOST_KEYS], *more]))
