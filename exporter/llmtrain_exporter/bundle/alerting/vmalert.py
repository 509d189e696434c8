"""The same rules for vmalert, which evaluates MetricsQL and reads what it has recorded from a database.

Two things differ. What a rule has recorded can be asked for some seconds later only, so what builds on it
stands in a group of its own, evaluated later in the interval; what is used on the way there is written into
the expression by `WITH`. And MetricsQL's `increase` takes a counter that begins for growth: it would tell of
every log that was there before. `increase_prometheus` does not.

Sources: docs.victoriametrics.com/victoriametrics/metricsql and /vmalert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from llmtrain_exporter.bundle.alerting import promql
from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.bundle.alerting.rules import (
    EXPORTER_INTERVAL,
    WHAT,
    RuleGroup,
    alerting,
    in_one_file,
    recording,
)
from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.alerting.entry import Alert, Scope
from llmtrain_exporter.knowledge.text import Lang

INTERVAL = "15s"
"""vmalert's own is a minute."""

OFFSETS = ("0s", "6s", "12s")
"""When in the interval the groups that build on each other are evaluated: vmalert sends what it has recorded
each two seconds, and it takes up to three more until that can be asked for. Who misses it sees it an interval
later."""

NEWEST = {"params": '{latency_offset: ["1ms"]}'}
"""VictoriaMetrics hides what came in the last half minute unless it is told otherwise."""

RECORDED = (
    (promql.FACTS, promql.RECENT, promql.ALIVE, promql.AHEAD, promql.SIGNAL_ACTIVE, promql.SIGNAL_LIVE),
    (promql.ONGOING, promql.INCIDENT_LIVE),
)
"""What is recorded in the first groups: what is looked back at, and what more than one rule asks for."""

_RECORDS = {record.name: record for record in promql.RECORDS}
_USED = re.compile(rf"(?<!last_over_time\()({'|'.join(map(re.escape, _RECORDS))})(?:\{{(\w+)=(\"\w+\")\}})?")
_NEEDS = "# For vmalert and VictoriaMetrics from 1.145; Prometheus has its own in ../rules.\n"


def vmalert_files(lang: Lang, places: Places) -> dict[str, str]:
    """The files by name."""
    own = _alerts((alert for alert in ALERTS if alert.scope is Scope.EXPORTER), lang, places, 0)
    fleet = [recording(one, metricsql(one.expr)) for one in promql.FLEET]
    groups = {
        "runs": list(_of_runs(lang, places)),
        "exporter": [RuleGroup("llmtrain-exporter", own, EXPORTER_INTERVAL, NEWEST)],
        "fleet": [RuleGroup("llmtrain-fleet", fleet, INTERVAL, NEWEST)],
    }
    return {
        f"llmtrain-{name}.yml": in_one_file(WHAT[name], found, places, _NEEDS)
        for name, found in groups.items()
    }


def _of_runs(lang: Lang, places: Places) -> Iterator[RuleGroup]:
    runs = promql.of_runs(ALERTS)
    told = [[], [one for one in runs if one.signal], [one for one in runs if not one.signal]]
    for stage, offset in enumerate(OFFSETS):
        recorded = [_RECORDS[name] for name in (*RECORDED, ())[stage]]
        rules = [recording(one, metricsql(_whole(one.expr, stage))) for one in recorded]
        rules += _alerts(told[stage], lang, places, stage)
        yield RuleGroup(f"llmtrain-runs-{stage + 1}", rules, INTERVAL, {"eval_offset": offset, **NEWEST})


def _alerts(alerts: Iterable[Alert], lang: Lang, places: Places, stage: int) -> list[str]:
    return [metricsql(alerting(one, lang, places, _whole(promql.condition(one), stage))) for one in alerts]


def metricsql(text: str) -> str:
    """PromQL as MetricsQL that means the same."""
    return text.replace("increase(", "increase_prometheus(")


def _whole(expr: str, stage: int) -> str:
    """An expression with all that it builds on and that was not recorded in an earlier group."""
    known = {name for names in RECORDED[:stage] for name in names}
    needed = _needed(expr, known)
    definitions = [
        f"{_short(name)} = (\n{_indented(_named(record.expr, known))}\n)"
        for name, record in _RECORDS.items()
        if name in needed
    ]
    whole = _named(expr, known)
    if not definitions:
        return whole
    together = _indented(",\n".join(definitions))
    return f"WITH (\n{together}\n)\n{whole}"


def _needed(expr: str, known: set[str]) -> set[str]:
    used = {match[1] for match in _USED.finditer(expr)} - known
    return used.union(*(_needed(_RECORDS[name].expr, known) for name in used))


def _named(expr: str, known: set[str]) -> str:
    """The expression, with what is not recorded under its short name."""

    def written(match: re.Match[str]) -> str:
        name, label, value = match.groups()
        if name in known:
            return match[0]
        return f'label_match({_short(name)}, "{label}", {value})' if label else _short(name)

    return _USED.sub(written, expr)


def _short(name: str) -> str:
    return name.replace(":", "_")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
