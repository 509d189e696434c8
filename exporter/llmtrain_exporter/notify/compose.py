"""A notification as a card: the alert's own headline and facts, and what the exporter tells of the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from typing import Any

from llmtrain_exporter.knowledge import card_words as cw
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Health, State
from llmtrain_exporter.notify.alert_words import (
    MOST_ADVICE,
    MOST_LINES,
    advice_of,
    badness,
    is_incident,
    is_judged,
    on_a_line,
    summary_of,
    title_of,
)
from llmtrain_exporter.notify.card import BULLET, MARKS, Card, Tone
from llmtrain_exporter.notify.config.settings import LinkRule
from llmtrain_exporter.notify.fitting import short_name
from llmtrain_exporter.notify.instances import KnownInstances
from llmtrain_exporter.notify.links import links, silence_link
from llmtrain_exporter.notify.run_sections import actions_section, first_fact, run_actions, run_sections
from llmtrain_exporter.notify.webhook import Notification, RaisedAlert
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.blocks import (
    Item,
    Items,
    Line,
    Mark,
    Paragraph,
    Part,
    Section,
    Story,
    plain,
)
from llmtrain_exporter.story.numbers import duration
from llmtrain_exporter.story.phrase import joined

LONG_SECONDS = 1800.0
"""An alert that fires for longer than this is told again, and says so."""

BRIEF_SECONDS = 60.0
"""Of an alert that was over sooner than this nobody knows how long it lasted: rules look each 15 s or so."""

FIRST_YEAR = 1971
"""What began earlier has no time: Go writes year 1, others 1970."""

FIRST_RANK, LINKS_RANK, LIST_RANK, ASIDE_RANK = 0, 1, 3, 4

_GOES_ON = (State.WAITING.value, State.RUNNING.value)
_TONES = {"critical": Tone.CRITICAL, "warning": Tone.WARNING, "info": Tone.INFO}


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """What came of asking an exporter about a run.

    `document`: its whole answer, which a chart is drawn from. `note`: why there is no story.
    """

    story: Story | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """The cards that wait for the same bot, and the rate that holds them back.

    `unsure`: nobody knows whether the bot has taken this very card before.
    """

    names: Sequence[str] = ()
    rate: str = ""
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class CardSettings:
    """What the settings say of every card.

    `zone_name`: as people are told which zone its times are of. `instances`: those that links may name.
    """

    links: LinkRule = field(default_factory=LinkRule)
    zone: tzinfo = timezone.utc
    zone_name: str = "UTC"
    instances: KnownInstances = field(default_factory=KnownInstances)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a card is about. `alerts`: those that fire first, the worst in front. `now`: Unix time."""

    alerts: Sequence[RaisedAlert]
    run: str
    story: Story | None
    lang: Lang
    now: float
    settings: CardSettings

    @property
    def lead(self) -> RaisedAlert:
        """The alert that gives the card its title."""
        return self.alerts[0]

    def say(self, text: Text, **values: object) -> str:
        """The text in the card's language, with its values."""
        return text.of(self.lang).format(**values)


def compose(
    group: Notification,
    answer: RunAnswer,
    backlog: Backlog,
    settings: CardSettings,
    lang: Lang,
    now: float,
    sample: bool = False,
) -> Card:
    """The card of a group for one bot. `now`: Unix time."""
    alerts = sorted(group.alerts, key=lambda alert: (not alert.firing, *badness(alert), alert.started))
    runs = {alert.run for alert in alerts}
    run = next(iter(runs)) if len(runs) == 1 else ""
    subject = _Subject(alerts, run, answer.story if run else None, lang, now, settings)
    tone, what = _headline(subject)
    sections = [*_body(subject), _links(subject), _notes(group, answer, backlog, subject)]
    if sample:
        sections.insert(0, _section(Part.NOTES, [cw.SAMPLE.of(lang)], FIRST_RANK))
        what = f"{cw.TEST.of(lang)}{words.COLON.of(lang)}{what}"
    name = short_name(printable(run)) or _place(subject)
    mark = MARKS[tone]
    title = subject.say(cw.HEADLINE, mark=mark, what=what, run=name) if name else f"{mark} {what}"
    filled = tuple(section for section in sections if section.blocks)
    return Card(lang, tone, title, filled, loud=tone is Tone.CRITICAL and not sample)


def name_of(group: Notification) -> str:
    """A group in a few words, for a list of those that wait."""
    return short_name(printable(group.alerts[0].run or group.alerts[0].name))


def _section(part: Part, texts: Iterable[str], rank: int) -> Section:
    return Section(part, None, tuple(Paragraph((text,)) for text in texts), rank)


# The headline.


