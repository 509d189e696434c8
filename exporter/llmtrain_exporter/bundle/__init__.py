"""Renders what the project ships from the knowledge tables, byte for byte the same every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from llmtrain_exporter.bundle.alerting.parts import alerts
from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.bundle.dashboards import dashboards
from llmtrain_exporter.bundle.dashboards.gpu import gpu_dashboard
from llmtrain_exporter.bundle.kubernetes import kubernetes
from llmtrain_exporter.bundle.metrics_page import metrics_page
from llmtrain_exporter.knowledge.text import Lang

Part = Callable[[Lang, Places], Mapping[str, str]]
"""Some of the files in one language: path below the project's folder, and content. `Places`: of links."""


METRICS_PAGE = {Lang.EN: "docs/metrics.md", Lang.ZH: "docs/metrics.zh.md"}
"""Where the reference of all metrics is written."""


def _docs(lang: Lang, _: Places) -> Mapping[str, str]:
    return {METRICS_PAGE[lang]: metrics_page(lang)}


def _dashboards(lang: Lang, places: Places) -> Mapping[str, str]:
    return {**dashboards(lang, places.exporter), **gpu_dashboard(lang)}


PARTS: tuple[Part, ...] = (_docs, alerts, kubernetes, _dashboards)
"""All that is rendered."""

HERE = Places()
"""Where links of the committed files lead."""


def rendered(lang: Lang | None = None, places: Places = HERE) -> dict[str, str]:
    """Every rendered file: path below the project's folder, and content. `lang`: None for all languages."""
    langs = tuple(Lang) if lang is None else (lang,)
    return {
        path: content
        for language in langs
        for part in PARTS
        for path, content in part(language, places).items()
    }


def write(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Write files below `folder`; the paths of those that were not up to date. Raises OSError."""
    for path in outdated(folder, files):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8")
        yield path


def outdated(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """The paths of those files that are missing below `folder`, or differ there."""
    for path, content in files.items():
        target = folder / path
        if not target.is_file() or target.read_text(encoding="utf-8") != content:
            yield path
