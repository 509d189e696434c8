"""The verdict on runs as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from exporter.analyse import verdict
from exporter.knowledge import words
from exporter.knowledge.advice import ADVICE
from exporter.knowledge.profile import GRPO
from exporter.knowledge.remedy import Proposal
from exporter.knowledge.signal import Severity
from exporter.knowledge.text import Lang, Text, written
from exporter.model import Health, Incident, Kind, Snapshot, State
from exporter.printable import printable
from exporter.publish.wrap import NBSP, columns, padded, shortened, wrapped

Other = tuple[str, str, Mapping[str, int]]
"""A file that is no run: its path, why, and its lines by reason."""

COLOURS = {
    **dict.fromkeys(("healthy", "fine"), "green"),
    **dict.fromkeys(("watch", "warning", "look"), "yellow"),
    **dict.fromkeys(("broken", "critical"), "red"),
    "info": "cyan",
}
"""By health, severity, and what is thought of a value."""

INCIDENTS_TOLD = 8
"""Of more the first and the last are told."""

ORDINARY = "text"
"""Lines of a printed log that are no record as they should be: not worth a word."""


@dataclass(frozen=True, slots=True)
class Style:
    """How it is written: language, columns of the terminal, colours or none."""

    lang: Lang
    width: int
    coloured: bool = False

    def say(self, said: Text, **values: object) -> str:
        """A text with its placeholders filled."""
        return said.of(self.lang).format(**values)

    def mark(self, table: Mapping[str, Text], key: str) -> str:
        """A verdict word."""
        word, colour = table[key].of(self.lang), COLOURS.get(key)
        return click.style(word, fg=colour) if self.coloured and colour else word


def as_text(runs: Sequence[Snapshot], others: Sequence[Other], style: Style, verbose: bool) -> Iterator[str]:
    """The verdict on each run, and the files that are none.

    Of several runs each has a line, the worst first; those that are not healthy, or with `verbose` all, are
    then told in full.
    """
    ordered = sorted(runs, key=lambda run: -run.verdict.value)
    several = len(ordered) > 1
    if several:
        yield from (f"{line}\n" for line in _overview(ordered, style))
    for at, run in enumerate(ordered):
        if verbose or not several or run.verdict is not Health.HEALTHY:
            yield "\n" if several or at else ""
            yield from _lines(_run(run, style), style)
    if runs and others:
        yield "\n"
    yield from _lines((_other(*other, style) for other in others), style)


def _lines(texts: Iterator[str], style: Style) -> Iterator[str]:
    yield from (f"{line}\n" for text in texts for line in wrapped(text, style.width))


def _overview(runs: Sequence[Snapshot], style: Style) -> Iterator[str]:
    counts = (
        (sum(run.verdict is health for run in runs), style.mark(words.HEALTH, health.name.lower()))
        for health in reversed(Health)
    )
    told = words.COMMA.of(style.lang).join(f"{count} {word}" for count, word in counts if count)
    yield f"{words.RUNS.of(len(runs), style.lang)}{words.COLON.of(style.lang)}{told}"
    rows = [
        (
            style.mark(words.HEALTH, run.verdict.name.lower()),
            _in_short(run, style),
            _step(run, style),
            printable(run.run),
        )
        for run in runs
    ]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        yield f"  {'  '.join(map(padded, cells, widths))}".rstrip()


def _in_short(run: Snapshot, style: Style) -> str:
    """The worst that speaks against a run, and how much else does."""
    against = verdict.against(run)
    if not against:
        return ""
    more = f" (+{len(against) - 1})" if len(against) > 1 else ""
    return ADVICE[against[0]].title.of(style.lang) + more


def _run(run: Snapshot, style: Style) -> Iterator[str]:
    yield f"{printable(run.run)}: {style.mark(words.HEALTH, run.verdict.name.lower())}"
    for at, part in enumerate((_facts, _table, _events, _causes, _actions)):
        lines = [f"  {line}".rstrip() for line in part(run, style)]
        yield from [""] if lines and at else []
        yield from lines


def _facts(run: Snapshot, style: Style) -> Iterator[str]:
    profile = run.profile
    if profile != run.base:
        profile = style.say(words.PROFILE, name=printable(run.profile), base=run.base)
    state = words.STATE[run.state.value].of(style.lang)
    if run.last_step is not None:
        state = style.say(words.AT_STEP, state=state, step=_step(run, style))
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


def _step(run: Snapshot, style: Style) -> str:
    if run.max_steps and run.last_step is not None:
        return style.say(words.OF_STEPS, step=run.last_step, max=run.max_steps)
    return "" if run.last_step is None else str(run.last_step)


def _table(run: Snapshot, style: Style) -> Iterator[str]:
    """The metrics that matter, and every other that something is said against."""
    rows = [
        (printable(row.name), row.value, row.healthy, style.mark(words.JUDGED, row.judged))
        for row in verdict.rows(run)
        if row.main or row.judged not in ("", "fine")
    ]
    if not rows:
        return
    head = tuple(word.of(style.lang) for word in (words.METRIC, words.VALUE, words.RANGE, words.VERDICT))
    widths = [max(map(columns, column)) for column in zip(head, *rows, strict=True)]
    widths[0] = min(widths[0], max(style.width - sum(widths[1:]) - 8, 12))
    for name, *cells in (head, *rows):
        line = "  ".join(map(padded, (shortened(name, widths[0]), *cells), widths))
        yield line.rstrip().replace(" ", NBSP)


def _events(run: Snapshot, style: Style) -> Iterator[str]:
    findings = verdict.findings(run, style.lang)
    if findings or run.incidents:
        yield words.WHAT_HAPPENED.of(style.lang)
    yield from (f"  {line}" for line in _incidents(run, style))
    for one in findings:
        told = style.say(
            words.FINDING,
            when=_when(one, style),
            severity=style.mark(words.JUDGED, one.severity.value),
            title=one.title,
            text=printable(one.text),
        )
        yield f"  - {told}"


def _incidents(run: Snapshot, style: Style) -> Iterator[str]:
    dropped = max(len(run.incidents) - INCIDENTS_TOLD, 0)
    for at, incident in enumerate(run.incidents):
        if dropped and at == INCIDENTS_TOLD // 2:
            yield words.MORE_INCIDENTS.of(dropped, style.lang)
        if INCIDENTS_TOLD // 2 <= at < INCIDENTS_TOLD // 2 + dropped:
            continue
        yield _incident(incident, style)
        checkpoint = verdict.checkpoint_before(run, incident)
        if checkpoint is not None:
            yield f"  {style.say(words.BACK_TO, checkpoint=f'checkpoint-{checkpoint}')}"


def _incident(incident: Incident, style: Style) -> str:
    onset, peak, end = incident.onset_step, incident.peak_step, incident.recovery_step
    over = words.LASTS if end is None else words.RECOVERED if end > peak else words.UNDONE
    said = (words.INCIDENT, words.WORST, over) if peak != onset else (words.INCIDENT, over)
    told = words.COMMA.of(style.lang).join(style.say(part, onset=onset, peak=peak, end=end) for part in said)
    several = len(incident.stages) > 1  # else the step is the onset's
    stages = [
        words.STAGE[stage].of(style.lang) + (f"{NBSP}({step})" if several else "")
        for stage, step in incident.stages
    ]
    return f"{told}{words.COLON.of(style.lang)}{' -> '.join(stages)}" if stages else told


def _when(one: verdict.Finding, style: Style) -> str:
    said = words.STEP if one.last_step == one.first_step else words.STEPS
    when = style.say(
        words.STEPS_ON if one.last_step is None else said, first=one.first_step, last=one.last_step
    )
    if one.times == 1:
        return when
    return style.say(words.TWICE if one.times == 2 else words.TIMES, when=when, times=one.times)


def _causes(run: Snapshot, style: Style) -> Iterator[str]:
    causes = verdict.causes(run, style.lang)
    if causes:
        yield words.WHY.of(style.lang)
    yield from (f"  - {cause}" for cause in causes)


def _actions(run: Snapshot, style: Style) -> Iterator[str]:
    actions = verdict.actions(run, style.lang)
    if actions:
        yield words.WHAT_TO_DO.of(style.lang)
    for at, action in enumerate(actions, 1):
        changes = words.COMMA.of(style.lang).join(_change(each, style) for each in action.proposals)
        colon = words.COLON.of(style.lang) if changes else ""
        yield f"  {at}. {action.title}{colon}{changes}"
        yield f"     {action.how}"


def _change(proposal: Proposal, style: Style) -> str:
    """ "--beta 0.1 (now 0.04)"; without a flag "beta -> 0.1"; without a value what is known of it."""
    told = proposal.change if proposal.value is None else proposal.flag
    if proposal.value is None and proposal.flag and told == proposal.setting:
        told = proposal.flag
    elif not told:
        told = f"{proposal.setting} -> {written(proposal.value or '')}"
    told = told.replace(" ", NBSP)
    return told if proposal.now is None else told + style.say(words.NOW, now=written(proposal.now))


def _other(file: str, reason: str, skipped: Mapping[str, int], style: Style) -> str:
    why = words.NO_RUNS.get(reason, Text(reason, reason)).of(style.lang)
    counts = f" ({_reasons(skipped)})" if skipped else ""
    return f"{printable(file)}: {style.say(words.NO_RUN, reason=printable(why))}{counts}"


def _reasons(skipped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in sorted(skipped.items()))
