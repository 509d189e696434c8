"""What is rendered from the knowledge tables."""

from pathlib import Path

import llmtrain_exporter.bundle
import pytest
from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.bundle.servers import compose_files
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run
from llmtrain_exporter.knowledge.metrics import METRICS
from llmtrain_exporter.knowledge.text import Lang

ROOT = Path(__file__).resolve().parent.parent


def test_committed_files_are_what_would_be_rendered() -> None:
    """A committed file never differs from the knowledge that it is made from, in any language."""
    assert list(llmtrain_exporter.bundle.outdated(ROOT, llmtrain_exporter.bundle.rendered())) == []


def test_what_servers_of_the_compose_project_are_told_is_what_the_wheel_carries() -> None:
    """The committed files differ from the shipped templates in nothing, and operators may change theirs."""
    files = compose_files()
    assert list(llmtrain_exporter.bundle.outdated(ROOT, files)) == []
    assert set(files).isdisjoint(llmtrain_exporter.bundle.rendered())


def test_what_servers_are_told_is_written_only_when_asked_for(tmp_path: Path) -> None:
    """`render` leaves a changed alertmanager.yml alone; `render --servers` writes it anew."""
    mine = tmp_path / "alerts" / "alertmanager.yml"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert run(commands, ["render", str(tmp_path)]) == 0
    assert mine.read_text() == "mine"
    assert run(commands, ["render", "--servers", str(tmp_path)]) == 0
    assert mine.read_text() == compose_files()["alerts/alertmanager.yml"]


def test_links_to_no_grafana_are_left_out() -> None:
    """Where there is none, no alert leads to one, and the head of the file does not say so."""
    rules = llmtrain_exporter.bundle.rendered(Lang.EN, Places(grafana=""))["alerts/rules/llmtrain-runs.yml"]
    assert "dashboard_url" not in rules
    assert "3000" not in rules
    assert "# Links lead to http://localhost:9848.\n" in rules


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    """Rendering is deterministic: the second time there is nothing to write."""
    files = llmtrain_exporter.bundle.rendered()
    assert set(llmtrain_exporter.bundle.write(tmp_path, files)) == set(files)
    assert list(llmtrain_exporter.bundle.write(tmp_path, llmtrain_exporter.bundle.rendered())) == []


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    """An edited or missing file is reported as not up to date."""
    files = llmtrain_exporter.bundle.rendered()
    list(llmtrain_exporter.bundle.write(tmp_path, files))
    (tmp_path / "docs/metrics.md").write_text("edited", encoding="utf-8")
    (tmp_path / "alerts/runbook.md").unlink()
    assert set(llmtrain_exporter.bundle.outdated(tmp_path, files)) == {"docs/metrics.md", "alerts/runbook.md"}


def test_no_rendered_file_is_left_over() -> None:
    """What is no longer rendered is removed from the folders that hold nothing else."""
    files = llmtrain_exporter.bundle.rendered()
    folders = ("alerts/rules", "alerts/zh")
    there = {str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.*")}
    assert there - set(files) == set()


def test_languages_share_no_file() -> None:
    """Each language has files of its own, so that both can lie side by side; together they are all."""
    by_lang = {lang: set(llmtrain_exporter.bundle.rendered(lang)) for lang in Lang}
    assert by_lang[Lang.EN].isdisjoint(by_lang[Lang.ZH])
    assert by_lang[Lang.EN] | by_lang[Lang.ZH] == set(llmtrain_exporter.bundle.rendered())


def test_links_lead_where_one_says() -> None:
    """Other addresses of Grafana, exporter and runbook stand in the links, and nothing is left of the old."""
    places = Places("https://grafana.lan", "https://{instance}", "https://wiki.lan/{lang}/runbook")
    rules = llmtrain_exporter.bundle.rendered(Lang.ZH, places)["alerts/zh/rules/llmtrain-runs.yml"]
    assert "http://localhost" not in rules
    assert (
        "dashboard_url: https://grafana.lan/d/llmtrain-grpo-zh?var-run={{ $labels.run | urlquery }}" in rules
    )
    assert "run_url: https://{{ $labels.instance }}/run?run={{ $labels.run | urlquery }}&lang=zh" in rules
    assert "runbook_url: https://wiki.lan/zh/runbook#llmtrainklhigh" in rules


def test_the_command_writes_one_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`render --lang zh DIR` gives the Chinese files alone, with the addresses asked for."""
    asked = ["render", "--lang", "zh", "--grafana-url", "https://grafana.lan/", str(tmp_path)]
    assert run(commands, asked) == 0
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == set(llmtrain_exporter.bundle.rendered(Lang.ZH))
    assert "https://grafana.lan/d/" in (tmp_path / "alerts/zh/rules/llmtrain-runs.yml").read_text()
    assert capsys.readouterr().out.count(": written") == len(written)
    assert run(commands, [*asked, "--check"]) == 0
    assert run(commands, ["render", "--lang", "zh", "--check", str(tmp_path)]) == 1


def test_every_metric_stands_in_the_reference() -> None:
    """No metric is exposed that the reference does not explain."""
    for page in ("docs/metrics.md", "docs/metrics.zh.md"):
        written = llmtrain_exporter.bundle.rendered()[page]
        assert [metric.name for metric in METRICS if f"`{metric.name}" not in written] == []


def test_the_reference_tells_ranges_with_their_sources() -> None:
    """In either language, those of parts too."""
    english, chinese = (
        llmtrain_exporter.bundle.rendered()[page] for page in ("docs/metrics.md", "docs/metrics.zh.md")
    )
    (row,) = (line for line in english.splitlines() if line.startswith("| `llmtrain_importance_ratio`"))
    assert "`mean`, grpo: Healthy: 0.5 to 2." in row
    assert "verl's documentation, algo/rollout_corr.md" in row
    (row,) = (line for line in chinese.splitlines() if line.startswith("| `llmtrain_importance_ratio`"))
    assert "`mean`，grpo：健康范围：0.5 到 2。" in row
    assert "verl 文档 algo/rollout_corr.md" in row
