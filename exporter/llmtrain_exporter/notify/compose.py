"""A notification as a card: from the exporter's story of the run where there is one, else from the alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmtrain_exporter.knowledge import card_words as cw
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.alerting.entry import Words
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.notify.card import BULLET, MARKS, Block, Card, Line, Plain, Tone, short, short_name
from llmtrain_exporter.notify.config.settings import LinkRule
from llmtrain_exporter.notify.links import links
from llmtrain_exporter.notify.say import (
    actions_block,
    causes_block,
    clock,
    duration,
    findings_block,
    incident_lines,
    order,
    say,
    steps,
    where,
)
from llmtrain_exporter.notify.story import Story
from llmtrain_exporter.notify.webhook import Alert, Notification
from llmtrain_exporter.printable import printable

INCIDENT = "LlmTrainIncident"
LONG_SECONDS = 1800.0
"""An alert that fires for longer than this is told again, and says so."""

MOST_ALERTS = 10
MOST_TEXT = 600  # characters of an annotation
_RANK = {"critical": 0, "warning": 1, "": 2, "info": 3}
_TONES = {"critical": Tone.CRITICAL, "warning": Tone.WARNING, "info": Tone.INFO}


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking about a run.

    `said`: the story as it came, which is what a chart is drawn from. `note`: why there is none.
    """

    story: Story | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The cards that wait for the same bot, and why."""

    names: Sequence[str] = ()
    rate: str = ""


def compose(
    group: Notification,
    asked: Asked,
    held: Held,
    public: LinkRule,
    lang: Lang,
    now: float,
    sample: bool = False,
) -> Card:
    """The card of a group for one bot. `now`: Unix time."""
    runs = {alert.run for alert in group.alerts}
    alerts = sorted(group.alerts, key=lambda alert: (not alert.firing, _badness(alert), alert.started))
    run = next(iter(runs)) if len(runs) == 1 else ""
    told = _About(alerts, run, asked.story if run else None, lang, now)
    notes = _notes(group, asked, held, lang)
    found = links(_annotations(alerts), run, public, lang)
    link_line: Line = tuple(span for link in found for span in (Plain(" | "), link))[1:]
    blocks = [
        *_body(told),
        Block("links", (link_line,) if link_line else (), 1),
        Block("notes", tuple((Plain(note),) for note in notes), 4),
    ]
    tone, what = _headline(told)
    if sample:
        blocks.insert(0, Block("notes", ((Plain(cw.SAMPLE.of(lang)),),), 0))
        what = f"{cw.TEST.of(lang)}{words.COLON.of(lang)}{what}"
    name = short_name(printable(run)) or _place(told)
    title = say(cw.HEADLINE, lang, mark=MARKS[tone], what=what, run=name) if name else f"{MARKS[tone]} {what}"
    loud = tone is Tone.CRITICAL and not sample
    return Card(lang, tone, title, tuple(block for block in blocks if block.lines), loud)


@dataclass(frozen=True, slots=True)
class _About:
    """What a card is about. `alerts`: those that fire first, the worst in front."""

    alerts: Sequence[Alert]
    run: str
    story: Story | None
    lang: Lang
    now: float

    @property
    def lead(self) -> Alert:
        """The alert that gives the card its title."""
        return self.alerts[0]

    @property
    def firing(self) -> bool:
        return self.lead.firing


def name_of(group: Notification) -> str:
    """A group in a few words, for a list of those that wait."""
    runs = dict.fromkeys(alert.run or alert.name for alert in group.alerts)
    return short_name(printable(next(iter(runs))))


def _badness(alert: Alert) -> tuple[int, bool]:
    return _RANK.get(alert.severity, 2), alert.name != INCIDENT


def _annotations(alerts: Sequence[Alert]) -> dict[str, str]:
    """The annotations of all, those of the first alerts before others'."""
    return {key: text for alert in reversed(alerts) for key, text in alert.annotations.items()}


def _headline(told: _About) -> tuple[Tone, str]:
    what = _title(told, told.lead)
    if len(told.alerts) > 1 and not told.run:
        what += words.COMMA.of(told.lang) + cw.MORE.of(len(told.alerts) - 1, told.lang)
    if told.firing:
        return _TONES.get(told.lead.severity, Tone.WARNING), what
    if told.lead.name == INCIDENT and told.story is not None:
        return _ending(told, told.story)
    if _came_back(told):
        return Tone.GOOD, say(cw.OVER, told.lang, what=what)
    return Tone.OVER, f"{cw.ALERTS_OVER.of(told.lang)}{words.COLON.of(told.lang)}{what}"


