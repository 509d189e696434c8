"""The verdict on finished or running logs, for a terminal or a script."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TextIO, TypeVar

import orjson

from llmtrain_exporter.analyse.run import Options
from llmtrain_exporter.config import Assignment, Settings, unique_name
from llmtrain_exporter.history.read import NoTraining, read
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.dialects import Dialects
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.check_courses import CoursesKept
from llmtrain_exporter.publish.check_text import as_text
from llmtrain_exporter.publish.style import Style
from llmtrain_exporter.story.run_object import run_object

WIDEST = 110
"""Columns of text that are still read with ease."""

PROGRESS_SECONDS = 0.2

EPISODES_KEPT = 10_000
"""Of one log that is read once, all that a person may want to know is kept."""

UNREADABLE = 3
"""Exit code when a log that was asked for is none, or cannot be read."""


_Look = TypeVar("_Look")

Reader = Callable[[discover.Found, Options, Dialects, float], _Look | NoTraining]
"""Reads one log to its end, at a Unix time."""


@dataclass(frozen=True, slots=True)
class NoRun:
    """A file that was looked at and is no training log, or a folder without any."""

    file: str
    reason: str
    skipped: Mapping[str, int]
    failed: bool = False  # it may be a run, but nobody knows


@dataclass(frozen=True, slots=True)
class Told:
    """How the verdict is told: as text or as JSON, in which language, healthy runs in full or not."""

    format: str
    lang: str
    verbose: bool


def run_check(
    paths: Sequence[str], settings: Settings, profile: str | None, told: Told, out: TextIO, err: TextIO
) -> int:
    """Read logs to their end and print the verdict. The exit code: the worst health, or `UNREADABLE`.

    `profile` goes before what the rules of the settings say. Of the settings only what concerns reading and
    judging is used.
    """
    runs: list[Snapshot] = []
    others: list[NoRun] = []
    options = Options(profile=profile, profiles=settings.known_profiles, episodes_kept=EPISODES_KEPT)
    kept = CoursesKept()
    reader = kept.read if told.format == "text" and can_draw(out) else read
    steps, now = settings.logging_steps, time.time()
    checked = each_log(reader, paths, options, settings.stdout_log, steps, now, settings.assign)
    for one in _follow_progress(checked, err, time.monotonic) if err.isatty() else checked:
        (runs if isinstance(one, Snapshot) else others).append(one)  # type: ignore[arg-type]
    if told.format == "json":
        out.write(as_json(runs, others))
    else:
        logs = [(other.file, other.reason, other.skipped) for other in others]
        out.writelines(as_text(runs, logs, style_for(told.lang, out), told.verbose, kept.courses))
    return exit_code(paths, runs, others)


def can_draw(out: TextIO) -> bool:
    """Whether a stream takes characters that look like bars."""
    return (out.encoding or "utf-8").lower().startswith("utf")


def style_for(lang: str, out: TextIO) -> Style:
    """Colours are for terminals, and for people who have not said no (no-color.org)."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return Style(Lang(lang), width, out.isatty() and not os.environ.get("NO_COLOR"))


def check(
    paths: Sequence[str],
    options: Options,
    stdout_log: Sequence[str],
    logging_steps: int | None,
    now: float,
    assign: Callable[[str], Assignment] | None = None,
) -> Iterator[Snapshot | NoRun]:
    """Each log below `paths`, read to its end: a run, or why it is none. `assign`: what is said of a run."""
    return each_log(read, paths, options, stdout_log, logging_steps, now, assign)


def each_log(
    reader: Reader[_Look],
    paths: Sequence[str],
    options: Options,
    stdout_log: Sequence[str],
    logging_steps: int | None,
    now: float,
    assign: Callable[[str], Assignment] | None = None,
) -> Iterator[_Look | NoRun]:
    """The same with what `reader` makes of each log."""
    defaults = discover.Options(ignore_older=None)
    patterns = {**defaults.patterns, "printed": tuple(stdout_log)}
    scan = discover.discover(paths, discover.Options(patterns=patterns, ignore_older=None), now)
    dialects = Dialects(logging_steps)
    assign = assign or Settings().assign
    for path, problem in scan.errors.items():
        yield NoRun(path, problem, {})
    for folder in _without_log(paths, scan):
        yield NoRun(folder, words.NO_LOG.en, {})
    names: set[str] = set()
    for found in scan.found:
        assigned = assign(found.run)
        name = unique_name(assigned.name, found.run, names)
        names.add(name)
        chosen = replace(options, profile=options.profile or assigned.profile)
        yield _read_or_tell(reader, replace(found, run=name), chosen, dialects, now)


def _without_log(paths: Sequence[str], scan: discover.Scan) -> Iterator[str]:
    """The folders among `paths` without a log below them: neither where it was found nor where it lies."""
    logs = [path for found in scan.found for path in (found.path, os.path.realpath(found.path))]
    for folder in dict.fromkeys(map(os.path.abspath, paths)):
        places = tuple(os.path.join(place, "") for place in (folder, os.path.realpath(folder)))
        told = printable(folder) in scan.errors
        if not told and os.path.isdir(folder) and not any(log.startswith(places) for log in logs):
            yield folder


def _read_or_tell(
    reader: Reader[_Look], found: discover.Found, options: Options, dialects: Dialects, now: float
) -> _Look | NoRun:
    """One log, read to its end, whatever comes of it: a broken one must not silence the others."""
    try:
        one = reader(found, options, dialects, now)
    except Exception as error:
        return NoRun(found.path, f"cannot be analysed: {type(error).__name__}", {}, failed=True)
    return NoRun(found.path, one.reason, one.skipped) if isinstance(one, NoTraining) else one


def exit_code(paths: Sequence[str], runs: Sequence[Snapshot], others: Sequence[NoRun]) -> int:
    """The worst health.

    `UNREADABLE` if a path that was named is no log or has none, a log cannot be analysed, or there is no run.
    """
    named = {printable(os.path.abspath(path)) for path in paths}
    if not runs or any(other.failed or printable(other.file) in named for other in others):
        return UNREADABLE
    return max(run.verdict.value for run in runs)


def as_json(runs: Sequence[Snapshot], others: Sequence[NoRun]) -> str:
    """One object; NaN and infinities become null."""
    report = {
        "runs": [run_object(run) for run in runs],
        "no_runs": [
            {"file": printable(one.file), "reason": printable(one.reason), "skipped_lines": one.skipped}
            for one in others
        ],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() + "\n"


def _follow_progress(
    checked: Iterator[Snapshot | NoRun], err: TextIO, clock: Callable[[], float]
) -> Iterator[Snapshot | NoRun]:
    """Say how many logs are done, on one line that is written over, once it takes long enough to notice."""
    said, shown = clock(), False
    count: Counter[bool] = Counter()
    for one in checked:
        count[isinstance(one, Snapshot)] += 1
        if clock() - said >= PROGRESS_SECONDS:
            said, shown = clock(), True
            err.write(f"\r{count.total()} logs read, {count[True]} of them runs")
            err.flush()
        yield one
    if shown:
        err.write("\r" + " " * 60 + "\r")
