"""How a run is, what it is, how far: the sections that stand before what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmtrain_exporter.analyse.guarded import stopped_at
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import skips
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.text import Lang, written
from llmtrain_exporter.model import Health, RowKind, Snapshot, State, series
from llmtrain_exporter.story.blocks import (
    Code,
    Facts,
    Line,
    Moment,
    Part,
    Section,
    Share,
    Table,
    items,
)
from llmtrain_exporter.story.guard import guard_line
from llmtrain_exporter.story.numbers import duration, moment_text, number, percent
from llmtrain_exporter.story.phrase import joined, phrase
from llmtrain_exporter.story.sections import section_of
from llmtrain_exporter.story.unit import counted_in

ORDINARY = frozenset(("text", "no_number"))
"""What stands between the rows of any log of its kind: not worth a word."""

_PACE, _TRAINERS_OWN = series(c.RECENT_SECONDS_PER_STEP), series(c.REMAINING)
_COLOUR = {State.FAILED: Health.BROKEN, State.STALLED: Health.WATCH}


def progress(run: Snapshot) -> float | None:
    """Share of the planned steps that is done, None where one of both is unknown."""
    return run.last_step / run.max_steps if run.last_step is not None and run.max_steps else None


def remaining(run: Snapshot) -> float | None:
    """Seconds to the end of a run that goes on: by the pace of its last records, else as its trainer says."""
    if run.state is not State.RUNNING or is_stopped(run):
        return None
    pace = run.samples.get(_PACE)
    if pace is not None and run.max_steps and run.last_step is not None:
        return max(run.max_steps - run.last_step, 0) * pace
    return run.samples.get(_TRAINERS_OWN)


def facts_section(run: Snapshot, lang: Lang) -> Section:
    """What a run is, how far it is, what has been read of it."""
    return section_of(Part.FACTS, lang, None, items(fact_lines(run, lang), bare=True))


def fact_lines(run: Snapshot, lang: Lang) -> Iterator[Line]:
    """A line for each; the first says what the run is and does."""
    yield (", ".join((run.dialect, _profile(run, lang), _state(run, lang))),)
    counts = (
        words.TRAIN_RECORDS.of(run.records.get(RowKind.TRAIN, 0), lang),
        words.EVALUATIONS.of(run.records.get(RowKind.EVAL, 0), lang),
    )
    yield (words.COMMA.of(lang).join(counts),)
    if run.step_is_record and run.producer.states_steps:
        yield phrase(words.NO_STEPS, lang, file=Code(run.producer.states_steps))
    for resume in run.resumes:
        yield phrase(words.RESUMED, lang, **counted_in(run, lang), last=resume.last, first=resume.first)
    if run.kept:
        steps = words.LISTED.of(lang).join(map(str, run.kept))
        yield phrase(words.KEPT, lang, steps=steps, folder=Code(KEPT_FOLDER))
    yield from filter(None, (guard_line(run, lang), best_evaluation(run, lang)))
    strange = {reason: lines for reason, lines in run.skipped.items() if reason not in ORDINARY}
    if strange:
        yield phrase(words.SKIPPED, lang, reasons=skipped_text(strange, lang))


def _profile(run: Snapshot, lang: Lang) -> str:
    if run.profile == run.base:
        return run.profile
    return words.PROFILE.of(lang).format(name=run.profile, base=run.base)


def _state(run: Snapshot, lang: Lang) -> str:
    state = state_text(run, lang)
    step = _steps_taken(run, lang)
    return words.AT_STEP.of(lang).format(state=state, step=step, **counted_in(run, lang)) if step else state


def state_text(run: Snapshot, lang: Lang) -> str:
    """What a run does, in a word. One that its trainer closed before its last step is not finished."""
    if is_stopped(run):
        return words.STOPPED_BY_GUARD.of(lang)
    early = run.ended_early and run.state is State.FINISHED
    return (words.ENDED_EARLY if early else words.STATE[run.state.value]).of(lang)


def is_stopped(run: Snapshot) -> bool:
    """Whether a run goes on only by its log: its guard has stopped it, and has not started it again."""
    return run.state in (State.RUNNING, State.STALLED) and stopped_at(run) is not None


def step_text(run: Snapshot, lang: Lang) -> str:
    """The last step where nothing in front of it says so; of a run without steps the record."""
    taken = _steps_taken(run, lang)
    return words.STEP.of(lang).format(first=taken, **counted_in(run, lang)) if run.step_is_record else taken


def _steps_taken(run: Snapshot, lang: Lang) -> str:
    """The last step, and of how many where that is known."""
    if run.max_steps and run.last_step is not None:
        return words.OF_STEPS.of(lang).format(step=run.last_step, max=run.max_steps)
    return "" if run.last_step is None else str(run.last_step)


def best_evaluation(run: Snapshot, lang: Lang) -> Line:
    """The lowest evaluation loss, where the loss says something."""
    if run.best is None or not judged_by_loss(run):
        return ()
    loss, step = run.best
    form = words.BEST_ANYWHERE if step is None else words.BEST
    return phrase(form, lang, **counted_in(run, lang), loss=number(loss), step=step)


def judged_by_loss(run: Snapshot) -> bool:
    """Whether the loss says which checkpoint is the best; in GRPO it says nothing."""
    return run.base not in POLICIES


def skipped_text(skipped: Mapping[str, int], lang: Lang) -> str:
    """Skipped lines, by the reason why."""
    counts = (
        skips.COUNTS[reason].of(count, lang) if reason in skips.COUNTS else f"{count} {reason}"
        for reason, count in sorted(skipped.items())
    )
    return words.COMMA.of(lang).join(counts)


def progress_section(run: Snapshot, lang: Lang) -> Section | None:
    """How much is done; of a run that goes on how long it still takes, how fast it is, its last record."""
    lines: list[Line] = []
    done = progress(run)
    if done is not None:
        share = min(done, 1.0)
        colour = _COLOUR.get(run.state, Health.HEALTHY).name.lower()
        lines.append((Share(f"{share:.0%}", share, colour),))
    pace = tuple(_pace(run, lang))
    if pace:
        lines.append(joined(pace, words.COMMA.of(lang)))
    return section_of(Part.PROGRESS, lang, None, items(lines, bare=True)) if lines else None


def _pace(run: Snapshot, lang: Lang) -> Iterator[Line]:
    left, per_step = remaining(run), run.samples.get(_PACE)
    if left is not None:
        yield phrase(words.LEFT, lang, time=duration(left, lang))
    if per_step is not None and run.state is State.RUNNING:
        yield phrase(words.PER_STEP, lang, **counted_in(run, lang), time=duration(per_step, lang, digits=2))
    if run.last_record is not None and run.state in (State.RUNNING, State.STALLED):
        text = words.AT_MOMENT.of(lang).format(moment=moment_text(run.last_record))
        yield phrase(words.LAST_RECORD, lang, when=Moment(text, run.last_record))


def settings_section(run: Snapshot, lang: Lang) -> Section:
    """Where a run comes from, and the settings that it had."""
    details = Facts(tuple(_details(run, lang)))
    return section_of(Part.SETTINGS, lang, words.DETAILS, details, *_hyper_parameters(run, lang))


def _hyper_parameters(run: Snapshot, lang: Lang) -> Iterator[Section]:
    rows = tuple(((Code(name),), (written(value),)) for name, value in run.hyper_parameters.numbers.items())
    if rows:
        head = (words.SETTING.of(lang), words.SETTING_VALUE.of(lang))
        rescued = run.guard is not None and run.guard.settings
        where = words.SETTINGS_SINCE_RESCUE if rescued else words.SETTINGS_FROM
        table = Table(where.of(lang), head, rows)
        yield section_of(Part.SETTINGS, lang, words.SETTINGS, table)


def _details(run: Snapshot, lang: Lang) -> Iterator[tuple[str, Line]]:
    yield words.LOG.of(lang), (Code(run.file),)
    for name, text in run.hyper_parameters.info.items():
        yield name, (text,)
    if run.first_step is not None:
        yield words.TAKEN.of(lang).format(**counted_in(run, lang)).capitalize(), _steps(run, lang)
    if run.last_record is not None:
        at = run.last_record
        yield words.LAST_WRITTEN.of(lang), (Moment(moment_text(at), at),)


def _steps(run: Snapshot, lang: Lang) -> Line:
    first, last = run.first_step, run.last_step
    if run.max_steps and run.state is not State.WAITING:
        share = percent((last or 0) / run.max_steps)
        return phrase(
            words.TAKEN_OF,
            lang,
            **counted_in(run, lang),
            first=first,
            last=last,
            max=run.max_steps,
            share=share,
        )
    return phrase(words.TAKEN_RANGE, lang, first=first, last=last)
