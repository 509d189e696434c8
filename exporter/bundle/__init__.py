"""Renders what the project ships from the knowledge tables, byte for byte the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from exporter.bundle.metrics_page import metrics_page


def rendered() -> dict[str, str]:
    """Every rendered file: path below the project's folder, and content."""
    return {"docs/metrics.md": metrics_page()}


def write(folder: Path) -> Iterator[str]:
    """Write all files below `folder`; the paths of those that were not up to date. Raises OSError."""
    for path in list(outdated(folder)):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(rendered()[path], encoding="utf-8")
        yield path


def outdated(folder: Path) -> Iterator[str]:
    """The paths of the files below `folder` that are missing or differ from what would be rendered."""
    for path, content in rendered().items():
        target = folder / path
        if not target.is_file() or target.read_text(encoding="utf-8") != content:
            yield path
