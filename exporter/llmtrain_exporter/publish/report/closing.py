"""The end of a report: which checkpoint, the checklist, and what the log leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.checklists import BEST_CHECKPOINT, CHECKLISTS, Check
from llmtrain_exporter.knowledge.limits import MATURE, SIGNALS
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Episode, Health, Kind, Snapshot, State
from llmtrain_exporter.publish.report.material import Material
from llmtrain_exporter.publish.report.overview import best_evaluation
from llmtrain_exporter.publish.report.say import DASH, Say, short
from llmtrain_exporter.publish.report.tree import Items, Line, Mark, Paragraph, Section, Table
from llmtrain_exporter.story import verdict

CHECKPOINTS_TOLD = 30
KEYS_TOLD = 30


def checkpoints(told: Material, say: Say) -> Section:
    """The best checkpoint, how it was chosen, and the one to go back to."""
    run = told.run
    names = say.listed(f"checkpoint-{step}" for step in run.checkpoints[-CHECKPOINTS_TOLD:])
    there = [*_back(run, say), say(r.CHECKPOINTS_THERE, names=names)] if names else [say(r.NO_CHECKPOINTS)]
    return Section(say(r.CHECKPOINTS), (Items((*_best(told, say), *there)),))


def _best(told: Material, say: Say) -> Iterator[str]:
    run = told.run
    if not run.records.get(Kind.EVAL):
        yield say(r.NEVER_EVALUATED)
    elif run.base == GRPO:
        yield say(r.NOT_BY_LOSS)
        yield from _best_reward(told, say)
    elif run.best is not None:
        step = run.best[1]
        yield best_evaluation(run, say) + say(r.STOP).rstrip()
        near = max((one for one in run.checkpoints if step is not None and one <= step), default=None)
        if near is not None:
            yield say(r.BEST_NEAR, checkpoint=f"checkpoint-{near}")
        yield from (rule.text.of(say.lang) for rule in BEST_CHECKPOINT)


def _best_reward(told: Material, say: Say) -> Iterator[str]:
    for one, stats in told.stats.items():
        if one.metric is c.REWARD and ("split", "eval") in one.labels:
            yield say(r.BEST_REWARD, value=say.value(stats.high, one), step=stats.high_step)


def _back(run: Snapshot, say: Say) -> Iterator[str]:
    for incident in run.incidents[:1]:
        step = verdict.checkpoint_before(run, incident)
        name = f"checkpoint-{step}"
        said = r.NO_WAY_BACK if step is None else r.GO_BACK
        yield say(said, onset=incident.onset_step, checkpoint=name)


def checklist(told: Material, say: Say) -> Section:
    """The guide's questions with what the log answers."""
    head = tuple(map(say, (r.QUESTION, r.ANSWER, r.BECAUSE)))
    tables = tuple(
        Table(
            each.title.of(say.lang),
            head,
            tuple((check.question.of(say.lang), *_answer(check, told, say)) for check in each.checks),
        )
        for each in CHECKLISTS
    )
    return Section(say(r.CHECKLIST), (Paragraph(say(r.CHECKLIST_INTRO)), *tables))


def _answer(check: Check, told: Material, say: Say) -> tuple[Line, Line]:
    run = told.run
    lost = c.REMAINING in check.metrics and run.health is Health.BROKEN  # then nothing is left to go on for
    if c.RUN_HEALTH in check.metrics or lost:
        return _by_verdict(run, say)
    logged = {one.metric for one in run.samples}
    metrics = say.listed(short(metric) for metric in check.metrics)
    seen = [each for each in run.episodes if each.signal in check.signals]
    against = [each for each in seen if each.severity is not Severity.INFO]
    if seen:
        said = _seen_answer(against, say)
        return said, say.listed(dict.fromkeys(_seen(each, say) for each in _first_ones(seen)))
    if not logged.intersection(check.metrics):
        return say(r.CANNOT_TELL), say(r.NOT_LOGGED, metrics=metrics)
    if c.BEST_EVAL_STEP in check.metrics:
        return _by_best(check, run, say)
    if not any(signal in run.limits for signal in check.signals):
        return say(r.NOT_ASKED), say(r.OTHER_KIND)
    return Mark("fine", say(r.YES)), say(r.NO_SIGNALS_CAME, metrics=metrics)


