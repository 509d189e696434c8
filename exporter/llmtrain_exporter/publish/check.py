"""The verdict on finished or running logs, for a terminal or a script."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from typing import NamedTuple, TextIO

import orjson

from llmtrain_exporter.ingest.discover import Surroundings
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, NoRun, Snapshot
from llmtrain_exporter.publish.check_courses import CoursesKept
from llmtrain_exporter.publish.check_progress import CheckProgress
from llmtrain_exporter.publish.check_text import as_text
from llmtrain_exporter.story.no_run import no_run_object
from llmtrain_exporter.story.run_object import run_object
from llmtrain_exporter.watching.on_demand import missed, read_each, read_log
from llmtrain_exporter.watching.reading_settings import ReadingSettings
from llmtrain_exporter.watching.rules import rules_for_reading
from llmtrain_exporter.write.style import Style

WIDEST = 110
"""Columns of text that are still read with ease."""

UNREADABLE = 3
"""Exit code when a log that was asked for is none, or cannot be read."""


class CheckOutput(NamedTuple):
    """How the verdict is told: as text or as JSON, in which language, healthy runs in full or not."""

    format: str
    lang: str
    verbose: bool


def run_check(
    paths: Sequence[str],
    settings: ReadingSettings,
    profile: str | None,
    wanted: CheckOutput,
    out: TextIO,
    err: TextIO,
) -> int:
    """Read logs to their end and print the verdict. The exit code: the worst health, or `UNREADABLE`.

    `profile` goes before what the rules of the settings say. Of the settings only what concerns reading and
    judging is used.
    """
    runs: list[Snapshot] = []
    others: list[NoRun] = []
    observed = CoursesKept()
    reader = observed.read if wanted.format == "text" and can_draw(out) else read_log
    progress = CheckProgress(err, time.monotonic, Lang(wanted.lang))
    around = Surroundings(visiting=progress.visit)
    checked = read_each(reader, paths, rules_for_reading(settings, profile), time.time(), around)
    for outcome in progress.follow(checked):
        if isinstance(outcome, Snapshot):
            runs.append(outcome)
        else:
            others.append(outcome)
    if wanted.format == "json":
        out.write(as_json(runs, others))
    else:
        style = style_for(wanted.lang, out)
        out.writelines(as_text(runs, others, style, wanted.verbose, observed.courses))
    return exit_code(paths, runs, others)


def can_draw(out: TextIO) -> bool:
    """Whether a stream takes characters that look like bars."""
    return (out.encoding or "utf-8").lower().startswith("utf")


def style_for(lang: str, out: TextIO) -> Style:
    """Colours are for terminals, and for people who have not said no (no-color.org)."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return Style(Lang(lang), width, out.isatty() and not os.environ.get("NO_COLOR"))


def exit_code(paths: Sequence[str], runs: Sequence[Snapshot], others: Sequence[NoRun]) -> int:
    """The worst health.

    `UNREADABLE` if a path that was named is no log or has none, a log cannot be analysed, or there is no run
    with anything to judge.
    """
    if not runs or missed(paths, others):
        return UNREADABLE
    worst = max(run.verdict for run in runs)
    return UNREADABLE if worst is Health.UNKNOWN else worst.value


def as_json(runs: Sequence[Snapshot], others: Sequence[NoRun]) -> str:
    """One object; NaN and infinities become null."""
    report = {
        "runs": [run_object(run) for run in runs],
        "no_runs": [no_run_object(other) for other in others],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() + "\n"
