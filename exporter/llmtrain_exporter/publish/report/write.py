"""Logs to a report in a file."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.draw.pictures import svg
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, NoRun, Snapshot
from llmtrain_exporter.output_file import replacing, target_fault
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.check import exit_code
from llmtrain_exporter.publish.report.document import Document, document
from llmtrain_exporter.publish.report.html import page_parts
from llmtrain_exporter.publish.report.markdown import sheet_parts
from llmtrain_exporter.publish.report.material import Material, material
from llmtrain_exporter.publish.report.picture import Picture, pictures
from llmtrain_exporter.publish.report.progress import ReportProgress
from llmtrain_exporter.story.blocks import Figure
from llmtrain_exporter.story.several import no_run_text
from llmtrain_exporter.story.verdict import health_mark
from llmtrain_exporter.watching.history.recorded import history
from llmtrain_exporter.watching.on_demand import read_each
from llmtrain_exporter.watching.reading_settings import ReadingSettings
from llmtrain_exporter.watching.rules import rules_for_reading

HTML = (".html", ".htm")
MARKDOWN = (".md", ".markdown")

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


class ReportError(ValueError):
    """What is wrong with what was asked for, for people."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written: where, in which language. `profile` goes before what the settings say.

    `full`: nothing is folded.
    """

    out: Path
    lang: Lang
    profile: str | None
    full: bool = False

    @property
    def folds(self) -> bool:
        """Whether what few need is closed until somebody opens it."""
        return self.is_page and not self.full

    @property
    def is_page(self) -> bool:
        """Whether it is HTML."""
        return self.out.suffix.lower() in HTML


def run_report(
    paths: Sequence[str], settings: ReadingSettings, wanted: Wanted, out: TextIO, err: TextIO, now: float
) -> int:
    """Read logs to their end, write the report, say what is in it. The exit code is that of `check`.

    `now`: Unix time. Raises `ReportError`, and OSError where the report cannot be written; what was there
    before is then still there.
    """
    _demand(wanted.out, paths)
    progress = ReportProgress(err, time.monotonic, wanted.lang)
    runs, others = _read(paths, settings, wanted.profile, progress, now)
    for other in others:
        progress.clear()
        err.write(f"{no_run_text(other, wanted.lang)}\n")
    snapshots = [material.run for material in runs]
    if runs:
        reasons = [
            (other.file, words.no_run_reason(other.reason, other.detail, wanted.lang)) for other in others
        ]
        _write(document(runs, reasons, wanted.lang, wanted.folds), wanted, progress)
        out.write(f"{printable(str(wanted.out))}: {_summary(snapshots, wanted.lang)}\n")
    progress.clear()
    # A report is written of a run, too, of which nothing can be judged yet.
    known = [replace(run, verdict=max(run.verdict, Health.HEALTHY)) for run in snapshots]
    return exit_code(paths, known, others)


def _summary(runs: Sequence[Snapshot], lang: Lang) -> str:
    worst = health_mark(max(run.verdict for run in runs), lang)
    return words.COMMA.of(lang).join((words.RUNS.of(len(runs), lang), worst.text))


def _demand(out: Path, logs: Sequence[str]) -> None:
    """Refuse what would be of no use, or would destroy a log."""
    if out.suffix.lower() not in HTML + MARKDOWN:
        raise ReportError(f"{out}: -o must end in .html or .md")
    if fault := target_fault(out, logs, "the report"):
        raise ReportError(fault)


def _read(
    paths: Sequence[str], settings: ReadingSettings, profile: str | None, progress: ReportProgress, now: float
) -> tuple[list[Material], list[NoRun]]:
    """The runs, the worst first, and the files that are none. Of a run only what the report needs stays."""
    runs: list[Material] = []
    others: list[NoRun] = []

    def read(found: Found, options: RunOptions, readers: Readers, now: float) -> Material | NoRun:
        outcome = history(found, options, readers, now, progress.reading(found))
        return outcome if isinstance(outcome, NoRun) else material(outcome)

    for outcome in read_each(read, paths, rules_for_reading(settings, profile), now):
        if isinstance(outcome, Material):
            runs.append(outcome)
        else:
            others.append(outcome)
    return sorted(runs, key=lambda material: -material.run.verdict.value), others


def _write(report: Document, wanted: Wanted, progress: ReportProgress) -> None:
    drawn = progress.drawing(wanted.out.name, sum(1 for _ in pictures(report.blocks)))
    if wanted.is_page:
        _replace(wanted.out, page_parts(report, drawn))
        return
    folder = wanted.out.with_name(f"{wanted.out.stem}_files")
    _replace(wanted.out, sheet_parts(report, _Gallery(folder, wanted.lang, drawn)))


class _Gallery:
    """Writes pictures into a folder, in their order."""

    def __init__(self, folder: Path, lang: Lang, drawn: Callable[[], object]) -> None:
        self._folder = folder
        self._lang = lang
        self._drawn = drawn
        self._count = 0

    def __call__(self, picture: Figure) -> str:
        """The address of a picture in relation to the report; empty where there is nothing to draw."""
        if not isinstance(picture, Picture):
            return ""
        self._count += 1
        name = f"{self._count:02d}-{_NOT_IN_A_NAME.sub('-', picture.name)}.svg"
        self._folder.mkdir(exist_ok=True)
        drawn = svg(picture.panels, picture.marks, self._lang)
        _replace(self._folder / name, [drawn.decode()])
        self._drawn()
        return f"{quote(os.fsencode(self._folder.name))}/{name}"


def _replace(path: Path, parts: Iterable[str]) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as file:
        file.writelines(part.encode() for part in parts)
