"""A run at a glance: the verdict, what it is, and the settings that it had."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from llmtrain_exporter.draw.from_history import FIT, chain, panels
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.text import written
from llmtrain_exporter.model import Health, Kind, Snapshot, State
from llmtrain_exporter.publish.check_text import action_of, facts_of, incident_of
from llmtrain_exporter.publish.report.material import Material, share
from llmtrain_exporter.publish.report.say import Say, percent
from llmtrain_exporter.publish.report.tree import (
    Block,
    Code,
    Facts,
    Items,
    Line,
    Paragraph,
    Picture,
    Section,
    Strong,
    Table,
)
from llmtrain_exporter.story import verdict
from llmtrain_exporter.story.numbers import duration
from llmtrain_exporter.story.verdict import title

TRIED_FIRST = 3
INCIDENTS_IN_SHORT = 3


def overview(told: Material, say: Say) -> Iterator[Block]:
    """In short, with the chart that shows it best, then what the run is."""
    short = tuple(_in_short(told, say))
    drawn = chain(told.drawn) if told.run.base == GRPO else panels(told.drawn, FIT)
    blocks: list[Block] = [Items(short)] if short else []
    if drawn:
        blocks.append(Picture("overview", say(r.WHOLE_RUN), tuple(drawn), told.marks))
        blocks.append(Paragraph(say(r.CHART_LEGEND), small=True))
    if blocks:
        yield Section(say(r.IN_SHORT), tuple(blocks))
    yield Section(say(r.FACTS), (Facts(tuple(_facts(told, say))), *_settings(told.run, say)))


def headline(run: Snapshot, say: Say) -> Line:
    """The verdict in a sentence."""
    mark = say.health(run.verdict.name.lower())
    if run.verdict is Health.HEALTHY:
        return (mark, " ", list(facts_of(run, say.style))[-1])
    serious = verdict.against(run)
    name = title(run, say.lang)
    told = [one.text for one in verdict.findings(run, say.lang) if serious and one.title == name]
    return (mark, " ", Strong(say.sentences((name + say(r.STOP).rstrip(), *told[:1]))))


def _in_short(told: Material, say: Say) -> Iterator[Line]:
    run = told.run
    if run.incidents:
        onset = run.incidents[0].onset_step
        yield say(
            r.FIRST_INCIDENT,
            incidents=r.INCIDENTS.of(len(run.incidents), say.lang),
            onset=onset,
            share=percent(share(onset, run)),
        )
    for incident in run.incidents[:INCIDENTS_IN_SHORT]:
        yield incident_of(incident, say.style)
    if run.incidents:
        checkpoint = verdict.checkpoint_before(run, run.incidents[0])
        if checkpoint is not None:
            yield say(words.BACK_TO, checkpoint=f"checkpoint-{checkpoint}")
    best = best_evaluation(run, say)
    if best:
        yield best
    for action in verdict.actions(run, say.lang)[:TRIED_FIRST]:
        yield say(r.FIRST_TO_TRY, action=action_of(action, say.style))


def best_evaluation(run: Snapshot, say: Say) -> str:
    """The lowest evaluation loss, where the loss says something."""
    if run.best is None or run.base == GRPO:
        return ""
    loss, step = run.best
    return say(words.BEST_ANYWHERE if step is None else words.BEST, loss=f"{loss:.4g}", step=step)


def _facts(told: Material, say: Say) -> Iterator[tuple[str, Line]]:
    run = told.run
    yield say(r.LOG), Code(run.file)
    yield say(r.TRAINER), run.dialect
    own = run.profile != run.base
    yield say(r.PROFILE), say(words.PROFILE, name=run.profile, base=run.base) if own else run.profile
    yield from run.settings.info.items()
    yield say(r.STATE), words.STATE[run.state.value].of(say.lang)
    if run.first_step is not None:
        yield say(r.STEPS), _steps(run, say)
    train, evaluations = run.records.get(Kind.TRAIN, 0), run.records.get(Kind.EVAL, 0)
    yield (
        say(r.RECORDS),
        say.listed((words.TRAIN_RECORDS.of(train, say.lang), words.EVALUATIONS.of(evaluations, say.lang))),
    )
    if told.seconds:
        yield say(r.DURATION), duration(told.seconds, say.lang)
    if run.last_record is not None:
        moment = datetime.datetime.fromtimestamp(run.last_record, datetime.timezone.utc)
        yield say(r.LAST_RECORD), f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    if run.resumes:
        resumes = (say(words.RESUMED, last=one.last, first=one.first) for one in run.resumes)
        yield say(r.RESUMES), say.listed(resumes)
    if run.skipped:
        told_lines = (f"{count} x {reason}" for reason, count in sorted(run.skipped.items()))
        yield say(r.SKIPPED), ", ".join(told_lines)


def _steps(run: Snapshot, say: Say) -> str:
    if run.max_steps and run.state is not State.WAITING:
        done = percent(share(run.last_step or 0, run))
        return say(r.STEP_RANGE_OF, first=run.first_step, last=run.last_step, max=run.max_steps, share=done)
    return say(r.STEP_RANGE, first=run.first_step, last=run.last_step)


def _settings(run: Snapshot, say: Say) -> Iterator[Block]:
    if run.settings.numbers:
        rows = tuple((Code(name), written(value)) for name, value in run.settings.numbers.items())
        head = (say(r.SETTING), say(r.SETTING_NOW))
        yield Section(say(r.SETTINGS), (Table(say(r.SETTINGS_FROM), head, rows),))