def _came_back(told: _About) -> bool:
    """Whether an alert that is over means that all is well. A run's alerts end with the run, too."""
    if not told.run:
        return True
    return _is_judged(told.lead) and told.story is not None and told.story.state not in cw.ENDED


def _ending(told: _About, story: Story) -> tuple[Tone, str]:
    """How an incident ended: the run came back to normal, or it ended before it did."""
    incident = story.incident
    if incident is not None and incident.recovery_step is not None:
        back = incident.peak_step is not None and incident.recovery_step <= incident.peak_step
        return Tone.GOOD, say(cw.WENT_BACK if back else cw.RECOVERED, told.lang, step=incident.recovery_step)
    return Tone.OVER, cw.ENDED.get(story.state, cw.NO_MORE).of(told.lang)


def _title(told: _About, alert: Alert) -> str:
    """What an alert says, in the card's language: by its signal, by the story, by its own text or name."""
    signal = alert.labels.get("signal", "")
    if signal in SIGNALS:
        return SIGNALS[signal].advice.title.of(told.lang)
    if alert.name == INCIDENT and told.story is not None and told.story.title:
        return told.story.title
    known = cw.TITLES.get(alert.name)
    own = _words(alert.annotations.get("summary", ""), 80)
    if known is not None:
        return known.of(told.lang)
    return own.rstrip(".\u3002") or short_name(printable(alert.name)) or "?"


def _words(text: str, most: int = MOST_TEXT) -> str:
    """An annotation on one line."""
    return short(printable(" ".join(text.split())), most)


def _known(alert: Alert) -> Words | None:
    """What is said of an alert of ours, in every language."""
    named = [one for one in ALERTS if one.name == alert.name]
    return next((one.words for one in named if one.severity.value == alert.severity), None)


def _place(told: _About) -> str:
    """Where an alert that is about no run comes from, if all come from one place."""
    places = {alert.labels.get("instance", "") for alert in told.alerts}
    return short_name(printable(next(iter(places)))) if len(places) == 1 else ""


def _body(told: _About) -> Iterator[Block]:
    if not told.run and len(told.alerts) > 1:
        yield from _listed(told)
        return
    if told.story is None:
        yield from _from_alerts(told)
    elif told.firing:
        yield from _from_story(told, told.story)
    else:
        yield from _afterwards(told, told.story)
    also = [_title(told, alert) for alert in told.alerts[1:] if alert.firing]
    also = [title for title in dict.fromkeys(also) if title != _title(told, told.lead)]
    if also:
        names = words.COMMA.of(told.lang).join(also[:MOST_ALERTS])
        yield Block("alerts", ((Plain(say(cw.ALSO, told.lang, alerts=names)),),), 4)


def _from_story(told: _About, story: Story) -> Iterator[Block]:
    """A run that is in trouble, by its story."""
    yield Block("facts", tuple(_facts(told, story)), 0)
    yield findings_block(story, told.lang)
    # What an alert on the run's end advises, its signals know nothing of.
    yield actions_block(story, told.lang, () if _is_judged(told.lead) else _advice(told))
    yield causes_block(story, told.lang)


def _facts(told: _About, story: Story) -> Iterator[Line]:
    lang = told.lang
    yield (Plain(words.COMMA.of(lang).join(filter(None, (story.profile, where(story, lang))))),)
    if _is_judged(told.lead) and story.incident is not None and story.incident.recovery_step is None:
        yield from incident_lines(story, story.incident, lang)
    yield from _reminder(told)


def _reminder(told: _About) -> Iterator[Line]:
    """Since when it fires, where this is not the first that people hear of it."""
    age = told.now - told.lead.started
    if told.firing and age > LONG_SECONDS:
        yield (Plain(say(cw.FIRING_FOR, told.lang, time=duration(age, told.lang))),)


def _afterwards(told: _About, story: Story) -> Iterator[Block]:
    """A run whose alert is over: how it ended, and what to do if it did not end well."""
    tone, _ = _headline(told)
    yield Block("facts", tuple(_ended(told, story, tone)), 0)
    if tone is Tone.OVER and _is_judged(told.lead):
        yield actions_block(story, told.lang)


