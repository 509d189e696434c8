"""What an alert itself says, in a card's language where it is one of ours, else in its own words."""

from __future__ import annotations

from collections.abc import Iterator

from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.alerting.entry import AlertTexts
from llmtrain_exporter.knowledge.alerting.runs import INCIDENT
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.fitting import short, short_name
from llmtrain_exporter.notify.webhook import RaisedAlert
from llmtrain_exporter.printable import printable

MOST_TITLE, MOST_ADVICE, MOST_TEXT = 80, 300, 600
"""Characters of an annotation."""

MOST_LINES = 10

_RANKS = {severity.value: float(severity.rank) for severity in Severity}
_UNKNOWN_RANK = (Severity.INFO.rank + Severity.WARNING.rank) / 2


def is_incident(alert: RaisedAlert) -> bool:
    """Whether it stands for all that is wrong with a run."""
    return alert.name == INCIDENT.name


def is_judged(alert: RaisedAlert) -> bool:
    """Whether it is about what the run's records say, and not about how it ended."""
    return is_incident(alert) or "signal" in alert.labels


def badness(alert: RaisedAlert) -> tuple[float, bool]:
    """By what the worst comes first in a sorted list, the incident before what it consists of."""
    return -_RANKS.get(alert.severity, _UNKNOWN_RANK), not is_incident(alert)


def title_of(alert: RaisedAlert, lang: Lang) -> str:
    """What it is called: by its name if it is one of ours, by its signal, by its own summary or name."""
    ours = _entry_words(alert)
    if ours is not None:
        return ours.title.of(lang)
    signal = alert.labels.get("signal", "")
    if signal in SIGNALS:
        return SIGNALS[signal].advice.title.of(lang)
    own = on_a_line(alert.annotations.get("summary", ""), MOST_TITLE)
    return own.rstrip(".\u3002") or short_name(printable(alert.name)) or "?"


def summary_of(alert: RaisedAlert, lang: Lang) -> str:
    """What it means, in a sentence; empty for an alert of others."""
    ours = _entry_words(alert)
    return "" if ours is None else ours.summary.of(lang)


def advice_of(alert: RaisedAlert, lang: Lang) -> Iterator[str]:
    """What is to be done about it, line by line."""
    ours = _entry_words(alert)
    advice = alert.annotations.get("advice", "") if ours is None else ours.advice.of(lang)
    lines = [line for line in advice.splitlines() if line.strip()]
    yield from (on_a_line(line, MOST_ADVICE) for line in lines[:MOST_LINES])


def on_a_line(text: str, most: int = MOST_TEXT) -> str:
    """A text of anybody's on one line, and not too long."""
    return short(printable(" ".join(text.split())), most)


def _entry_words(alert: RaisedAlert) -> AlertTexts | None:
    named = [entry for entry in ALERTS if entry.name == alert.name]
    exact = (entry.words for entry in named if entry.severity.value == alert.severity)
    return next(exact, named[0].words if named else None)
