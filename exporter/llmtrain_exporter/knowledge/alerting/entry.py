"""What an alert is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from llmtrain_exporter.knowledge.signal import Severity, Signal
from llmtrain_exporter.knowledge.text import Text

PREFIX = "LlmTrain"


class Scope(str, Enum):
    """What an alert is about, and so which labels it has."""

    RUN = "run"
    EXPORTER = "exporter"


@dataclass(frozen=True, slots=True)
class AlertTexts:
    """All that is said about an alert.

    `title` is what it is called, in a few words; `summary` is one static sentence. `description` tells of the
    case at hand; `bundle.alerting.templates.blanks` has its placeholders. `advice` is what to do first, in a
    line. The rest is the runbook: `meaning`, `impact`, `diagnosis`, likely `causes`, and `mitigation`, each
    in the order in which to go through it.
    """

    title: Text
    summary: Text
    description: Text
    advice: Text
    meaning: Text
    impact: Text
    diagnosis: tuple[Text, ...]
    mitigation: tuple[Text, ...]
    causes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `signal` is None for alerts on the whole run or the exporter.

    `holds`: how long its condition has to hold first, as PromQL writes it; empty: it is told at once.
    `keeps`: how long it goes on when its condition is gone, likewise.
    """

    name: str
    severity: Severity
    scope: Scope
    words: AlertTexts
    signal: Signal | None = None
    holds: str = ""
    keeps: str = ""


def alert_name(name: str) -> str:
    """The alert's name for a signal: kl_high becomes LlmTrainKlHigh."""
    return PREFIX + "".join(part.capitalize() for part in name.split("_"))
