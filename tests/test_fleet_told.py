"""The dashboard of all runs counts the alerts that Alertmanager, as it is shipped, tells people of."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from llmtrain_exporter.bundle.dashboards.fleet_queries import TOLD, TOLD_COUNT

from tests import promql
from tests.conftest import ROOT

Labels = Mapping[str, str]

SHIPPED = yaml.safe_load((ROOT / "alerts/alertmanager.yml").read_text())
MATCHER = re.compile(r'(\w+)(=~|!=|=)"(.*)"')
VARIABLES = {"job": ".+", "instance": ".+"}


def alert(name: str, severity: str, run: str = "", signal: str = "", instance: str = "a:1") -> Labels:
    """The labels of an alert; an empty one is none."""
    given = {"job": "llmtrain", "instance": instance, "severity": severity, "run": run, "signal": signal}
    return {"alertname": f"LlmTrain{name}", **{label: value for label, value in given.items() if value}}


ALERTS = (
    alert("Incident", "critical", "one"),
    alert("KlHigh", "critical", "one", "kl_high"),
    alert("KlHigh", "warning", "two", "kl_high"),
    alert("GradSpike", "critical", "two", "grad_spike"),
    alert("GradSpike", "warning", "one", "grad_spike"),
    alert("RunFailed", "critical", "one"),
    alert("RunFinished", "info", "two"),
    alert("ExporterErrors", "warning"),
    alert("ExporterDown", "critical"),
    alert("ExporterDown", "critical", instance="b:1"),
    alert("ExporterDown", "critical", instance=""),
    alert("HistoryBehind", "warning", instance="b:1"),
)


def matches(labels: Labels, matchers: list[str]) -> bool:
    """As Alertmanager matches: a label that is not there is empty."""
    for matcher in matchers:
        found = MATCHER.fullmatch(matcher)
        assert found, matcher
        name, operator, wanted = found.groups()
        value = labels.get(name, "")
        fits = {"=": value == wanted, "!=": value != wanted, "=~": bool(re.fullmatch(wanted, value))}
        if not fits[operator]:
            return False
    return True


def test_matchers_are_those_of_alertmanager() -> None:
    """Equal, different, a regular expression for the whole value."""
    assert matches({"a": "x"}, ['a="x"', 'a!="y"', 'a=~"x|y"', 'b=""'])
    assert not any(matches({"a": "x"}, [one]) for one in ('a="y"', 'a!="x"', 'a=~"y"', 'b=~".+"'))


def people_are_told(labels: Labels, firing: tuple[Labels, ...]) -> bool:
    """Whether no rule keeps an alert silent, and its route leads to somebody."""
    silent = any(
        matches(labels, rule["target_matchers"])
        and matches(source, rule["source_matchers"])
        and all(labels.get(name) == source.get(name) for name in rule["equal"])
        for rule in SHIPPED["inhibit_rules"]
        for source in firing
    )
    routes = SHIPPED["route"]["routes"]
    route = next(one for one in routes if matches(labels, one.get("matchers", [])))
    return not silent and route["receiver"] != "nobody"


def case(firing: tuple[Labels, ...]) -> dict[str, object]:
    """A case of promtool's: these alerts fire, and the panels are asked."""
    told = sum(people_are_told(labels, firing) for labels in firing)
    texts = [", ".join(f'{name}="{value}"' for name, value in labels.items()) for labels in firing]
    series = [f'ALERTS{{alertstate="firing", {text}}}' for text in texts]
    since = [f"ALERTS_FOR_STATE{{{text}}}" for text in texts]
    number = [{"labels": "{}", "value": told}] if told else []
    return {
        "interval": "1m",
        "input_series": [{"series": one, "values": "1x5"} for one in (*series, *since)],
        "promql_expr_test": [
            {"expr": promql.filled(expr, VARIABLES), "eval_time": "5m", "exp_samples": number}
            for expr in (TOLD_COUNT, f"count({TOLD})")
        ],
    }


@pytest.mark.parametrize("tool", ["promtool", "promtool3"])
def test_what_is_counted_is_what_is_told(real_tool: Callable[[str], Path], tmp_path: Path, tool: str) -> None:
    """By the inhibition rules and routes of the shipped file, whichever alerts fire together."""
    together = [firing for count in (1, 2, len(ALERTS)) for firing in combinations(ALERTS, count)]
    told = {sum(people_are_told(labels, firing) for labels in firing) for firing in together}
    assert told >= {0, 1, 2}
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [case(firing) for firing in together]}))
    done = subprocess.run(
        [real_tool(tool), "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
