"""The verdict on runs as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.advice import ADVICE
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.remedy import Proposal
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Text, written
from llmtrain_exporter.model import Health, Incident, Kind, Snapshot, State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.style import Style
from llmtrain_exporter.publish.table import Courses, table
from llmtrain_exporter.publish.wrap import NBSP, columns, padded, wrapped
from llmtrain_exporter.story import verdict

Other = tuple[str, str, Mapping[str, int]]
"""A file that is no run: its path, why, and its lines by reason."""

INCIDENTS_TOLD = 8
"""Of more the first and the last are told."""

INDENT = 2

ORDINARY = "text"
"""Lines of a printed log that are no record as they should be: not worth a word."""


def as_text(
    runs: Sequence[Snapshot],
    others: Sequence[Other],
    style: Style,
    verbose: bool,
    courses: Mapping[str, Courses] = MappingProxyType({}),
) -> Iterator[str]:
    """The verdict on each run, and the files that are none.

    Of several runs each has a line, the worst first; those that are not healthy, or with `verbose` all, are
    then told in full. `courses`: by run, the values to draw beside its metrics.
    """
    ordered = sorted(runs, key=lambda run: -run.verdict.value)
    several = len(ordered) > 1
    if several:
        yield from (f"{line}\n" for line in _overview(ordered, style))
    for at, run in enumerate(ordered):
        if verbose or not several or run.verdict is not Health.HEALTHY:
            yield "\n" if several or at else ""
            yield from _lines(_run(run, courses.get(run.run, {}), style), style)
    if runs and others:
        yield "\n"
    yield from _lines((_other(*other, style) for other in others), style)


def _lines(texts: Iterator[str], style: Style) -> Iterator[str]:
    yield from (f"{line}\n" for text in texts for line in wrapped(text, style.width))


def _overview(runs: Sequence[Snapshot], style: Style) -> Iterator[str]:
    yield counts_of(runs, style)
    rows = [
        (
            style.mark(words.HEALTH, run.verdict.name.lower()),
            in_short(run, style),
            step_of(run, style),
            printable(run.run),
        )
        for run in runs
    ]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        yield f"  {'  '.join(map(padded, cells, widths))}".rstrip()


def counts_of(runs: Sequence[Snapshot], style: Style) -> str:
    """How many runs there are, and how many are how."""
    counts = (
        (sum(run.verdict is health for run in runs), style.mark(words.HEALTH, health.name.lower()))
        for health in reversed(Health)
    )
    told = words.COMMA.of(style.lang).join(f"{count} {word}" for count, word in counts if count)
    return f"{words.RUNS.of(len(runs), style.lang)}{words.COLON.of(style.lang)}{told}"


def in_short(run: Snapshot, style: Style) -> str:
    """The worst that speaks against a run, and how much else does."""
    against = verdict.against(run)
    if not against:
        return ""
    more = f" (+{len(against) - 1})" if len(against) > 1 else ""
    return ADVICE[against[0]].title.of(style.lang) + more


def _run(run: Snapshot, courses: Courses, style: Style) -> Iterator[str]:
    yield f"{printable(run.run)}: {style.mark(words.HEALTH, run.verdict.name.lower())}"
    drawn = _table(run, courses, style)
    parts = (facts_of(run, style), drawn, *(part(run, style) for part in (events_of, causes_of, actions_of)))
    for at, part in enumerate(parts):
        lines = [f"{' ' * INDENT}{line}".rstrip() for line in part]
        yield from [""] if lines and at else []
        yield from lines


def facts_of(run: Snapshot, style: Style) -> Iterator[str]:
    """What a run is, how far it is, what has been read of it."""
    profile = run.profile
    if profile != run.base:
        profile = style.say(words.PROFILE, name=printable(run.profile), base=run.base)
    state = words.STATE[run.state.value].of(style.lang)
    if run.last_step is not None:
        state = style.say(words.AT_STEP, state=state, step=step_of(run, style))
    yield f"{run.dialect}, {profile}, {state}"
    train, evaluations = run.records.get(Kind.TRAIN, 0), run.records.get(Kind.EVAL, 0)
    yield words.COMMA.of(style.lang).join(
        (words.TRAIN_RECORDS.of(train, style.lang), words.EVALUATIONS.of(evaluations, style.lang))
    )
    for resume in run.resumes:
        yield style.say(words.RESUMED, last=resume.last, first=resume.first)
    if run.best is not None and run.base != GRPO:  # where the loss says nothing
        loss, step = run.best
        yield style.say(words.BEST_ANYWHERE if step is None else words.BEST, loss=f"{loss:.4g}", step=step)
    strange = {reason: lines for reason, lines in run.skipped.items() if reason != ORDINARY}
    if strange:
        yield style.say(words.SKIPPED, reasons=_reasons(strange))
    if not train:
        yield words.NOTHING_TO_JUDGE.of(style.lang)
    elif run.verdict is Health.HEALTHY and run.state not in (State.STALLED, State.FAILED):
        speaking = sum(any(each is not Severity.INFO for each in bounds) for bounds in run.limits.values())
        yield style.say(words.ALL_WELL, signals=speaking, profile=printable(run.profile))


def step_of(run: Snapshot, style: Style) -> str:
    """The last step, and of how many where that is known."""
    if run.max_steps and run.last_step is not None:
        return style.say(words.OF_STEPS, step=run.last_step, max=run.max_steps)
    return "" if run.last_step is None else str(run.last_step)


def _table(run: Snapshot, courses: Courses, style: Style) -> Iterator[str]:
    for line in table(run, courses, replace(style, width=style.width - INDENT)):
        yield line.replace(" ", NBSP)


def events_of(run: Snapshot, style: Style) -> Iterator[str]:
    """The incidents of a run, then its signals in the order in which they began."""
    findings = verdict.findings(run, style.lang)
    if findings or run.incidents:
        yield words.WHAT_HAPPENED.of(style.lang)
    yield from (f"  {line}" for line in _incidents(run, style))
    yield from (f"  - {finding_of(one, style)}" for one in findings)


def finding_of(one: verdict.Finding, style: Style) -> str:
    """A signal: when it was there, how bad it is, and its worst."""
    return style.say(
        words.FINDING,
        when=_when(one, style),
        severity=style.mark(words.JUDGED, one.severity.value),
        title=one.title,
        text=printable(one.text),
    )


def _incidents(run: Snapshot, style: Style) -> Iterator[str]:
    dropped = max(len(run.incidents) - INCIDENTS_TOLD, 0)
    for at, incident in enumerate(run.incidents):
        if dropped and at == INCIDENTS_TOLD // 2:
            yield words.MORE_INCIDENTS.of(dropped, style.lang)
        if INCIDENTS_TOLD // 2 <= at < INCIDENTS_TOLD // 2 + dropped:
            continue
        yield incident_of(incident, style)
        checkpoint = verdict.checkpoint_before(run, incident)
        if checkpoint is not None:
            yield f"  {style.say(words.BACK_TO, checkpoint=f'checkpoint-{checkpoint}')}"


def incident_of(incident: Incident, style: Style) -> str:
    """An incident: from when until when, and what broke in which order."""
    onset, peak, end = incident.onset_step, incident.peak_step, incident.recovery_step
    over = words.LASTS if end is None else words.RECOVERED if end > peak else words.UNDONE
    said = (words.INCIDENT, words.WORST, over) if peak != onset else (words.INCIDENT, over)
    told = words.COMMA.of(style.lang).join(style.say(part, onset=onset, peak=peak, end=end) for part in said)
    chain = chain_of(incident, style)
    return f"{told}{words.COLON.of(style.lang)}{chain}" if chain else told


def chain_of(incident: Incident, style: Style) -> str:
    """What broke in an incident, in order: "KL (7) -> length (8)"; one alone without step, the onset's."""
    several = len(incident.stages) > 1
    stages = [
        words.STAGE[stage].of(style.lang) + (f"{NBSP}({step})" if several else "")
        for stage, step in incident.stages
    ]
    return " -> ".join(stages)


