"""Alerts on signals: names and texts follow from the signals, their limits and the advice on them."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.advice import ADVICE
from llmtrain_exporter.knowledge.alerting.composing import filled, put, remedy_text, sentences, titled
from llmtrain_exporter.knowledge.alerting.entry import Alert, Scope, Words, alert_name
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.limits import LIMITS, SIGNALS
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.signal import Measure, Severity, Signal
from llmtrain_exporter.knowledge.text import Text

OMITTED: Mapping[tuple[str, Severity], str] = {
    (
        "loss_plateau",
        Severity.INFO,
    ): "a loss that hardly falls harms nothing; dashboards and the page show it",
    ("entropy_collapse", Severity.INFO): "outside of reinforcement learning entropy alone is only a hint",
}
"""Signals that nobody is told of, by severity, and why. Whoever looks at the run still sees them."""

FIRST = 3
"""Remedies that an alert names; the runbook has them all."""

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
    Measure.FALL: Text("limit {limit} below its own level", "限值为低于自身水平 {limit}"),
    Measure.SIGMA: Text("limit {limit} sigma from its own level", "限值为偏离自身水平 {limit} 个 sigma"),
    Measure.GAPS: Text("limit {limit} times its usual gap", "限值为平时间隔的 {limit} 倍"),
}
"""A limit in words, by what it is in. Truth has none."""

LIMIT_OF = {
    "overfit": Text("limit {limit} times the training loss", "限值为训练 loss 的 {limit} 倍"),
    "accuracy_drop": Text("limit {limit} below its best", "限值为低于最好值 {limit}"),
    "reward_flat": Text("limit {limit} of all groups", "限值为所有组的 {limit}"),
}
"""The same where a signal holds its metric against something of its own."""


def signal_alerts() -> tuple[Alert, ...]:
    """One for each signal and severity that any profile has, those left out that nobody is told of."""
    return tuple(
        Alert(alert_name(name), severity, Scope.RUN, _words(signal), signal)
        for name, signal in SIGNALS.items()
        for severity in severities(name)
        if (name, severity) not in OMITTED
    )


def severities(signal: str) -> tuple[Severity, ...]:
    """Those that a signal can have in any profile, the least first."""
    return tuple(
        severity
        for severity in Severity
        if any(severity in limits.get(signal, {}) for limits in LIMITS.values())
    )


def limit_in_words(signal: Signal) -> Text | None:
    """How a limit of that signal is told, with the blank {limit}; None where there is no number."""
    return LIMIT_OF.get(signal.name, LIMIT.get(signal.measure))


def profiles_told(signal: str) -> tuple[str, ...]:
    """The built-in profiles in which people are told of a signal."""
    return tuple(
        kind
        for kind, limits in LIMITS.items()
        if any((signal, severity) not in OMITTED for severity in limits.get(signal, {}))
    )


def _words(signal: Signal) -> Words:
    advice, kinds = ADVICE[signal.name], profiles_told(signal.name)
    causes = [CAUSES[name] for name in advice.causes if not CAUSES[name].profiles.isdisjoint(kinds)]
    remedies = [REMEDIES[name] for name in advice.remedies if not REMEDIES[name].profiles.isdisjoint(kinds)]
    for_all = [remedy for remedy in remedies if remedy.profiles.issuperset(kinds)]
    return Words(
        title=advice.title,
        summary=advice.summary,
        description=_description(signal, advice.title),
        advice=sentences(remedy.title for remedy in for_all[:FIRST]),
        meaning=filled(advice.meaning),
        impact=filled(advice.impact),
        diagnosis=tuple(map(filled, advice.diagnosis)),
        causes=tuple(titled(cause.name, cause.how) for cause in causes),
        mitigation=tuple(remedy_text(remedy, kinds) for remedy in remedies),
    )


def _description(signal: Signal, title: Text) -> Text:
    limit = limit_in_words(signal)
    if limit is None:
        return put(_TRUE, title=title)
    told = _SILENT if signal.measure is Measure.GAPS else _WORST
    return put(put(told, limit=limit), title=title)
