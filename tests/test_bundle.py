"""What is rendered from the knowledge tables."""

from pathlib import Path

import exporter.bundle
from exporter.knowledge.metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent


def test_committed_files_are_what_would_be_rendered() -> None:
    """A committed file never differs from the knowledge that it is made from."""
    assert list(exporter.bundle.outdated(ROOT)) == []


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    """Rendering is deterministic: the second time there is nothing to write."""
    assert set(exporter.bundle.write(tmp_path)) == set(exporter.bundle.rendered())
    assert list(exporter.bundle.write(tmp_path)) == []


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    """An edited or missing file is reported as not up to date."""
    list(exporter.bundle.write(tmp_path))
    (tmp_path / "docs/metrics.md").write_text("edited", encoding="utf-8")
    assert list(exporter.bundle.outdated(tmp_path)) == ["docs/metrics.md"]


def test_every_metric_stands_in_the_reference() -> None:
    """No metric is exposed that the reference does not explain."""
    page = exporter.bundle.rendered()["docs/metrics.md"]
    assert [metric.name for metric in METRICS if f"`{metric.name}" not in page] == []
