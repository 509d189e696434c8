"""Alert rules: the table behind them is complete, promtool has nothing to say, and every alert is tested."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from llmtrain_exporter.bundle.alerting.places import anchor
from llmtrain_exporter.bundle.alerting.templates import blanks
from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.alerting.entry import PREFIX, Alert, Scope
from llmtrain_exporter.knowledge.metric import Type
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.knowledge.signal import Measure, Severity
from llmtrain_exporter.knowledge.signals import LIMITS, SIGNALS
from llmtrain_exporter.knowledge.text import PATTERN, Lang, Text

from tests.servers import ExporterProcess

Tool = Callable[[str], Path]
Rule = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {Lang.EN: ROOT / "alerts", Lang.ZH: ROOT / "alerts/zh"}
RULE_FILES = sorted(path for folder in FOLDERS.values() for path in (folder / "rules").glob("*.yml"))
TEST_FILES = sorted(path for folder in FOLDERS.values() for path in (folder / "tests").glob("*.yml"))
PROMTOOLS = ("promtool", "promtool3")  # 2.42 and newer

CHINESE = re.compile(r"[\u4e00-\u9fff]")
WIDE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
SERIES = re.compile(r"\b((?:[a-z_]+:)?llmtrain_[a-z0-9_]+(?::[a-z0-9]+)?)\b")
SECONDS = {"s": 1, "m": 60, "h": 3600}
UNTOLD = {
    (signal.name, severity): reason
    for signal in SIGNALS.values()
    for severity, reason in signal.no_alert.items()
}


def seconds(duration: str) -> int:
    """A duration as Prometheus writes it: 1h30m."""
    return sum(int(count) * SECONDS[unit] for count, unit in re.findall(r"(\d+)([smh])", duration))


def rules(lang: Lang) -> list[Rule]:
    """All rules of a language, as they are committed."""
    files = [yaml.safe_load(path.read_text()) for path in sorted((FOLDERS[lang] / "rules").glob("*.yml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts(lang: Lang = Lang.EN) -> list[Rule]:
    """The alerting rules among them."""
    return [rule for rule in rules(lang) if "alert" in rule]


def key(rule: Rule) -> tuple[str, str]:
    """Alerts of one name differ in severity."""
    return rule["alert"], rule["labels"]["severity"]


# The table.


def test_every_signal_of_every_profile_has_an_alert_or_a_written_omission() -> None:
    """Whoever adds a signal or a severity decides whether somebody is told, and says why not."""
    needed = {
        (signal, severity)
        for limits in LIMITS.values()
        for signal, bounds in limits.items()
        for severity in bounds
    }
    told = {(alert.signal.name, alert.severity) for alert in ALERTS if alert.signal}
    assert told.isdisjoint(UNTOLD)
    assert told | set(UNTOLD) == needed
    assert all(reason for reason in UNTOLD.values())
    assert [key for key in UNTOLD if key[1] is not Severity.INFO] == []


def test_alerts_of_one_name_differ_in_severity_alone() -> None:
    """Alertmanager tells alerts apart by labels: no two rules say the same, and a name has one text."""
    names = [(alert.name, alert.severity) for alert in ALERTS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(f"{PREFIX}([A-Z][a-z]+)+", alert.name) for alert in ALERTS)
    for one, other in pairwise(ALERTS):
        assert one.name != other.name or one.words == other.words


def texts(alert: Alert) -> Iterator[Text]:
    """All that is said about an alert."""
    said = alert.words
    yield from (said.summary, said.description, said.advice, said.meaning, said.impact)
    yield from (*said.diagnosis, *said.causes, *said.mitigation)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity.value}")
def test_an_alert_says_everything_in_both_languages(alert: Alert) -> None:
    """Nothing is left out, English holds no Chinese, both have the same blanks, and those are known."""
    said = alert.words
    assert said.diagnosis
    assert said.mitigation
    for text in texts(alert):
        assert text.en.strip() == text.en != ""
        assert not WIDE.search(text.en)
        assert CHINESE.search(text.zh)
    left_blank = set(PATTERN.findall(said.description.en))
    assert left_blank == set(PATTERN.findall(said.description.zh))
    known = blanks(alert, Lang.EN).keys()
    assert ("run" if alert.scope is Scope.RUN else "instance") in left_blank <= known
    assert [text for text in texts(alert) if text is not said.description and PATTERN.search(text.en)] == []
    assert len(said.summary.en) <= 90
    assert len(said.summary.zh) <= 50


def test_every_measure_with_a_number_says_its_limit() -> None:
    """A limit stands in the description, in words that fit what it is in; where there is none, no blank."""
    for alert in ALERTS:
        if alert.signal:
            assert ("{limit}" in alert.words.description.en) is (alert.signal.measure is not Measure.TRUTH)


# The files.


@pytest.mark.parametrize("tool", PROMTOOLS)
def test_promtool_has_nothing_to_say_of_the_rules(real_tool: Tool, tool: str) -> None:
    """Every rule file passes every lint of promtool."""
    command = [str(real_tool(tool)), "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULE_FILES)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("tool", PROMTOOLS)
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_alerts_fire_when_they_should_and_say_what_they_should(
    real_tool: Tool, tool: str, path: Path
) -> None:
    """promtool's rule tests pass."""
    command = [str(real_tool(tool)), "test", "rules", path.name]
    said = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("lang", Lang)