def _headline(subject: _Subject) -> tuple[Tone, str]:
    what = _title(subject, subject.lead)
    if len(subject.alerts) > 1 and not subject.run:
        what += words.COMMA.of(subject.lang) + words.AND_MORE.of(len(subject.alerts) - 1, subject.lang)
    if subject.lead.firing:
        return _TONES.get(subject.lead.severity, Tone.WARNING), what
    if is_incident(subject.lead) and subject.story is not None:
        return _ending(subject.story, subject.lang)
    if _came_back(subject):
        return Tone.GOOD, subject.say(cw.OVER, what=what)
    return Tone.OVER, f"{cw.ALERTS_OVER.of(subject.lang)}{words.COLON.of(subject.lang)}{what}"


def _title(subject: _Subject, alert: RaisedAlert) -> str:
    if is_incident(alert) and subject.story is not None and subject.story.title:
        return subject.story.title
    return title_of(alert, subject.lang)


def _ending(story: Story, lang: Lang) -> tuple[Tone, str]:
    """How an incident ended: the run came back to normal, or it ended before it did."""
    if story.ending is None:
        return Tone.OVER, cw.NO_MORE.of(lang)
    kinds = {piece.kind for piece in story.ending.line if isinstance(piece, Mark)}
    tone = Tone.GOOD if Health.HEALTHY.name.lower() in kinds else Tone.OVER
    return tone, plain(story.ending.line)


def _came_back(subject: _Subject) -> bool:
    """Whether an alert that is over means that all is well. A run's alerts end with the run, too."""
    if not subject.run:
        return True
    return is_judged(subject.lead) and subject.story is not None and subject.story.state in _GOES_ON


def _place(subject: _Subject) -> str:
    """Where an alert that is about no run comes from, if all come from one place."""
    places = {alert.labels.get("instance", "") for alert in subject.alerts}
    return short_name(printable(next(iter(places)))) if len(places) == 1 else ""


# What stands below it.


def _body(subject: _Subject) -> Iterator[Section]:
    if not subject.run and len(subject.alerts) > 1:
        yield from _several_runs(subject)
        return
    if subject.story is None:
        yield from _by_alerts(subject)
    elif subject.lead.firing:
        yield from _by_story(subject, subject.story)
    else:
        yield from _afterwards(subject, subject.story)
    others = dict.fromkeys(_title(subject, alert) for alert in subject.alerts[1:] if alert.firing)
    others.pop(_title(subject, subject.lead), None)
    if others:
        names = words.COMMA.of(subject.lang).join(list(others)[:MOST_LINES])
        yield _section(Part.ALERTS, [subject.say(cw.ALSO, alerts=names)], ASIDE_RANK)


def _by_story(subject: _Subject, story: Story) -> Iterator[Section]:
    """A run that is in trouble, as its story tells it."""
    facts = (*first_fact(story), *_section(Part.FACTS, _reminder(subject), FIRST_RANK).blocks)
    yield Section(Part.FACTS, None, facts, FIRST_RANK)
    judged = is_judged(subject.lead)
    yield from run_sections(story, subject.lang, *((Part.INCIDENTS,) if judged else ()), Part.FINDINGS)
    # What an alert on the run's end advises, its signals know nothing of.
    yield from run_actions(story, subject.lang, () if judged else advice_of(subject.lead, subject.lang))
    yield from run_sections(story, subject.lang, Part.CAUSES)
    yield from run_sections(story, subject.lang, Part.GUARD)


def _afterwards(subject: _Subject, story: Story) -> Iterator[Section]:
    """A run whose alert is over: how it ended, and what to do if it did not end well."""
    incident = is_incident(subject.lead)
    ending = story.ending.more if incident and story.ending is not None else ()
    facts = (*first_fact(story), *map(Paragraph, ((_lasted(subject),), *ending)))
    yield Section(Part.FACTS, None, facts, FIRST_RANK)
    if incident:
        yield from run_sections(story, subject.lang, Part.INCIDENTS)
    if _headline(subject)[0] is Tone.OVER and is_judged(subject.lead):
        yield from run_actions(story, subject.lang)
    if incident:
        yield from run_sections(story, subject.lang, Part.GUARD)


def _by_alerts(subject: _Subject) -> Iterator[Section]:
    """A run of which only the alerts tell."""
    if not subject.lead.firing:
        yield _section(Part.FACTS, [_lasted(subject)], FIRST_RANK)
        return
    summary = summary_of(subject.lead, subject.lang)
    own = ("description",) if summary else ("description", "summary")
    firing = [alert for alert in subject.alerts if alert.firing]
    found = (next(filter(None, map(alert.annotations.get, own)), "") for alert in firing)
    texts = [text for text in dict.fromkeys((summary, *map(on_a_line, found))) if text]
    yield _section(Part.FACTS, [*texts[:MOST_LINES], *_reminder(subject)], FIRST_RANK)
    advice = tuple(Item((text,)) for text in advice_of(subject.lead, subject.lang))
    if advice:
        yield actions_section(Items(advice, bare=True), subject.lang)


