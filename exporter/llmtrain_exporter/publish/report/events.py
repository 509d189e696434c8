"""What happened: each surge and drop, and the incidents with the order in which things broke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.draw.chart import Marks
from llmtrain_exporter.draw.from_history import FIT, around, chain, panels
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.advice import ADVICE
from llmtrain_exporter.knowledge.limits import SIGNALS
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.recoveries import RECOVERIES
from llmtrain_exporter.knowledge.signal import Family, Measure
from llmtrain_exporter.knowledge.text import fill, named
from llmtrain_exporter.model import Incident, Series
from llmtrain_exporter.publish.check_text import incident_of
from llmtrain_exporter.publish.report.material import Material, Moment, share
from llmtrain_exporter.publish.report.say import DASH, Say, percent
from llmtrain_exporter.publish.report.tree import (
    Block,
    Items,
    Line,
    Paragraph,
    Picture,
    Section,
    Strong,
    Table,
)
from llmtrain_exporter.story import verdict
from llmtrain_exporter.story.numbers import series_name
from llmtrain_exporter.story.run_object import run_object

EVENTS_TOLD = 400
"""Of more the first and the last half; a report is read by people."""

INCIDENTS_TOLD = 6

COLLAPSE = "collapse"


def events(told: Material, say: Say) -> Section:
    """Every episode of a signal, then what the signals say."""
    if not told.moments:
        return Section(say(r.EVENTS), (Paragraph(say(r.NO_EVENTS)),))
    head = (r.WHEN, r.SHARE, words.METRIC, r.SIGNAL, r.SEVERITY, r.BEFORE, r.AT, r.AFTER, r.LIMIT_HEAD)
    shown = _ends(told.moments, EVENTS_TOLD)
    rows = tuple(_event(moment, say) for moment in shown)
    blocks: list[Block] = [Paragraph(say(r.EVENTS_INTRO)), Table(say(r.EVENTS), tuple(map(say, head)), rows)]
    if len(shown) < len(told.moments):
        blocks.append(Paragraph(r.MORE_EVENTS.of(len(told.moments) - len(shown), say.lang), small=True))
    blocks.append(Section(say(r.EACH_SIGNAL), tuple(_signals(told, say))))
    return Section(say(r.EVENTS), tuple(blocks))


def _ends(moments: Sequence[Moment], most: int) -> Sequence[Moment]:
    return moments if len(moments) <= most else (*moments[: most // 2], *moments[-(most // 2) :])


def _event(moment: Moment, say: Say) -> tuple[Line, ...]:
    episode, one = moment.episode, moment.episode.metric
    truth = SIGNALS[episode.signal].measure is Measure.TRUTH
    lasting = say(r.LASTING) if episode.active else say.value(moment.after, one)
    return (
        _steps(moment, say),
        percent(moment.share),
        series_name(one),
        say.title(episode.signal),
        say.judged(episode.severity.value),
        say.value(moment.before, one),
        _peak(moment, say),
        lasting,
        DASH if truth else say.value(episode.limit, one),
    )


def _steps(moment: Moment, say: Say) -> str:
    first, last = moment.episode.first_step, moment.episode.last_step
    if moment.episode.active:
        return say(r.ON, first=first)
    return str(first) if first == last else f"{first}–{last}"  # noqa: RUF001  # from, to


def _peak(moment: Moment, say: Say) -> str:
    episode = moment.episode
    if episode.signal == COLLAPSE:  # its peak counts families, not the unit of its metric
        return DASH
    value = say.value(episode.peak, episode.metric)
    if episode.first_step == episode.last_step:
        return value
    return say(r.AT_STEP, value=value, step=episode.peak_step)


def _signals(told: Material, say: Say) -> Iterator[Section]:
    """What each signal that came up tells, what follows, and where to look."""
    for name in dict.fromkeys(moment.episode.signal for moment in told.moments):
        advice, settings = ADVICE[name], named(dict(told.run.settings.numbers))
        meaning, impact, *look = (
            fill(text, say.lang, settings) for text in (advice.meaning, advice.impact, *advice.diagnosis)
        )
        yield Section(
            advice.title.of(say.lang),
            (
                Paragraph((Strong(say(r.WHAT_IT_TELLS)), say.colon, meaning)),
                Paragraph((Strong(say(r.WHAT_FOLLOWS)), say.colon, impact)),
                Paragraph((Strong(say(r.LOOK_AT)), say.colon.rstrip())),
                Items(tuple(look)),
            ),
        )


def chains(told: Material, say: Say) -> Section:
    """Each incident: what broke first, what followed, how it ended."""
    incidents = told.run.incidents
    if not incidents:
        return Section(say(r.CHAINS), (Paragraph(say(r.NO_INCIDENTS)),))
    full, rest = incidents[:INCIDENTS_TOLD], incidents[INCIDENTS_TOLD:]
    blocks: list[Block] = [_incident(each, at, told, say) for at, each in enumerate(full, 1)]
    if rest:
        blocks.append(Paragraph(r.MORE_CHAINS.of(len(rest), say.lang)))
        blocks.append(Items(tuple(incident_of(each, say.style) for each in rest)))
    return Section(say(r.CHAINS), tuple(blocks))


def _incident(incident: Incident, at: int, told: Material, say: Say) -> Section:
    onset = incident.onset_step
    blocks: list[Block] = [Paragraph(incident_of(incident, say.style))]
    if incident.stages:
        blocks.append(_stages(incident, told, say))
    if incident.signals:
        signals = say.listed(say.title(name) for name in incident.signals)
        blocks.append(Paragraph(say(r.SIGNALS_IN_IT, signals=signals)))
    checkpoint = verdict.checkpoint_before(told.run, incident)
    if checkpoint is not None:
        blocks.append(Paragraph(say(words.BACK_TO, checkpoint=f"checkpoint-{checkpoint}")))
    blocks.extend(_picture(incident, at, told, say))
    blocks.extend(_recovery(incident, told, say))
    title = say(r.INCIDENT_AT, onset=onset, share=percent(share(onset, told.run)))
    return Section(title, tuple(blocks))


def _picture(incident: Incident, at: int, told: Material, say: Say) -> Iterator[Block]:
    told_incident = run_object(told.run)["incidents"][at - 1]  # type: ignore[index]  # a list, in their order
    drawn = chain(told.drawn, told_incident) if told.run.base == GRPO else panels(told.drawn, FIT)
    if drawn:
        window = around(told.drawn, told_incident)
        marks = Marks(told.marks.incidents, told.marks.resumes, window)
        caption = say(r.CHAIN_CHART, onset=incident.onset_step)
        yield Picture(f"incident-{at}", caption, tuple(drawn), marks)


def _stages(incident: Incident, told: Material, say: Say) -> Table:
    head = (r.STAGE_HEAD, r.FROM_STEP, r.LATER, r.SIGNAL, words.METRIC, r.BEFORE, r.AT)
    rows = [row for stage, step in incident.stages for row in _stage(stage, step, incident, told, say)]
    return Table(say(r.CHAINS), tuple(map(say, head)), tuple(rows))


def _stage(stage: str, step: int, incident: Incident, told: Material, say: Say) -> Iterator[tuple[Line, ...]]:
    """A row for each signal of a family that was there in the incident; one row at least."""
    begun: tuple[Line, ...] = (words.STAGE[stage].of(say.lang), str(step), f"+{step - incident.onset_step}")
    found = list(_of_family(Family(stage), incident, told))
    for moment in found:
        episode = moment.episode
        yield (
            *begun,
            say.title(episode.signal),
            series_name(episode.metric),
            say.value(moment.before, episode.metric),
            _peak(moment, say),
        )
    if not found:
        yield (*begun, DASH, DASH, DASH, DASH)


def _of_family(family: Family, incident: Incident, told: Material) -> Iterator[Moment]:
    end = incident.recovery_step
    seen: set[tuple[str, Series]] = set()
    for moment in told.moments:
        episode = moment.episode
        key = episode.signal, episode.metric
        inside = episode.last_step >= incident.onset_step and (end is None or episode.first_step <= end)
        if SIGNALS[episode.signal].family is family and inside and episode.signal in incident.signals:
            if key not in seen:
                yield moment
            seen.add(key)


def _recovery(incident: Incident, told: Material, say: Say) -> Iterator[Block]:
    end = incident.recovery_step
    if end is None or end <= incident.onset_step or told.run.base != GRPO:
        return
    back = [
        moment
        for moment in told.moments
        if not moment.episode.active
        and moment.after is not None
        and incident.onset_step <= moment.episode.first_step <= end
        and moment.episode.signal != COLLAPSE
    ]
    settings = named(dict(told.run.settings.numbers))
    lines: list[Line] = []
    for recovery in RECOVERIES.values():
        shown = [moment for moment in back if moment.episode.metric.metric in recovery.metrics]
        evidence = say.listed(dict.fromkeys(_shows(moment, say) for moment in shown))
        how = fill(recovery.how, say.lang, settings)
        said = say.sentences((how, evidence + say(r.STOP).rstrip()) if evidence else (how,))
        lines.append((Strong(recovery.name.of(say.lang)), say.colon, said))
    intro = Paragraph(say(r.RECOVERY_INTRO, end=end))
    yield Section(say(r.RECOVERY), (intro, Items(tuple(lines))))


def _shows(moment: Moment, say: Say) -> str:
    one = moment.episode.metric
    peak, after = say.value(moment.episode.peak, one), say.value(moment.after, one)
    return say(r.SHOWS, metric=series_name(one), peak=peak, after=after)