def _by_verdict(run: Snapshot, say: Say) -> tuple[Line, Line]:
    """The run as a whole."""
    said = {Health.HEALTHY: r.YES, Health.WATCH: r.NOT_ALWAYS, Health.BROKEN: r.NO}[run.verdict]
    why = say.listed(map(say.title, verdict.against(run)))
    return Mark(run.verdict.name.lower(), say(said)), why or words.HEALTH["healthy"].of(say.lang)


def _seen_answer(against: Sequence[Episode], say: Say) -> Line:
    if not against:
        return Mark("info", say(r.NOT_ALWAYS))
    if any(each.active for each in against):
        return Mark("critical", say(r.NO))
    return Mark("warning", say(r.NOT_ALWAYS))


def _first_ones(seen: Sequence[Episode]) -> list[Episode]:
    """The first episode of each signal."""
    return list({each.signal: each for each in reversed(seen)}.values())[::-1]


def _seen(episode: Episode, say: Say) -> str:
    said = r.SEEN_ON if episode.active else r.SEEN_AT
    if not episode.active and episode.first_step == episode.last_step:
        said = r.SEEN_ONCE
    title = say.title(episode.signal)
    return say(said, title=title, first=episode.first_step, last=episode.last_step)


def _by_best(check: Check, run: Snapshot, say: Say) -> tuple[Line, Line]:
    back = verdict.checkpoint_before(run, run.incidents[0]) if run.incidents else None
    if back is not None and not check.signals:
        return f"checkpoint-{back}", say(
            r.GO_BACK, onset=run.incidents[0].onset_step, checkpoint=f"checkpoint-{back}"
        )
    if run.best is None or run.base == GRPO:
        return say(r.CANNOT_TELL), say(r.NOT_BY_LOSS if run.base == GRPO else r.NEVER_EVALUATED)
    loss, step = run.best
    told = say(r.BEST_AT, step=DASH if step is None else step, loss=f"{loss:.4g}")
    if not check.signals:
        return DASH if step is None else f"checkpoint-{step}", told
    if run.state in (State.FINISHED, State.FAILED):
        return say(r.NOT_ASKED), say.listed((say(r.ENDED), told))
    return Mark("fine", say(r.YES)), told


def open_questions(told: Material, say: Say) -> Section:
    """What was not logged, and what nobody can see therefore."""
    lines = (*_unseen(told.run, say), *_unknown(told, say))
    if not lines:
        return Section(say(r.OPEN), (Paragraph(say(r.NOTHING_OPEN)),))
    return Section(say(r.OPEN), (Paragraph(say(r.OPEN_INTRO)), Items(lines)))


def _unseen(run: Snapshot, say: Say) -> Iterator[str]:
    """By metric that signals of the profile need and the run lacks, those signals."""
    logged = {one.metric for one in run.samples}
    unseen: dict[Metric, list[str]] = {}
    for name in run.limits:
        needed = SIGNALS[name].metrics
        if name not in _SPECIAL and logged.isdisjoint(needed):
            unseen.setdefault(needed[0], []).append(name)
    for metric, names in unseen.items():
        beta = metric is c.KL and run.settings.numbers.get("beta") == 0
        what = say(r.BETA_ZERO) if beta else say(r.MISSING_METRIC, metric=short(metric))
        yield say(r.HIDES, what=what, signals=say.listed(map(say.title, names)))


_SPECIAL = ("collapse", "stalled", "overfit")
"""They follow from others, from a clock, or from evaluations."""


def _unknown(told: Material, say: Say) -> Iterator[str]:
    run = told.run
    train = run.records.get(Kind.TRAIN, 0)
    if not run.records.get(Kind.EVAL) and "overfit" in run.limits:
        yield say(r.NO_EVALUATION)
    if not run.settings.numbers:
        yield say(r.NO_SETTINGS)
    if train < MATURE:
        yield say(r.FEW_RECORDS, n=train)
    if told.seconds is None:
        yield say(r.NO_CLOCK)
    if run.state in (State.RUNNING, State.STALLED):
        yield say(r.NOT_ENDED)
    if told.superseded:
        yield say(r.SUPERSEDED, n=told.superseded)
    unknown = [dict(one.labels)["key"] for one in told.stats if one.metric is c.OTHER]
    if unknown:
        keys = list(dict.fromkeys(unknown))
        more = ["..."] if len(keys) > KEYS_TOLD else []
        yield say(r.UNKNOWN_KEYS, keys=say.listed([*keys[:KEYS_TOLD], *more]))
