"""What happened to a run: its incidents with what broke in which order, and each signal that came up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.analyse.guarded import rescue_of, stopped_at
from llmtrain_exporter.analyse.ways_back import checkpoint_name
from llmtrain_exporter.knowledge import guard_story_words
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, Incident, Snapshot, State
from llmtrain_exporter.story.blocks import (
    Code,
    Cut,
    Item,
    Items,
    Joint,
    Line,
    Mark,
    Moment,
    Paragraph,
    Part,
    Section,
    Span,
    Strong,
)
from llmtrain_exporter.story.diagnosis import NBSP, Finding, checkpoint_before, findings
from llmtrain_exporter.story.lost import lost_line
from llmtrain_exporter.story.numbers import moment_text
from llmtrain_exporter.story.phrase import joined, parts, phrase
from llmtrain_exporter.story.sections import section_of
from llmtrain_exporter.story.unit import counted_in


def incidents_section(run: Snapshot, lang: Lang) -> Section | None:
    """The incidents in their order, each with the checkpoint to go back to; then what they have cost."""
    if not run.incidents:
        return None
    incidents = tuple(_incident(run, incident, lang) for incident in run.incidents)
    listed = Items(incidents, bare=True, cut=Cut.MIDDLE)
    lost = lost_line(run, lang)
    cost = (Paragraph(lost),) if lost else ()
    return section_of(Part.INCIDENTS, lang, words.WHAT_HAPPENED, listed, *cost)


def _incident(run: Snapshot, incident: Incident, lang: Lang) -> Item:
    back = back_to(run, incident, lang)
    return Item(incident_line(run, incident, lang), (back,) if back else ())


def back_to(run: Snapshot, incident: Incident, lang: Lang) -> Line:
    """The last checkpoint from before an incident; empty where none is there."""
    step = checkpoint_before(run, incident)
    return () if step is None else phrase(words.BACK_TO, lang, checkpoint=Code(checkpoint_name(run, step)))


def incident_line(run: Snapshot, incident: Incident, lang: Lang) -> Line:
    """An incident: from when until when, and what broke in which order."""
    unit = counted_in(run, lang)
    onset, peak, end = incident.onset_step, incident.peak_step, incident.recovery_step
    begun = Span(words.INCIDENT.of(lang).format(onset=onset, **unit), onset, end)
    lines: list[Line] = [(begun,), _over(run, incident, lang)]
    if peak != onset:
        lines.insert(1, phrase(words.WORST, lang, **unit, peak=peak))
    course = joined(lines, words.COMMA.of(lang))
    chain = chain_line(incident, lang)
    return joined((course, chain), Joint(words.COLON.of(lang))) if chain else course


def _over(run: Snapshot, incident: Incident, lang: Lang) -> Line:
    """How an incident ended: by itself, by a rescue, by going back, or not at all."""
    end, rescue = incident.recovery_step, rescue_of(run, incident)
    if rescue is not None:
        form = guard_story_words.ENDED_BY_RESCUE
        return phrase(form, lang, step=rescue.stopped_at, back=rescue.from_step)
    stop = stopped_at(run) if incident.active and incident is run.incidents[-1] else None
    if stop is not None:
        return phrase(guard_story_words.ENDED_BY_STOP, lang, step=stop)
    form = words.LASTS if end is None else words.RECOVERED if end > incident.peak_step else words.UNDONE
    return phrase(form, lang, **counted_in(run, lang), end=end)


def ending(run: Snapshot, lang: Lang) -> Item | None:
    """How the last incident ended, as a headline says it; None where it lasts in a run that goes on."""
    if not run.incidents:
        return None
    incident = run.incidents[-1]
    end = incident.recovery_step
    if end is not None:
        return Item((Mark(Health.HEALTHY.name.lower(), _well_over(run, incident, end, lang)),))
    stop = stopped_at(run)
    if stop is not None and run.guard is not None:
        gave_up = run.guard.state == "gave_up"
        form = guard_story_words.GIVEN_UP_AT if gave_up else guard_story_words.STOPPED_AT
        return Item((Mark(Health.WATCH.name.lower(), form.of(lang).format(step=stop)),))
    if run.state.value not in words.UNRECOVERED:
        return None
    mark = Mark(Health.WATCH.name.lower(), words.UNRECOVERED[run.state.value].of(lang))
    return Item((mark,), tuple(_silence(run, lang)))


def _well_over(run: Snapshot, incident: Incident, end: int, lang: Lang) -> str:
    rescue = rescue_of(run, incident)
    if rescue is not None:
        form = guard_story_words.RESCUED_AT
        return form.of(lang).format(step=rescue.stopped_at, back=rescue.from_step)
    form = words.RECOVERED_AT if end > incident.peak_step else words.WENT_BACK_TO
    return form.of(lang).format(end=end, **counted_in(run, lang))


def _silence(run: Snapshot, lang: Lang) -> Iterator[Line]:
    at = run.last_record
    if run.state is State.STALLED and at is not None:
        form = words.CUT_OFF_SINCE if run.cut_off else words.SILENT_SINCE
        yield phrase(form, lang, when=Moment(moment_text(at), at))


def chain_line(incident: Incident, lang: Lang) -> Line:
    """What broke in an incident, in order: "KL (7) -> length (8)"; one alone without step, the onset's."""
    several = len(incident.stages) > 1
    stages = [
        Span(words.STAGE[stage].of(lang) + (f"{NBSP}({step})" if several else ""), step, step)
        for stage, step in incident.stages
    ]
    return joined(((stage,) for stage in stages), Joint(" -> "))