def _ended(told: _About, story: Story, tone: Tone) -> Iterator[Line]:
    lang, incident = told.lang, story.incident
    time = duration((told.lead.ended or told.now) - told.lead.started, lang)
    yield (Plain(words.COMMA.of(lang).join(filter(None, (story.profile, where(story, lang))))),)
    if told.lead.name != INCIDENT or incident is None:
        yield (Plain(say(cw.LASTED_TIME, lang, time=time)),)
    elif incident.recovery_step is not None:
        lasted = steps(incident.recovery_step - incident.onset_step, lang)
        yield (Plain(say(cw.LASTED, lang, steps=lasted, time=time, stages=order(incident, lang))),)
    else:
        yield from incident_lines(story, incident, lang)
    if (
        told.lead.name == INCIDENT
        and tone is Tone.OVER
        and story.state == "stalled"
        and story.last_record_timestamp
    ):
        yield (Plain(say(cw.SILENT, lang, when=clock(story.last_record_timestamp))),)


def _from_alerts(told: _About) -> Iterator[Block]:
    """A run of which only the alerts tell."""
    if not told.firing:
        time = duration((told.lead.ended or told.now) - told.lead.started, told.lang)
        yield Block("facts", ((Plain(say(cw.LASTED_TIME, told.lang, time=time)),),), 0)
        return
    known = _known(told.lead)
    lead = [known.summary.of(told.lang)] if known else []
    alerts = [alert for alert in told.alerts if alert.firing]
    own = ("description",) if lead else ("description", "summary")
    found = (next(filter(None, map(alert.annotations.get, own)), "") for alert in alerts)
    texts = dict.fromkeys((*lead, *(_words(text) for text in found)))
    lines: list[Line] = [(Plain(text),) for text in list(texts)[:MOST_ALERTS] if text]
    yield Block("facts", (*lines, *_reminder(told)), 0)
    yield Block("actions", tuple((Plain(line),) for line in _advice(told)), 2, cw.TO_DO.of(told.lang))


def _advice(told: _About) -> list[str]:
    """What the alert itself says is to be done, in the card's language where it is one of ours."""
    known = _known(told.lead)
    said = known.advice.of(told.lang) if known else told.lead.annotations.get("advice", "")
    return [_words(line, 300) for line in said.splitlines() if line.strip()][:MOST_ALERTS]


def _is_judged(alert: Alert) -> bool:
    """Whether it is about what the run's records say, and not about how it ended."""
    return alert.name == INCIDENT or "signal" in alert.labels


def _listed(told: _About) -> Iterator[Block]:
    """Alerts about several runs, a line each."""
    for heading, firing in ((cw.STILL, True), (cw.GONE, False)):
        alerts = [alert for alert in told.alerts if alert.firing is firing]
        lines: list[Line] = [(Plain(_in_list(told, alert)),) for alert in alerts[:MOST_ALERTS]]
        if len(alerts) > MOST_ALERTS:
            lines.append((Plain(BULLET + cw.MORE.of(len(alerts) - MOST_ALERTS, told.lang)),))
        mixed = not told.firing or not all(alert.firing for alert in told.alerts)
        yield Block("alerts", tuple(lines), 3, heading.of(told.lang) if mixed and told.firing else "")
    yield Block("facts", tuple(_reminder(told)), 2)


def _in_list(told: _About, alert: Alert) -> str:
    tone = _TONES.get(alert.severity, Tone.WARNING) if alert.firing else Tone.GOOD
    about = short_name(printable(alert.run or alert.labels.get("instance", "")))
    text = _words(alert.annotations.get("description", "") or _title(told, alert), 300)
    if about and about not in text:
        text = f"{about}{words.COLON.of(told.lang)}{text}"
    return f"{MARKS[tone]} {text}"


def _notes(group: Notification, asked: Asked, held: Held, lang: Lang) -> Iterable[str]:
    if group.truncated:
        yield cw.TRUNCATED.of(group.truncated, lang)
    if held.names:
        names = words.COMMA.of(lang).join(held.names[:MOST_ALERTS])
        more = len(held.names) - MOST_ALERTS
        names += words.COMMA.of(lang) + cw.MORE.of(more, lang) if more > 0 else ""
        count = len(held.names)
        text = cw.WAITING.one if count == 1 else cw.WAITING.many
        yield say(text, lang, n=count, rate=held.rate, names=names)
    if asked.note is not None:
        yield asked.note.of(lang)
