"""The rule files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
{needs}# {links}
groups:
"""
_NEEDS = "# Needs Prometheus 2.42.\n"
_USUAL_LINKS = (
    "Links lead to Grafana and exporter on localhost; "
    "`llmtrain-exporter render --help` says how to change that."
)
WHAT = {
    "runs": "Alerts on runs, and what they rest on.",
    "exporter": "Alerts on the exporters themselves.",
    "fleet": "Recorded for dashboards of many runs.",
}
"""What is in the files."""

EXPORTER_INTERVAL = "1m"
"""What the exporter tells of itself is not so urgent."""


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other. `interval`: "" for that of the server.

    `settings`: others of the group, as vmalert knows them.
    """

    name: str
    rules: Sequence[str]
    interval: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


def rule_files(lang: Lang, places: Places) -> dict[str, str]:
    """The files by name."""
    runs = promql.of_runs(ALERTS)
    own = [alert for alert in ALERTS if alert.scope is Scope.EXPORTER]
    of_runs = [*map(recording, promql.RECORDS), *(alerting(alert, lang, places) for alert in runs)]
    groups = {
        "runs": RuleGroup("llmtrain-runs", of_runs),
        "exporter": RuleGroup(
            "llmtrain-exporter", [alerting(one, lang, places) for one in own], EXPORTER_INTERVAL
        ),
        "fleet": RuleGroup("llmtrain-fleet", [*map(recording, promql.FLEET)]),
    }
    what = WHAT | {"runs": f"{WHAT['runs']} One group, so that an alert sees what was just recorded."}
    return {
        f"llmtrain-{name}.yml": in_one_file(what[name], [group], places, _NEEDS)
        for name, group in groups.items()
    }


def in_one_file(what: str, groups: Iterable[RuleGroup], places: Places, needs: str) -> str:
    """A file of rules: what it is, where its links lead, and a line on what it needs."""
    return _HEAD.format(what=what, needs=needs, links=_where_links_lead(places)) + "\n".join(
        map(_group, groups)
    )


def _where_links_lead(places: Places) -> str:
    there = " and ".join(filter(None, (places.exporter, places.grafana)))
    return _USUAL_LINKS if places == Places() else f"Links lead to {there}."


def _group(group: RuleGroup) -> str:
    settings = {"interval": group.interval, **group.settings}
    lines = "".join(f"    {name}: {value}\n" for name, value in settings.items() if value)
    return f"  - name: {group.name}\n{lines}    rules:\n" + "\n".join(group.rules)


def recording(record: RecordingRule, expr: str | None = None) -> str:
    """A recording rule. `expr`: in its place another expression."""
    rule: dict[str, object] = {"record": record.name, "expr": expr or record.expr}
    if record.labels:
        rule["labels"] = dict(record.labels)
    return "".join(_commented(record.why)) + _written(rule)


def alerting(alert: Alert, lang: Lang, places: Places, expr: str | None = None) -> str:
    """The rule of an alert. `expr`: in its place another expression."""
    rule: dict[str, object] = {"alert": alert.name, "expr": expr or promql.condition(alert)}
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
