"""Each surge and drop of the run, and what the signals that came up say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmtrain_exporter.knowledge import report_words as r
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.signal import Measure
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import fill, named
from llmtrain_exporter.publish.report.material import Excursion, Material
from llmtrain_exporter.publish.report.say import Say, cells, chapter, folded, paragraph
from llmtrain_exporter.story.blocks import Block, Line, Section, Strong, Table, items
from llmtrain_exporter.story.diagnosis import COLLAPSE, signal_title
from llmtrain_exporter.story.numbers import DASH, percent, series_name

MOST_EVENTS = 400
"""Of more the first and the last half; a report is read by people."""


def events(material: Material, say: Say) -> Section:
    """Every episode of a signal, then what the signals say."""
    if not material.excursions:
        return chapter(say(r.EVENTS), paragraph(say(r.NO_EVENTS)))
    head = (words.TAKEN, r.SHARE, words.METRIC, r.SIGNAL, r.SEVERITY, r.BEFORE, r.AT, r.AFTER, words.LIMIT)
    shown = _ends(material.excursions, MOST_EVENTS)
    rows = tuple(_event(excursion, say) for excursion in shown)
    blocks: list[Block] = [paragraph(say(r.EVENTS_INTRO)), Table(say(r.EVENTS), tuple(map(say, head)), rows)]
    left_out = len(material.excursions) - len(shown)
    if left_out:
        blocks.append(paragraph(r.MORE_EVENTS.of(left_out, say.lang), small=True))
    blocks.append(folded(say(r.EACH_SIGNAL), *_signals(material, say)))
    return chapter(say(r.EVENTS), *blocks)


def _ends(excursions: Sequence[Excursion], most: int) -> Sequence[Excursion]:
    half = most // 2
    return excursions if len(excursions) <= most else (*excursions[:half], *excursions[-half:])


def _event(excursion: Excursion, say: Say) -> tuple[Line, ...]:
    episode, series = excursion.episode, excursion.episode.metric
    truth = SIGNALS[episode.signal].measure is Measure.TRUTH
    return cells(
        _steps(excursion, say),
        percent(excursion.share),
        series_name(series),
        say.title(episode.signal),
        say.judged(episode.severity.value),
        say.value(excursion.before, series),
        peak_text(excursion, say),
        say(r.LASTING) if episode.active else say.value(excursion.after, series),
        DASH if truth else say.value(episode.limit, series),
    )


def _steps(excursion: Excursion, say: Say) -> str:
    first, last = excursion.episode.first_step, excursion.episode.last_step
    if excursion.episode.active:
        return say(r.ON, first=first)
    return str(first) if first == last else f"{first}–{last}"  # noqa: RUF001  # from, to


def peak_text(excursion: Excursion, say: Say) -> str:
    """The worst value, and its step where that is not plain."""
    episode = excursion.episode
    if episode.signal == COLLAPSE:  # its peak counts families, not the unit of its metric
        return DASH
    value = say.value(episode.peak, episode.metric)
    if episode.first_step == episode.last_step:
        return value
    return say(r.AT_STEP, value=value, step=episode.peak_step)


def _signals(material: Material, say: Say) -> Iterator[Section]:
    """What each signal that came up tells, what follows, and where to look."""
    settings = named(dict(material.run.hyper_parameters.numbers))
    for name in dict.fromkeys(excursion.episode.signal for excursion in material.excursions):
        advice = SIGNALS[name].advice
        meaning, impact, *look = (
            fill(text, say.lang, settings) for text in (advice.meaning, advice.impact, *advice.diagnosis)
        )
        yield chapter(
            signal_title(material.run, name, say.lang),
            paragraph(Strong(say(r.WHAT_IT_TELLS)), say.colon, meaning),
            paragraph(Strong(say(r.WHAT_FOLLOWS)), say.colon, impact),
            paragraph(Strong(say(r.LOOK_AT)), say.colon.rstrip()),
            items((text,) for text in look),
        )
