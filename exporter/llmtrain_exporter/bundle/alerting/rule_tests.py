"""Tests of the alerts on signals for `promtool test rules`: when each fires, when not, and what it says.

What is expected is put together from the knowledge and not from the rules, so the two check each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote_plus

import yaml

from llmtrain_exporter.bundle.alerting.number_forms import Written, unit_of
from llmtrain_exporter.bundle.alerting.places import DASHBOARDS, FLEET, Places
from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.alerting.entry import Alert
from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.knowledge.signal import Measure, Signal
from llmtrain_exporter.knowledge.signals import LIMITS
from llmtrain_exporter.knowledge.text import Lang, fill

_HEAD = """\
# Each alert on a signal: silent before, told with the first scrape that shows it, over when that is over; and
# silent for a run whose log had it all before.
#
# Rendered from exporter/llmtrain_exporter/knowledge/ by `llmtrain-exporter render`: change it there.
"""

JOB, INSTANCE, TEAM = "llmtrain", "node1:9848", "nlp"
STEP, LAST_STEP = 120, 480
PEAKS = {
    Written.NUMBER: (12.5, "12.5"),
    Written.BYTES: (2.0**36, "64GiB"),
    Written.DURATION: (90.0, "1m 30s"),
}
"""A worst value, and how it is written."""

BEFORE, AT, AFTER = "4m45s", "5m", "10m15s"
"""Of an alert that is told at once and rests on one record: the last look without it, the first with it, and
one again without it."""

STALLED_BEFORE, STALLED_AT, STALLED_AFTER = "9m45s", "10m", "15m"
SILENT = "5m 0s"

Object = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Case:
    """An alert on a signal, and the run in which it is told. `profile`: the first that has it so severe."""

    alert: Alert
    signal: Signal
    profile: str

    @property
    def severity(self) -> str:
        return self.alert.severity.value

    @property
    def run(self) -> str:
        """With what a link and a query have to escape."""
        return f'{self.severity}/v1 "a"'

    @property
    def limit(self) -> float:
        return LIMITS[self.profile][self.signal.name][self.alert.severity].limit

    @property
    def by_clock(self) -> bool:
        """Whether only a clock can show the signal."""
        return self.signal.measure is Measure.GAPS


def signal_tests(lang: Lang, places: Places) -> str:
    """The file."""
    content = {
        "rule_files": ["../rules/llmtrain-runs.yml"],
        "evaluation_interval": "15s",
        "tests": [
            _test(name, list(cases), lang, places)
            for name, cases in groupby(_cases(), key=lambda case: case.alert.name)
        ],
    }
    written: str = yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, width=10**6, default_flow_style=None
    )
    return _HEAD + written


def _cases() -> Iterator[_Case]:
    for alert in ALERTS:
        signal = alert.signal
        if signal is not None:
            kinds = (kind for kind in LIMITS if alert.severity in LIMITS[kind].get(signal.name, {}))
            yield _Case(alert, signal, next(kinds))


def _test(name: str, cases: Sequence[_Case], lang: Lang, places: Places) -> Object:
    """One alert in all of its severities, each in a run of its own, beside a run with a history."""
    before, at, after = (
        (STALLED_BEFORE, STALLED_AT, STALLED_AFTER) if cases[0].by_clock else (BEFORE, AT, AFTER)
    )
    expected = {before: [], at: [_expected(case, lang, places) for case in cases], after: []}
    return {
        "name": name,
        "interval": "15s",
        "input_series": [series for case in cases for series in (*_run(case), *_history(case))],
        "alert_rule_test": [
            {"eval_time": time, "alertname": name, "exp_alerts": alerts} for time, alerts in expected.items()
        ],
    }


def _run(case: _Case) -> Iterator[Object]:
    name, severity = case.signal.name, case.severity
    yield _series("run_info", "1x80", run=case.run, profile=case.profile, team=TEAM, dialect=SWIFT.name)
    yield _series("limit", f"{case.limit:g}x80", profile=case.profile, signal=name, severity=severity)
    if case.by_clock:
        yield from _silent_run(case)
        return
    peak, _ = PEAKS[unit_of(case.signal.metrics[0])]
    yield _series("last_record_timestamp_seconds", "0+15x80", run=case.run)
    yield _series("signal_records_total", "3x19 4x60", run=case.run, signal=name, severity=severity)
    yield _series("signal_active", "0x19 1x4 0x55", run=case.run, signal=name, severity=severity)
    yield _series("signal_step", f"{STEP}x80", run=case.run, signal=name)
    yield _series("signal_peak", f"{peak:.15g}x80", run=case.run, signal=name)


def _silent_run(case: _Case) -> Iterator[Object]:
    """Trains for five minutes, hangs, and goes on."""
    flag = {"run": case.run, "signal": case.signal.name, "severity": case.severity}
    yield _series("last_record_timestamp_seconds", "0+15x20 300x38 900x20", run=case.run)
    yield _series("records_total", "1+1x20 21x38 22x20", run=case.run, kind="train")
    yield _series("run_state", "1x39 0x19 1x20", run=case.run, state="running")
    yield _series("run_state", "0x39 1x19 0x20", run=case.run, state="stalled")
    yield _series("step", f"{LAST_STEP}x80", run=case.run)
    yield _series("signal_active", "0x39 1x19 0x20", **flag)


def _history(case: _Case) -> Iterator[Object]:
    """A run whose log had the signal, and ends with it, before anybody looked."""
    run = f"old/{case.severity}"
    flag = {"run": run, "signal": case.signal.name, "severity": case.severity}
    yield _series("run_info", "1x80", run=run, profile=case.profile)
    yield _series("last_record_timestamp_seconds", "0x80", run=run)
    yield _series("records_total", "500x80", run=run, kind="train")
    yield _series("run_state", "1x80", run=run, state="stalled")
    yield _series("signal_active", "1x80", **flag)
    if not case.by_clock:
        yield _series("signal_records_total", "30x80", **flag)


def _series(metric: str, values: str, **labels: str) -> Object:
    escaped = {label: value.replace('"', '\\"') for label, value in labels.items()}
    inside = ",".join(
        f'{label}="{value}"' for label, value in {"job": JOB, "instance": INSTANCE, **escaped}.items()
    )
    return {"series": f"llmtrain_{metric}{{{inside}}}", "values": values}


def _expected(case: _Case, lang: Lang, places: Places) -> Object:
    texts, run = case.alert.words, quote_plus(case.run)
    dashboard = DASHBOARDS.get(case.profile, FLEET) + ("-zh" if lang is Lang.ZH else "")
    return {
        "exp_labels": {
            "severity": case.severity,
            "signal": case.signal.name,
            "family": case.signal.family.value,
            "job": JOB,
            "instance": INSTANCE,
            "run": case.run,
            "profile": case.profile,
            "team": TEAM,
        },
        "exp_annotations": {
            "summary": texts.summary.of(lang),
            "description": fill(texts.description, lang, _values(case)),
            "advice": texts.advice.of(lang),
            "runbook_url": places.runbook_url(case.alert, lang),
            "dashboard_url": f"{places.grafana}/d/{dashboard}?var-run={run}",
            "run_url": f"{places.exporter}/run?run={run}&lang={lang.value}",
        },
    }


def _values(case: _Case) -> dict[str, str]:
    _, peak = PEAKS[unit_of(case.signal.metrics[0])]
    return {
        "run": case.run,
        "step": str(STEP),
        "peak": peak,
        "limit": f"{case.limit:.0%}" if case.signal.told_in_percent else number(case.limit),
        "last_step": str(LAST_STEP),
        "silence": SILENT,
    }
