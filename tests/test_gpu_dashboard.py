"""The dashboard of the profile gpu: within the rules of all dashboards, and there only with the profile."""

from __future__ import annotations

import json

import pytest
from llmtrain_exporter.bundle.dashboards.gpu import gpu_dashboard
from llmtrain_exporter.knowledge.text import Lang

from tests import dashboard_rules as rules
from tests.conftest import ROOT

FOLDER = ROOT / "grafana" / "gpu"
EXCEPTIONS = {
    "target-job-rule": "the runs are another job's",
    "target-instance-rule": "the runs are another's",
}
KINDS = ("dashboards", "gpu")
OF_RUNS = {"Time per step", "每步耗时"}


def committed(lang: Lang) -> rules.Json:
    """The dashboard as it is committed."""
    [path] = (FOLDER / lang.value).rglob("*.json")
    found: rules.Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_committed_dashboard_is_what_would_be_rendered() -> None:
    """Byte for byte, in both languages."""
    wanted = {path: text for lang in Lang for path, text in gpu_dashboard(lang).items()}
    found = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.json")}
    assert found == wanted


@pytest.mark.parametrize("lang", list(Lang))
def test_the_gpu_dashboard_keeps_to_the_rules(lang: Lang) -> None:
    """But for the one panel that shows the runs beside the GPUs."""
    broken = [
        finding
        for finding in rules.findings(committed(lang))
        if not (finding.rule in EXCEPTIONS and finding.where in OF_RUNS)
        and not (finding.rule == "template-datasource-rule" and lang is Lang.ZH)
    ]
    assert broken == []


def test_both_languages_ask_the_same() -> None:
    """Only the words and the address differ."""
    english, chinese = ([query for _, query in rules.queries(committed(lang))] for lang in Lang)
    assert english == chinese
    assert (committed(Lang.EN)["uid"], committed(Lang.ZH)["uid"]) == ("llmtrain-gpu", "llmtrain-gpu-zh")


def test_the_gpu_dashboard_lies_in_the_folder_of_the_others() -> None:
    """Two providers fill one folder of Grafana's."""
    for lang in Lang:
        folders = [{path.name for path in (ROOT / "grafana" / kind / lang.value).iterdir()} for kind in KINDS]
        assert folders[0] == folders[1]
