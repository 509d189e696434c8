"""The incidents of the run: what broke first, what followed, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from llmtrain_exporter.draw.from_history import FIT, around, chain, panels
from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.recoveries import RECOVERIES, Recovery
from llmtrain_exporter.knowledge.signal import Family
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import fill, named
from llmtrain_exporter.model import Incident, Series, Snapshot
from llmtrain_exporter.publish.report.events import peak_text
from llmtrain_exporter.publish.report.material import Excursion, Material, share
from llmtrain_exporter.publish.report.picture import Picture
from llmtrain_exporter.publish.report.say import Say, cells, chapter, paragraph
from llmtrain_exporter.story.blocks import Block, Line, Paragraph, Section, Strong, Table, items
from llmtrain_exporter.story.diagnosis import COLLAPSE
from llmtrain_exporter.story.events import back_to, incident_line
from llmtrain_exporter.story.numbers import DASH, percent, series_name
from llmtrain_exporter.story.run_object import run_object

MOST_INCIDENTS = 6
"""Those beyond are told in a line each."""


MOST_OF_IT = 0.7
"""Share of a run from which on a picture of it is one of the whole run."""


def chains(material: Material, say: Say) -> Section:
    """Each incident: what broke first, what followed, how it ended."""
    incidents = material.run.incidents
    if not incidents:
        return chapter(say(r.CHAINS), paragraph(say(r.NO_INCIDENTS)))
    full, rest = incidents[:MOST_INCIDENTS], incidents[MOST_INCIDENTS:]
    blocks: list[Block] = [_incident(incident, at, material, say) for at, incident in enumerate(full)]
    if rest:
        blocks.append(paragraph(r.MORE_CHAINS.of(len(rest), say.lang)))
        blocks.append(items(incident_line(material.run, incident, say.lang) for incident in rest))
    return chapter(say(r.CHAINS), *blocks)


def _incident(incident: Incident, at: int, material: Material, say: Say) -> Section:
    onset = incident.onset_step
    blocks: list[Block] = [Paragraph(incident_line(material.run, incident, say.lang))]
    if incident.stages:
        blocks.append(_stages(incident, material, say))
    if incident.signals:
        signals = say.listed(map(say.title, incident.signals))
        blocks.append(paragraph(say(r.SIGNALS_IN_IT, signals=signals)))
    back = back_to(material.run, incident, say.lang)
    if back:
        blocks.append(Paragraph(back))
    blocks.extend(_picture(incident, at, material, say))
    blocks.extend(_recovery(incident, material, say))
    return chapter(say(r.INCIDENT_AT, onset=onset, share=percent(share(onset, material.run))), *blocks)


def _picture(incident: Incident, at: int, material: Material, say: Say) -> Iterator[Block]:
    drawn_as: Mapping[str, Any] = run_object(material.run)["incidents"][at]  # type: ignore[index]  # a list
    if _is_most_of_it(around(material.drawn, drawn_as), material.run):
        return  # the chart of the whole run shows the same
    drawn = chain(material.drawn, drawn_as) if material.run.base in POLICIES else panels(material.drawn, FIT)
    if drawn:
        marks = replace(material.marks, window=around(material.drawn, drawn_as))
        caption = say(r.CHAIN_CHART, onset=incident.onset_step)
        yield Picture(f"incident-{at + 1}", caption, tuple(drawn), marks)


def _is_most_of_it(window: tuple[float, float], run: Snapshot) -> bool:
    whole = (run.last_step or 0) - (run.first_step or 0)
    return window[1] - window[0] >= MOST_OF_IT * whole


def _stages(incident: Incident, material: Material, say: Say) -> Table:
    head = (r.STAGE_HEAD, r.FROM_STEP, r.LATER, r.SIGNAL, words.METRIC, r.BEFORE, r.AT)
    rows = (
        cells(words.STAGE[stage].of(say.lang), str(step), f"+{step - incident.onset_step}", *signal)
        for stage, step in incident.stages
        for signal in _signals_of(Family(stage), incident, material, say)
    )
    return Table(say(r.CHAINS), tuple(map(say, head)), tuple(rows))


def _signals_of(family: Family, incident: Incident, material: Material, say: Say) -> list[tuple[str, ...]]:
    """Cells for each signal of a family that was there in the incident; of one at least."""
    return [
        (
            say.title(excursion.episode.signal),
            series_name(excursion.episode.metric),
            say.value(excursion.before, excursion.episode.metric),
            peak_text(excursion, say),
        )
        for excursion in _of_family(family, incident, material)
    ] or [(DASH,) * 4]


def _of_family(family: Family, incident: Incident, material: Material) -> Iterator[Excursion]:
    """The first of each signal and series."""
    end = incident.recovery_step
    seen: set[tuple[str, Series]] = set()
    for excursion in material.excursions:
        episode = excursion.episode
        key = episode.signal, episode.metric
        inside = episode.last_step >= incident.onset_step and (end is None or episode.first_step <= end)
        if SIGNALS[episode.signal].family is family and inside and episode.signal in incident.signals:
            if key not in seen:
                yield excursion
            seen.add(key)


def _recovery(incident: Incident, material: Material, say: Say) -> Iterator[Block]:
    end = incident.recovery_step
    if end is None or end <= incident.onset_step or material.run.base not in POLICIES:
        return
    back = [
        excursion
        for excursion in material.excursions
        if not excursion.episode.active
        and excursion.after is not None
        and incident.onset_step <= excursion.episode.first_step <= end
        and excursion.episode.signal != COLLAPSE
    ]
    lines = [_recovered_by(recovery, back, material, say) for recovery in RECOVERIES.values()]
    yield chapter(say(r.RECOVERY), paragraph(say(r.RECOVERY_INTRO, end=end)), items(lines))


def _recovered_by(recovery: Recovery, back: list[Excursion], material: Material, say: Say) -> Line:
    """What can bring a run back, and what the log shows of it."""
    shown = [excursion for excursion in back if excursion.episode.metric.metric in recovery.metrics]
    evidence = say.listed(dict.fromkeys(_shows(excursion, say) for excursion in shown))
    how = fill(recovery.how, say.lang, named(dict(material.run.hyper_parameters.numbers)))
    sentences = (how, evidence + say(r.STOP)) if evidence else (how,)
    return Strong(recovery.name.of(say.lang)), say.colon, say.sentences(sentences)


def _shows(excursion: Excursion, say: Say) -> str:
    series = excursion.episode.metric
    peak, after = say.value(excursion.episode.peak, series), say.value(excursion.after, series)
    return say(r.SHOWS, metric=series_name(series), peak=peak, after=after)
