"""The dashboards as they are committed: what is rendered, the same in both languages, within the rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from llmtrain_exporter.bundle.dashboards import dashboards
from llmtrain_exporter.knowledge.text import Lang

from tests import dashboard_rules as rules
from tests.conftest import ROOT
from tests.dashboard_rules import FOLDER, Json

TRANSLATED = "-zh"

ON_WHAT_IS_MISSING = "an alert on what is missing has neither job nor instance"
EVER = "how many there were, ever: a counter holds the whole log"
EXCEPTIONS = {
    ("target-job-rule", "llmtrain-fleet", "Alerts firing"): ON_WHAT_IS_MISSING,
    ("target-job-rule", "llmtrain-fleet", "Firing alerts"): ON_WHAT_IS_MISSING,
    ("target-counter-agg-rule", "llmtrain-fleet", "Incidents of the runs"): EVER,
    ("target-counter-agg-rule", "llmtrain-compare", "Where they stand"): EVER,
    ("target-counter-agg-rule", "llmtrain-grpo", "Incidents"): EVER,
    ("target-counter-agg-rule", "llmtrain-sft", "Incidents"): EVER,
    ("target-counter-agg-rule", "llmtrain-preference", "Incidents"): EVER,
    ("target-counter-agg-rule", "llmtrain-exporter", "Keys left out"): EVER,
}
"""Rules that are broken on purpose, by rule, dashboard and panel, and why."""


ENGLISH, CHINESE = rules.load(Lang.EN), rules.load(Lang.ZH)
BOTH = {**ENGLISH, **CHINESE}


def english(dashboard: Json) -> Json:
    """The same dashboard in English."""
    return ENGLISH[dashboard["uid"].removesuffix(TRANSLATED)]


def test_the_committed_dashboards_are_what_would_be_rendered() -> None:
    """Each file is byte for byte what the knowledge renders, and no other dashboard lies beside them."""
    wanted = {path: text for lang in Lang for path, text in dashboards(lang).items()}
    found = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in FOLDER.rglob("*.json")}
    assert found.keys() == wanted.keys()
    assert [path for path, text in wanted.items() if found[path] != text] == []


def test_every_dashboard_is_there_in_both_languages() -> None:
    """Six dashboards, and six more whose uid says that they are the same in Chinese."""
    names = {"fleet", "grpo", "sft", "preference", "compare", "exporter"}
    assert ENGLISH.keys() == {f"llmtrain-{name}" for name in names}
    assert CHINESE.keys() == {f"{uid}{TRANSLATED}" for uid in ENGLISH}


@pytest.mark.parametrize("uid", sorted(CHINESE))
def test_both_languages_show_the_same(uid: str) -> None:
    """A Chinese dashboard has the panels, places and queries of the English one, and other words."""
    translated, original = CHINESE[uid], english(CHINESE[uid])
    assert list(rules.queries(translated)) != list(rules.queries(original))  # the titles differ
    for one, other in zip(rules.panels(translated), rules.panels(original), strict=True):
        assert [target["expr"] for target in rules.targets(one)] == [
            target["expr"] for target in rules.targets(other)
        ]
        assert (one["id"], one["type"], one["gridPos"]) == (other["id"], other["type"], other["gridPos"])
        assert re.search("[\u4e00-\u9fff]", one["description"]), one["title"]
        assert not re.search("[\u4e00-\u9fff]", json.dumps(other, ensure_ascii=False)), other["title"]


@pytest.mark.parametrize("uid", sorted(BOTH))
def test_a_dashboard_keeps_to_the_rules(uid: str) -> None:
    """No rule of dashboard-linter and none of this house is broken, but for the exceptions above."""
    titles = dict(zip(titles_of(BOTH[uid]), titles_of(english(BOTH[uid])), strict=True))
    broken = [
        finding
        for finding in rules.findings(BOTH[uid])
        if (finding.rule, uid.removesuffix(TRANSLATED), titles.get(finding.where, "")) not in EXCEPTIONS
        and not (
            finding.rule == "template-datasource-rule"
            and uid.endswith(TRANSLATED)
            and "数据源" in finding.text
        )
    ]
    assert broken == []


def titles_of(dashboard: Json) -> list[str]:
    """The titles of its panels."""
    return [panel["title"] for panel in rules.panels(dashboard)]


def test_every_exception_is_still_needed() -> None:
    """An exception that no dashboard makes use of goes."""
    found = {
        (finding.rule, uid, finding.where) for uid, one in ENGLISH.items() for finding in rules.findings(one)
    }
    assert EXCEPTIONS.keys() - found == set()


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("template-datasource-rule", lambda board: board["templating"]["list"].pop(0)),
        ("template-job-rule", lambda board: board["templating"]["list"][1].update(multi=False)),
        ("template-instance-rule", lambda board: board["templating"]["list"][2].update(allValue=".*")),
        ("template-label-promql-rule", lambda board: board["templating"]["list"][1].update(query="up")),
        (
            "template-on-time-change-reload-rule",
            lambda board: board["templating"]["list"][1].update(refresh=1),
        ),
        ("panel-datasource-rule", lambda board: board["panels"][0].update(datasource={"uid": "mine"})),
        ("panel-title-description-rule", lambda board: board["panels"][0].update(description="")),
        ("panel-units-rule", lambda board: board["panels"][0]["fieldConfig"]["defaults"].update(unit="secs")),
        ("panel-no-targets-rule", lambda board: board["panels"][0].update(targets=[])),
        ("target-promql-rule", lambda board: ask(board, "up{§}")),
        ("target-rate-interval-rule", lambda board: ask(board, "rate(a_total[5m])")),
        ("target-job-rule", lambda board: ask(board, 'up{instance=~"$instance"}')),
        ("target-instance-rule", lambda board: ask(board, 'up{job=~"$job"}')),
        ("target-counter-agg-rule", lambda board: ask(board, "sum(a_total)")),
        ("uneditable-dashboard-rule", lambda board: board.update(editable=True)),
        ("house-unique-panels", lambda board: board["panels"][0].update(id=board["panels"][1]["id"])),
        ("house-no-overlap", lambda board: board["panels"][0]["gridPos"].update(w=12)),
        ("house-empty-text", lambda board: board["panels"][0]["fieldConfig"]["defaults"].pop("noValue")),
        ("house-links-keep-time", lambda board: board["panels"][0].update(links=[{"url": "/d/x?var-run=a"}])),
        ("house-known-variables", lambda board: ask(board, 'up{run="$runs"}')),
        ("house-drawn-pairs", lambda board: board["panels"].append(chart("manual", pluginVersion="11.1.0"))),
        ("house-drawn-pairs", lambda board: board["panels"].append(chart("auto"))),
    ],
)
def test_a_broken_rule_is_found(rule: str, spoil: Callable[[Json], object]) -> None:
    """Each rule sees what breaks it."""
    board = json.loads(json.dumps(ENGLISH["llmtrain-fleet"]))
    before = rules.RULES[rule](board)
    count = len(list(before))
    spoil(board)
    assert len(list(rules.RULES[rule](board))) > count


def chart(mapping: str, **more: str) -> Json:
    """An XY chart that says of no series in which frame it is."""
    pair = {axis: {"matcher": {"id": "byName", "options": f"Value #{axis}"}} for axis in ("x", "y")}
    return {"type": "xychart", "title": "x", "options": {"mapping": mapping, "series": [pair]}, **more}


def ask(board: Json, query: str) -> None:
    """Let the first panel ask that."""
    board["panels"][0]["targets"][0]["expr"] = query


def test_every_rule_has_its_counterexample() -> None:
    """The table above spoils a dashboard for each rule."""
    marks = test_a_broken_rule_is_found.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} == rules.RULES.keys()
