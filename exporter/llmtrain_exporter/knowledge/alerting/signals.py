"""Alerts on signals: names and texts follow from the signals, their limits and the advice on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from llmtrain_exporter.knowledge.alerting.composing import filled, put, remedy_text, titled
from llmtrain_exporter.knowledge.alerting.entry import Alert, AlertTexts, Scope, alert_name
from llmtrain_exporter.knowledge.alerting.phrases import LOOK_FIRST
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.profile import PROFILES
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.remedy import Remedy
from llmtrain_exporter.knowledge.signal import Measure, Severity, Signal
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Text

_T = TypeVar("_T", Cause, Remedy)

_WORST = Text(
    "{run}: {title}, from step {step}; worst value {peak}, {limit}.",
    "{run}：{title}，始于第 {step} 步；最差值 {peak}，{limit}。",
)
_TRUE = Text("{run}: {title}, from step {step}.", "{run}：{title}，始于第 {step} 步。")
_SILENT = Text(
    "{run}: {title}, no record for {silence} since step {last_step}; {limit}.",
    "{run}：{title}，自第 {last_step} 步起已 {silence} 没有新记录；{limit}。",
)

LIMIT = {
    Measure.VALUE: Text("limit {limit}", "限值 {limit}"),
    Measure.RATIO: Text("limit {limit} times its own level", "限值为自身水平的 {limit} 倍"),
    Measure.FALL: Text("limit {limit} below its own level", "比自身水平低 {limit} 以上"),
    Measure.SIGMA: Text("limit {limit} sigma from its own level", "限值为偏离自身水平 {limit} 个 sigma"),
    Measure.GAPS: Text("limit {limit} times its usual gap", "限值为平时间隔的 {limit} 倍"),
}
"""A limit in words, by what it is in. Truth has none."""


def signal_alerts() -> tuple[Alert, ...]:
    """One for each signal and severity that any profile has, those left out that nobody is told of."""
    return tuple(
        Alert(alert_name(name), severity, Scope.RUN, _words(signal), signal)
        for name, signal in SIGNALS.items()
        for severity in severities(signal)
        if severity not in signal.no_alert
    )


def severities(signal: Signal) -> tuple[Severity, ...]:
    """Those that a signal can have in any profile, the least first."""
    limits = signal.limits.values()
    return tuple(severity for severity in Severity if any(severity in bounds for bounds in limits))


def limit_in_words(signal: Signal) -> Text | None:
    """How a limit of that signal is told, with the blank {limit}; None where there is no number."""
    return signal.limit_phrase or LIMIT.get(signal.measure)


def profiles_told(signal: Signal) -> tuple[str, ...]:
    """The built-in profiles in which people are told of a signal."""
    return tuple(kind for kind in PROFILES if signal.limits.get(kind, {}).keys() - signal.no_alert.keys())


def _words(signal: Signal) -> AlertTexts:
    advice, kinds = signal.advice, profiles_told(signal)
    causes, remedies = _applying(advice.causes, CAUSES, kinds), _applying(advice.remedies, REMEDIES, kinds)
    return AlertTexts(
        title=advice.title,
        summary=advice.summary,
        description=_description(signal, advice.title),
        advice=put(LOOK_FIRST, look=filled(advice.diagnosis[0])),
        meaning=filled(advice.meaning),
        impact=filled(advice.impact),
        diagnosis=tuple(map(filled, advice.diagnosis)),
        causes=tuple(titled(cause.name, cause.how) for cause in causes),
        mitigation=tuple(remedy_text(remedy, kinds) for remedy in remedies),
    )


def _applying(names: Iterable[str], known: Mapping[str, _T], profiles: Iterable[str]) -> list[_T]:
    """Those that can apply in any of the profiles."""
    found = [known[name] for name in names if name in known]
    return [entry for entry in found if not entry.profiles.isdisjoint(profiles)]


def _description(signal: Signal, title: Text) -> Text:
    limit = limit_in_words(signal)
    if limit is None:
        return put(_TRUE, title=title)
    template = _SILENT if signal.measure is Measure.GAPS else _WORST
    return put(put(template, limit=limit), title=title)