def _reminder(subject: _Subject) -> Iterator[str]:
    """Since when it fires, and for how long where this is not the first that people hear of it."""
    yield from _beginning(subject)
    yield from _still_on(subject)


def _still_on(subject: _Subject) -> Iterator[str]:
    age = subject.now - subject.lead.started
    if subject.lead.firing and age > LONG_SECONDS:
        yield subject.say(cw.FIRING_FOR, time=_in_minutes(age, subject.lang))


def _lasted(subject: _Subject) -> str:
    seconds = (subject.lead.ended or subject.now) - subject.lead.started
    brief = seconds < BRIEF_SECONDS
    lasted = subject.say(cw.LASTED_BRIEFLY if brief else cw.LASTED, time=_in_minutes(seconds, subject.lang))
    return words.BETWEEN_SENTENCES[subject.lang].join((*_beginning(subject), lasted))


def _beginning(subject: _Subject) -> Iterator[str]:
    """When the alert began, by the wall clock of who reads it; nothing where it names no time of ours."""
    try:
        local = datetime.fromtimestamp(subject.lead.started, subject.settings.zone)
    except (OverflowError, OSError, ValueError):
        return
    if local.year >= FIRST_YEAR:
        moment = f"{local:%Y-%m-%d %H:%M} {subject.settings.zone_name}"
        yield subject.say(cw.BEGAN, moment=moment)


def _in_minutes(seconds: float, lang: Lang) -> str:
    """About so long: Prometheus itself knows it no better."""
    return duration(60.0 * round(seconds / 60), lang)


def _several_runs(subject: _Subject) -> Iterator[Section]:
    """Alerts about several runs, a line each."""
    mixed = subject.lead.firing and not all(alert.firing for alert in subject.alerts)
    for heading, firing in ((cw.STILL, True), (cw.GONE, False)):
        alerts = [alert for alert in subject.alerts if alert.firing is firing]
        blocks: list[Items | Paragraph] = []
        if alerts:
            items = tuple(Item((_in_list(subject, alert),)) for alert in alerts[:MOST_LINES])
            blocks.append(Items(items, bare=True))
        if len(alerts) > MOST_LINES:
            blocks.append(Paragraph((BULLET + words.AND_MORE.of(len(alerts) - MOST_LINES, subject.lang),)))
        title = heading.of(subject.lang) if mixed else None
        yield Section(Part.ALERTS, title, tuple(blocks), LIST_RANK)
    yield _section(Part.FACTS, _still_on(subject), LIST_RANK - 1)


def _in_list(subject: _Subject, alert: RaisedAlert) -> str:
    tone = _TONES.get(alert.severity, Tone.WARNING) if alert.firing else Tone.GOOD
    about = short_name(printable(alert.run or alert.labels.get("instance", "")))
    text = on_a_line(alert.annotations.get("description", "") or _title(subject, alert), MOST_ADVICE)
    if about and about not in text:
        text = f"{about}{words.COLON.of(subject.lang)}{text}"
    return f"{MARKS[tone]} {text}"


# At the end.


def _links(subject: _Subject) -> Section:
    # Addresses of all, those of the first alerts before others'.
    addresses = {key: url for alert in reversed(subject.alerts) for key, url in alert.addresses.items()}
    public, lang = _public(subject), subject.lang
    silence = silence_link([alert.labels for alert in subject.alerts if alert.firing], public, lang)
    found: list[Line] = [(link,) for link in (*links(addresses, subject.run, public, lang), *silence)]
    blocks = (Paragraph(joined(found, " | ")),) if found else ()
    return Section(Part.LINKS, None, blocks, LINKS_RANK)


def _public(subject: _Subject) -> LinkRule:
    """The public addresses, with the exporter's own where all alerts are of one that is known."""
    named = {alert.labels.get("instance", "") for alert in subject.alerts}
    known = [instance for instance in named if subject.settings.instances.knows(instance)]
    return subject.settings.links.of_instance(known[0] if len(named) == len(known) == 1 else None)


def _notes(group: Notification, answer: RunAnswer, backlog: Backlog, subject: _Subject) -> Section:
    texts = [cw.TRUNCATED.of(group.truncated, subject.lang)] if group.truncated else []
    if backlog.unsure:
        texts.append(cw.UNSURE.of(subject.lang))
    if backlog.names:
        texts.append(_waiting(backlog, subject))
    if answer.note is not None:
        texts.append(answer.note.of(subject.lang))
    return _section(Part.NOTES, texts, ASIDE_RANK)


def _waiting(backlog: Backlog, subject: _Subject) -> str:
    count = len(backlog.names)
    names = words.COMMA.of(subject.lang).join(backlog.names[:MOST_LINES])
    if count > MOST_LINES:
        names += words.COMMA.of(subject.lang) + words.AND_MORE.of(count - MOST_LINES, subject.lang)
    text = cw.WAITING.one if count == 1 else cw.WAITING.many
    return subject.say(text, n=count, rate=backlog.rate, names=names)
