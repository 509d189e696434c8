"""The rule files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from llmtrain_exporter.bundle.alerting import promql
from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.bundle.alerting.promql import RecordingRule
from llmtrain_exporter.bundle.alerting.templates import annotations_of
from llmtrain_exporter.bundle.yaml_text import TextBlocks
from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.alerting.entry import Alert, Scope
from llmtrain_exporter.knowledge.text import Lang

_HEAD = """# {what}
#
# Rendered from exporter/llmtrain_exporter/knowledge/ by `llmtrain-exporter render`: change it there.
# Needs Prometheus 2.42.
# {links}
groups:
  - name: {name}
{interval}    rules:
"""
_USUAL_LINKS = (
    "Links lead to Grafana and exporter on localhost; "
    "`llmtrain-exporter render --help` says how to change that."
)
_OWN_INTERVAL = "    interval: 1m\n"
"""What the exporter tells of itself is not so urgent."""


def rule_files(lang: Lang, places: Places) -> dict[str, str]:
    """The files by name."""
    runs = promql.of_runs(ALERTS)
    links = _where_links_lead(places)
    own = [alert for alert in ALERTS if alert.scope is Scope.EXPORTER]
    return {
        "llmtrain-runs.yml": _file(
            "llmtrain-runs",
            "Alerts on runs, and what they rest on. One group, so that an alert sees what was just recorded.",
            links,
            [*map(_recording, promql.RECORDS), *(_alerting(alert, lang, places) for alert in runs)],
        ),
        "llmtrain-exporter.yml": _file(
            "llmtrain-exporter",
            "Alerts on the exporters themselves.",
            links,
            [_alerting(alert, lang, places) for alert in own],
            _OWN_INTERVAL,
        ),
        "llmtrain-fleet.yml": _file(
            "llmtrain-fleet",
            "Recorded for dashboards of many runs.",
            links,
            map(_recording, promql.FLEET),
        ),
    }


def _file(name: str, what: str, links: str, rules: Iterable[str], interval: str = "") -> str:
    return _HEAD.format(name=name, what=what, links=links, interval=interval) + "\n".join(rules)


def _where_links_lead(places: Places) -> str:
    there = " and ".join(filter(None, (places.exporter, places.grafana)))
    return _USUAL_LINKS if places == Places() else f"Links lead to {there}."


def _recording(record: RecordingRule) -> str:
    rule: dict[str, object] = {"record": record.name, "expr": record.expr}
    if record.labels:
        rule["labels"] = dict(record.labels)
    return "".join(_commented(record.why)) + _written(rule)


def _alerting(alert: Alert, lang: Lang, places: Places) -> str:
    rule: dict[str, object] = {"alert": alert.name, "expr": promql.condition(alert)}
    if alert.holds:
        rule["for"] = alert.holds
    if alert.keeps:
        rule["keep_firing_for"] = alert.keeps
    return _written(rule | {"labels": labels(alert), "annotations": annotations_of(alert, lang, places)})


def labels(alert: Alert) -> dict[str, str]:
    """The labels that a rule adds to those of its series."""
    found = {"severity": alert.severity.value}
    if alert.signal is not None:
        found |= {"signal": alert.signal.name, "family": alert.signal.family.value}
    return found


def _commented(text: str) -> Iterator[str]:
    yield from (f"      # {line}\n" for line in text.splitlines())


def _written(rule: dict[str, object]) -> str:
    dumped = yaml.dump([rule], Dumper=TextBlocks, sort_keys=False, allow_unicode=True, width=10**6)
    return "".join(f"      {line}\n" for line in dumped.splitlines())