def test_an_alert_has_its_labels_and_annotations(lang: Lang) -> None:
    """Severity as the table has it, six annotations on alerts of runs, and no number in a label."""
    wanted = {"summary", "description", "advice", "runbook_url", "dashboard_url"}
    by_key = {(alert.name, alert.severity.value): alert for alert in ALERTS}
    assert {key(rule) for rule in alerts(lang)} == set(by_key)
    for rule in alerts(lang):
        alert = by_key[key(rule)]
        of_run = {"run_url"} if alert.scope is Scope.RUN else set()
        assert set(rule["annotations"]) == wanted | of_run
        assert rule["labels"].get("signal") == (alert.signal.name if alert.signal else None)
        assert "{{" not in "".join(rule["labels"].values())
        assert "{{" not in rule["annotations"]["summary"]
        assert rule.get("for", "") == alert.holds


def test_the_languages_differ_in_words_alone() -> None:
    """Chinese rules compute the same, under the same names and labels; what people read is Chinese."""

    def without_words(rule: Rule) -> Rule:
        return {name: value for name, value in rule.items() if name != "annotations"}

    assert list(map(without_words, rules(Lang.EN))) == list(map(without_words, rules(Lang.ZH)))
    for rule in alerts(Lang.ZH):
        for name in ("summary", "description", "advice"):
            assert CHINESE.search(rule["annotations"][name])


@pytest.mark.parametrize("lang", Lang)
def test_links_into_the_runbook_lead_to_an_entry(lang: Lang) -> None:
    """Each runbook_url ends in the name of a heading, and the runbook has no entry without an alert."""
    page = (FOLDERS[lang] / "runbook.md").read_text()
    headings = {anchor(heading) for heading in re.findall(r"^## (.+)$", page, re.MULTILINE)}
    assert {rule["annotations"]["runbook_url"].split("#")[1] for rule in alerts(lang)} == headings


def exposed(folder: Path) -> set[str]:
    """The names of all series that an exporter can show of itself and of runs."""
    with ExporterProcess([folder, "--remote-write", "http://127.0.0.1:1/"]) as process:
        own = re.findall(r"^# TYPE (\S+)", process.get("/metrics").text, re.MULTILINE)
    of_runs = (f"{metric.name}_info" if metric.type is Type.INFO else metric.name for metric in METRICS)
    return {*own, *of_runs}


def test_rules_ask_for_series_that_there_are(tmp_path: Path) -> None:
    """Each series in an expression or a template is exposed, or recorded."""
    asked = {
        name
        for rule in rules(Lang.EN)
        for text in (rule["expr"], *rule.get("annotations", {}).values())
        for name in SERIES.findall(text)
    }
    recorded = {rule["record"] for rule in rules(Lang.EN) if "record" in rule}
    assert asked - exposed(tmp_path) - recorded == set()


