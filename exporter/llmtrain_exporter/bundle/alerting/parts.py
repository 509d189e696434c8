"""The files below `alerts/`."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.bundle.alerting.rule_tests import signal_tests
from llmtrain_exporter.bundle.alerting.rules import rule_files
from llmtrain_exporter.bundle.alerting.runbook import runbook
from llmtrain_exporter.bundle.alerting.vmalert import vmalert_files
from llmtrain_exporter.knowledge.text import Lang

FOLDERS = {Lang.EN: "alerts", Lang.ZH: "alerts/zh"}


def alerts(lang: Lang, places: Places) -> Mapping[str, str]:
    """Rules, their tests and the runbook in one language: path below the project's folder, and content."""
    files = {f"rules/{name}": content for name, content in rule_files(lang, places).items()}
    files |= {f"vmalert/{name}": content for name, content in vmalert_files(lang, places).items()}
    files["tests/signals.yml"] = signal_tests(lang, places)
    files["runbook.md"] = runbook(lang)
    return {f"{FOLDERS[lang]}/{name}": content for name, content in files.items()}