def findings_section(run: Snapshot, lang: Lang) -> Section | None:
    """Each signal, by its beginning; those that say nothing against the run are left out first."""
    found = findings(run, lang)
    if not found:
        return None
    listed = tuple(
        Item(finding_line(run, finding, lang), rank=rank)
        for finding, rank in zip(found, _order_of_need(run, found), strict=True)
    )
    cut = Cut.FIRST if run.incidents else Cut.MIDDLE
    return section_of(Part.FINDINGS, lang, words.WHAT_HAPPENED, Items(listed, cut=cut))


def _order_of_need(run: Snapshot, found: Sequence[Finding]) -> list[int]:
    """A rank for each: 0 of what is critical or began an incident; of warnings the later go before those."""
    begun = {_beginning(incident, found) for incident in run.incidents}
    ranks: list[int] = []
    for at, finding in enumerate(found, 1):
        info = finding.severity is Severity.INFO
        needed = finding.severity is Severity.CRITICAL or (finding.first_step in begun and not info)
        ranks.append(0 if needed else len(found) + at if info else at)
    return ranks


def _beginning(incident: Incident, found: Sequence[Finding]) -> int | None:
    """The step of the first signal of an incident."""
    steps = (finding.first_step for finding in found if finding.severity is not Severity.INFO)
    return min((step for step in steps if step >= incident.onset_step), default=None)


def finding_line(run: Snapshot, finding: Finding, lang: Lang) -> Line:
    """A signal: when it was there, how bad it is, and its worst."""
    return parts(
        words.FINDING,
        lang,
        when=Span(_when(run, finding, lang), finding.first_step, finding.last_step),
        severity=severity_mark(finding.severity, lang),
        title=Strong(finding.title),
        text=finding.text,
    )


def severity_mark(severity: Severity, lang: Lang) -> Mark:
    """The word for how bad a signal is."""
    return Mark(severity.value, words.JUDGED[severity.value].of(lang))


def _when(run: Snapshot, finding: Finding, lang: Lang) -> str:
    when = steps_text(run, finding.first_step, finding.last_step, lang)
    if finding.times == 1:
        return when
    form = words.TWICE if finding.times == 2 else words.TIMES
    return form.of(lang).format(when=when, times=finding.times)


def steps_text(run: Snapshot, first: int, last: int | None, lang: Lang) -> str:
    """From one step to another: "step 7", "steps 7 to 9", "from step 7 on" where it lasts; or records."""
    form = words.STEPS_ON if last is None else words.STEP if last == first else words.STEPS
    return form.of(lang).format(first=first, last=last, **counted_in(run, lang))
