"""The verdict on finished or running logs, for a terminal or a script."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TextIO

import orjson

from exporter.analyse.run import Options, Run
from exporter.analyse.written import series_name
from exporter.config import Assignment, Settings, unique_name
from exporter.ingest import discover
from exporter.ingest.arguments import read_checkpoints, read_settings
from exporter.ingest.dialects import Dialects, producer
from exporter.ingest.follow import printable
from exporter.ingest.source import open_source
from exporter.knowledge import words
from exporter.knowledge.text import Lang
from exporter.model import Episode, Incident, Kind, Snapshot
from exporter.publish.check_text import Style, as_text

WIDEST = 110
"""Columns of text that are still read with ease."""

PROGRESS_SECONDS = 0.2

EPISODES_KEPT = 10_000
"""Of one log that is read once, all that a person may want to know is kept."""

UNREADABLE = 3
"""Exit code when a log that was asked for is none, or cannot be read."""


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
    checked = check(paths, options, settings.stdout_log, settings.logging_steps, time.time(), settings.assign)
    for one in _follow_progress(checked, err, time.monotonic) if err.isatty() else checked:
        (runs if isinstance(one, Snapshot) else others).append(one)  # type: ignore[arg-type]
    if told.format == "json":
        out.write(as_json(runs, others))
    else:
        logs = [(other.file, other.reason, other.skipped) for other in others]
        out.writelines(as_text(runs, logs, _style(told.lang, out), told.verbose))
    return exit_code(paths, runs, others)


def _style(lang: str, out: TextIO) -> Style:
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
        yield _read_or_tell(replace(found, run=name), chosen, dialects, now)


def _without_log(paths: Sequence[str], scan: discover.Scan) -> Iterator[str]:
    """The folders among `paths` without a log below them: neither where it was found nor where it lies."""
    logs = [path for found in scan.found for path in (found.path, os.path.realpath(found.path))]
    for folder in dict.fromkeys(map(os.path.abspath, paths)):
        places = tuple(os.path.join(place, "") for place in (folder, os.path.realpath(folder)))
        told = printable(folder) in scan.errors
        if not told and os.path.isdir(folder) and not any(log.startswith(places) for log in logs):
            yield folder


def _read_or_tell(
    found: discover.Found, options: Options, dialects: Dialects, now: float
) -> Snapshot | NoRun:
    """One log, read to its end, whatever comes of it: a broken one must not silence the others."""
    try:
        return read(found, options, dialects, now)
    except Exception as error:
        return NoRun(found.path, f"cannot be analysed: {type(error).__name__}", {}, failed=True)


def read(found: discover.Found, options: Options, dialects: Dialects, now: float) -> Snapshot | NoRun:
    """One log, read to its end."""
    run = Run(options, read_settings(os.path.dirname(found.path)))
    source = open_source(found, dialects, patient=False)
    try:
        while (reading := source.poll(0.0)) is not None:
            for record in reading.records:
                run.fold(record, reading.modified)
            run.skip(reading.skipped)
        for record in source.rest():
            run.fold(record, found.modified)
    finally:
        source.close()
    if run.is_training:
        snapshot = run.snapshot(found.run, found.path, producer(found.dialect), now)
        return replace(snapshot, checkpoints=read_checkpoints(os.path.dirname(found.path)))
    reason = source.error or (words.NO_RECORD if run.skipped else words.EMPTY).en
    return NoRun(found.path, reason, dict(run.skipped))


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
        "runs": [_run_object(run) for run in runs],
        "no_runs": [
            {"file": printable(one.file), "reason": printable(one.reason), "skipped_lines": one.skipped}
            for one in others
        ],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() + "\n"


def _run_object(run: Snapshot) -> dict[str, object]:
    return {
        "run": printable(run.run),
        "file": printable(run.file),
        "dialect": run.dialect,
        "profile": printable(run.profile),
        "records": {kind.value: run.records.get(kind, 0) for kind in (Kind.TRAIN, Kind.EVAL)},
        "first_step": run.first_step,
        "last_step": run.last_step,
        "max_steps": run.max_steps,
        "resumes": [{"from": resume.last, "to": resume.first} for resume in run.resumes],
        "state": run.state.value,
        "health": run.verdict.name.lower(),
        "signals": [_signal_object(episode) for episode in run.episodes],
        "incidents": [_incident_object(incident) for incident in run.incidents],
        "best": None if run.best is None else {"eval_loss": run.best[0], "step": run.best[1]},
        "skipped_lines": run.skipped,
    }


def _signal_object(episode: Episode) -> dict[str, object]:
    return {
        "signal": episode.signal,
        "severity": episode.severity.value,
        "first_step": episode.first_step,
        "last_step": episode.last_step,
        "records": episode.records,
        "peak": episode.peak,
        "peak_step": episode.peak_step,
        "limit": episode.limit,
        "metric": printable(series_name(episode.metric)),
    }


def _incident_object(incident: Incident) -> dict[str, object]:
    return {
        "onset_step": incident.onset_step,
        "peak_step": incident.peak_step,
        "recovery_step": incident.recovery_step,
        "stages": [{"stage": stage, "step": step} for stage, step in incident.stages],
        "signals": list(incident.signals),
    }


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