def test_only_one_rule_looks_at_all_signals_over_time() -> None:
    """An evaluation grows with runs times signals in one place; alerts look at what is recorded."""
    heavy = [rule for rule in rules(Lang.EN) if "llmtrain_signal_records_total[" in rule["expr"]]
    assert [rule.get("record") for rule in heavy] == ["run_signal:llmtrain_signal_records:increase5m"]
    for rule in alerts():
        if "signal" in rule["labels"]:
            assert re.fullmatch(r"run_signal:llmtrain_signal:live\{[^}]+\} == 1", rule["expr"])


# What the committed tests cover.


class Case(NamedTuple):
    """What a rule test expects of an alert at one time. `missing`: annotations that it does not look at."""

    test: str
    interval: int
    at: int
    alert: str
    fires: dict[str, set[str]]  # severity -> names of annotations


def cases(lang: Lang) -> Iterator[Case]:
    """Every expectation of the committed rule tests."""
    for path in sorted((FOLDERS[lang] / "tests").glob("*.yml")):
        content = yaml.safe_load(path.read_text())
        for number, test in enumerate(content["tests"]):
            for one in test.get("alert_rule_test", []):
                fires = {
                    expected["exp_labels"]["severity"]: set(expected["exp_annotations"])
                    for expected in one["exp_alerts"]
                }
                where = f"{path.name}:{number}"
                step = seconds(content["evaluation_interval"])
                yield Case(where, step, seconds(one["eval_time"]), one["alertname"], fires)


def is_covered(found: list[Case], rule: Rule) -> bool:
    """Whether a test sees it silent at one evaluation and firing at the next, labels and words compared."""
    name, severity = key(rule)
    mine = sorted((case for case in found if case.alert == name), key=lambda case: (case.test, case.at))
    return any(
        before.test == after.test
        and after.at - before.at == after.interval
        and severity not in before.fires
        and after.fires.get(severity) == set(rule["annotations"])
        for before, after in pairwise(mine)
    )


def test_every_alert_has_a_firing_and_a_silent_case() -> None:
    """Just before it is due an alert is silent, and then it is there with all labels and annotations."""
    found = list(cases(Lang.EN))
    assert [key(rule) for rule in alerts() if not is_covered(found, rule)] == []


def test_every_alert_is_seen_silent_again_or_beside_a_healthy_one() -> None:
    """Each alert has a case in which nothing is expected: after its time, or where it never was due."""
    found = list(cases(Lang.EN))
    silent = {case.alert for case in found if not case.fires}
    assert {rule["alert"] for rule in alerts()} - silent == set()


def test_the_chinese_rules_are_tested_on_signals() -> None:
    """Blanks of a description are filled in Chinese as well: all alerts on signals are seen in words."""
    found = list(cases(Lang.ZH))
    on_signals = [rule for rule in alerts(Lang.ZH) if "signal" in rule["labels"]]
    assert len(on_signals) > 25
    assert [key(rule) for rule in on_signals if not is_covered(found, rule)] == []


def test_an_alert_without_a_test_is_found() -> None:
    """The check above sees a missing case, a wrong time and a missing annotation."""
    rule = next(rule for rule in alerts() if rule["alert"] == "LlmTrainExporterNotReady")
    words = set(rule["annotations"])
    before = Case("a", 60, 840, "LlmTrainExporterNotReady", {})
    after = Case("a", 60, 900, "LlmTrainExporterNotReady", {"warning": words})
    assert is_covered([before, after], rule)
    assert not is_covered([after], rule)
    assert not is_covered([before._replace(at=600), after], rule)
    assert not is_covered([before, after._replace(fires={"warning": words - {"advice"}})], rule)
    assert not is_covered([before, after._replace(fires={"critical": words})], rule)
    assert not is_covered([before._replace(test="b"), after], rule)


def test_no_signal_is_without_a_name_for_its_alert() -> None:
    """A signal's alert is found by the signal's name."""
    names = {alert.signal.name: alert.name for alert in ALERTS if alert.signal}
    assert names["kl_high"] == "LlmTrainKlHigh"
    assert names["lr_out_of_range"] == "LlmTrainLrOutOfRange"
    assert set(SIGNALS) - set(names) == {signal for signal, _ in UNTOLD if signal not in names}