def _when(one: verdict.Finding, style: Style) -> str:
    said = words.STEP if one.last_step == one.first_step else words.STEPS
    when = style.say(
        words.STEPS_ON if one.last_step is None else said, first=one.first_step, last=one.last_step
    )
    if one.times == 1:
        return when
    return style.say(words.TWICE if one.times == 2 else words.TIMES, when=when, times=one.times)


def causes_of(run: Snapshot, style: Style) -> Iterator[str]:
    """The likely causes of what happened."""
    causes = verdict.causes(run, style.lang)
    if causes:
        yield words.WHY.of(style.lang)
    yield from (f"  - {cause}" for cause in causes)


def actions_of(run: Snapshot, style: Style) -> Iterator[str]:
    """What to do, each thing with the line that says how."""
    actions = verdict.actions(run, style.lang)
    if actions:
        yield words.WHAT_TO_DO.of(style.lang)
    for at, action in enumerate(actions, 1):
        yield f"  {at}. {action_of(action, style)}"
        yield f"     {action.how}"


def action_of(action: verdict.Action, style: Style) -> str:
    """One thing to do, with the settings that it changes."""
    changes = words.COMMA.of(style.lang).join(_change(each, style) for each in action.proposals)
    return f"{action.title}{words.COLON.of(style.lang)}{changes}" if changes else action.title


def _change(proposal: Proposal, style: Style) -> str:
    """ "--beta 0.1 (now 0.04)"; see `knowledge.remedy.Proposal`."""
    told = proposal.change.replace(" ", NBSP)
    return told if proposal.now is None else told + style.say(words.NOW, now=written(proposal.now))


def _other(file: str, reason: str, skipped: Mapping[str, int], style: Style) -> str:
    why = words.NO_RUNS.get(reason, Text(reason, reason)).of(style.lang)
    counts = f" ({_reasons(skipped)})" if skipped else ""
    return f"{printable(file)}: {style.say(words.NO_RUN, reason=printable(why))}{counts}"


def _reasons(skipped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in sorted(skipped.items()))
