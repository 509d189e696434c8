"""The rules on vmalert with VictoriaMetrics: promtool's scenarios give the same alerts, a real run does."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import (
    ExporterProcess,
    PrometheusAgent,
    Server,
    VictoriaMetrics,
    VmAgent,
    VmAlert,
    eventually,
)
from tests.test_rules import FOLDERS, RULE_FILES
from tests.training import append

Tool = Callable[[str], Path]
Case = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
VMALERT_RULES = ROOT / "alerts/vmalert"
SCENARIOS = sorted((ROOT / "alerts/tests").glob("*.yml"))
COLLAPSE = ROOT / "exporter/llmtrain_exporter/demo/collapse/logging.jsonl"
CALM_LINES = 15  # of that log, before anything is wrong

METRIC_NAME = re.compile(r"^[a-z_:0-9]+(?=\{)")


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """A program that has come to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


# Scenarios.


def scenario(path: Path, folder: Path) -> Path:
    """A file of promtool's rule tests as vmalert-tool takes it, with the rules for vmalert.

    vmalert-tool evaluates one group after the other at one moment, which is what their offsets come to.
    """
    content = yaml.safe_load(path.read_text())
    rules = [without_offsets(VMALERT_RULES / Path(name).name, folder) for name in content["rule_files"]]
    content["rule_files"] = [str(rule) for rule in rules]
    groups = [group for rule in rules for group in yaml.safe_load(rule.read_text())["groups"]]
    content["group_eval_order"] = [group["name"] for group in groups]
    group_of = {rule.get("alert"): group["name"] for group in groups for rule in group["rules"]}
    for case in content["tests"]:
        case["metricsql_expr_test"] = [asked(one) for one in case.pop("promql_expr_test", ())]
        for one in case.get("alert_rule_test", ()):
            one["groupname"] = group_of[one["alertname"]]
    made = folder / path.name
    made.write_text(
        yaml.safe_dump(content, allow_unicode=True, width=10**6).replace("worst value NaN", "worst value ?")
    )
    return made


def without_offsets(path: Path, folder: Path) -> Path:
    """The rules without the times at which their groups are evaluated."""
    content = yaml.safe_load(path.read_text())
    for group in content["groups"]:
        group.pop("eval_offset", None)
    made = folder / f"rules-{path.name}"
    made.write_text(yaml.safe_dump(content, allow_unicode=True, width=10**6))
    return made


def asked(case: Case) -> Case:
    """What is asked, in MetricsQL: it keeps the metric's name more often, and alerts name their group."""
    expected = [
        {**sample, "labels": METRIC_NAME.sub("", sample["labels"])} if "labels" in sample else sample
        for sample in case["exp_samples"] or ()
    ]
    return {**case, "expr": f'label_del({case["expr"]}, "__name__", "alertgroup")', "exp_samples": expected}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_gives_the_same_alerts(real_tool: Tool, path: Path, tmp_path: Path) -> None:
    """What promtool expects of Prometheus, vmalert-tool finds: when, with which labels and words.

    VictoriaMetrics keeps no NaN, so an alert cannot quote one.
    """
    made = scenario(path, tmp_path)
    said = ran(real_tool("vmalert-tool3"), "unittest", "--files", made)
    assert said.returncode == 0, said.stdout + said.stderr


def test_both_have_the_same_alerts_and_records(real_tool: Tool) -> None:
    """No alert is forgotten, none differs in more than its expression, and vmalert can read them."""
    for rule in RULE_FILES:
        theirs = rule.parent.parent / "vmalert" / rule.name
        assert alerts_in(theirs) == alerts_in(rule)
    for folder in FOLDERS.values():
        said = ran(real_tool("vmalert3"), "-dryRun", f"-rule={folder}/vmalert/*.yml")
        assert said.returncode == 0, said.stderr


def alerts_in(path: Path) -> list[Case]:
    """The alerting rules of a file without what is evaluated, sorted."""
    rules = [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
    found = [
        {**rule, "expr": "", "annotations": {**rule["annotations"], "description": ""}}
        for rule in rules
        if "alert" in rule
    ]
    return sorted(found, key=lambda rule: (rule["alert"], rule["labels"]["severity"]))


# Real servers.


def lines() -> list[str]:
    """Those of a log that breaks."""
    return COLLAPSE.read_text().splitlines()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[ExporterProcess, Path]]:
    """An exporter, and the log that it watches, in which nothing is wrong yet."""
    log = append(tmp_path / "watched/run/logging.jsonl", *lines()[:CALM_LINES])
    with ExporterProcess([log.parent.parent, "--scan-interval", "1s"]) as exporter:
        yield exporter, log


def scrapers(kind: str, folder: Path, target: str, url: str, real_tool: Tool) -> list[Server]:
    """Who scrapes an exporter and writes what it says to a store."""
    if kind == "vmagent":
        return [VmAgent(folder, target, url, binary=real_tool("vmagent3"))]
    binaries = [real_tool("prometheus"), real_tool("prometheus3")]
    return [
        PrometheusAgent(folder / str(number), target, url, binary=binary)
        for number, binary in enumerate(binaries)
    ]


@pytest.mark.parametrize("kind", ["vmagent", "two agents"])
def test_a_run_that_breaks_is_told_by_vmalert(
    real_tool: Tool, watched: tuple[ExporterProcess, Path], tmp_path: Path, kind: str
) -> None:
    """A real exporter, scraped by vmagent or by two Prometheus in agent mode, and the rules as shipped."""
    exporter, log = watched
    with ExitStack() as stack:
        store = stack.enter_context(VictoriaMetrics(tmp_path / "store", real_tool("victoria-metrics3")))
        for server in scrapers(kind, tmp_path / "scrapers", exporter.address, store.write_url, real_tool):
            stack.enter_context(server)
        rules = stack.enter_context(VmAlert(VMALERT_RULES, store.url, binary=real_tool("vmalert3")))
        eventually(lambda: counted(store, 'llmtrain_records_total{kind="train"}') == CALM_LINES)
        append(log, *lines()[CALM_LINES:])
        eventually(lambda: "LlmTrainIncident" in rules.firing())
        assert {one["labels"]["run"] for one in rules.firing()["LlmTrainIncident"]} == {"run"}
        assert len(rules.firing()["LlmTrainIncident"]) == 1


def counted(store: Server, query: str) -> float:
    """The only value of a query; -1 where there is none."""
    found = store.get("/api/v1/query", params={"query": query, "nocache": "1"}).json()["data"]["result"]
    return float(found[0]["value"][1]) if len(found) == 1 else -1.0
