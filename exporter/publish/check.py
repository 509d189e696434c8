"""The verdict on finished or running logs, for a terminal or a script."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

import orjson

from exporter.analyse.run import Options, Run
from exporter.ingest import discover
from exporter.ingest.arguments import read_settings
from exporter.ingest.dialects import Dialects, producer
from exporter.ingest.follow import printable
from exporter.ingest.source import open_source
from exporter.model import Kind, Snapshot

UNREADABLE = 3
"""Exit code when a log that was asked for is none, or cannot be read."""


@dataclass(frozen=True, slots=True)
class NoRun:
    """A file that was looked at and is no training log."""

    file: str
    reason: str
    skipped: Mapping[str, int]


def run_check(
    paths: Sequence[str],
    *,
    format: str,  # noqa: A002  # the flag's own name
    profile: str | None,
    stdout_log: Sequence[str],
    logging_steps: int | None,
    out: TextIO,
    progress: bool,
) -> int:
    """Read logs to their end and print the verdict. The exit code: the worst health, or `UNREADABLE`."""
    runs: list[Snapshot] = []
    others: list[NoRun] = []
    options = Options(profile=profile)
    for checked in _follow_progress(check(paths, options, stdout_log, logging_steps, time.time()), progress):
        (runs if isinstance(checked, Snapshot) else others).append(checked)  # type: ignore[arg-type]
    if format == "json":
        out.write(as_json(runs, others))
    else:
        out.writelines(as_text(runs, others))
    return exit_code(paths, runs, others)


def check(
    paths: Sequence[str],
    options: Options,
    stdout_log: Sequence[str],
    logging_steps: int | None,
    now: float,
) -> Iterator[Snapshot | NoRun]:
    """Each log below `paths`, read to its end: a run, or why it is none."""
    defaults = discover.Options(ignore_older=None)
    patterns = {**defaults.patterns, "printed": tuple(stdout_log)}
    scan = discover.discover(paths, discover.Options(patterns=patterns, ignore_older=None), now)
    dialects = Dialects(logging_steps)
    for path, problem in scan.errors.items():
        yield NoRun(path, problem, {})
    for found in scan.found:
        yield read(found, options, dialects, now)


def read(found: discover.Found, options: Options, dialects: Dialects, now: float) -> Snapshot | NoRun:
    """One log, read to its end."""
    run = Run(options, read_settings(os.path.dirname(found.path)))
    source = open_source(found, dialects)
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
        return run.snapshot(found.run, found.path, producer(found.dialect), now)
    reason = source.error or ("no training record in it" if run.skipped else "empty")
    return NoRun(found.path, reason, dict(run.skipped))


def exit_code(paths: Sequence[str], runs: Sequence[Snapshot], others: Sequence[NoRun]) -> int:
    """The worst health; `UNREADABLE` if a path that was named is no log, or there is no run at all."""
    named = {os.path.abspath(path) for path in paths}
    if not runs or any(other.file in named for other in others):
        return UNREADABLE
    return max(run.health.value for run in runs)


def as_json(runs: Sequence[Snapshot], others: Sequence[NoRun]) -> str:
    """One object; NaN and infinities become null."""
    report = {
        "runs": [_run_object(run) for run in runs],
        "no_runs": [{"file": o.file, "reason": o.reason, "skipped_lines": o.skipped} for o in others],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() + "\n"


def as_text(runs: Sequence[Snapshot], others: Sequence[NoRun]) -> Iterator[str]:
    """A few lines for each run."""
    for run in runs:
        yield from _run_lines(run)
    for other in others:
        skipped = ", ".join(f"{count} x {reason}" for reason, count in other.skipped.items())
        yield f"{printable(other.file)}: no run: {other.reason}" + (f" ({skipped})\n" if skipped else "\n")


def _run_lines(run: Snapshot) -> Iterator[str]:
    steps = f"step {run.last_step}" + (f" of {run.max_steps}" if run.max_steps else "")
    train, evaluations = (run.records.get(kind, 0) for kind in (Kind.TRAIN, Kind.EVAL))
    yield f"{run.run}: {run.health.name.lower()}\n"
    yield f"  {run.dialect}, {run.profile}, {run.state.value} at {steps}\n"
    yield f"  {train} training records, {evaluations} evaluations\n"
    for resume in run.resumes:
        yield f"  resumed: from step {resume.last} back to {resume.first}\n"
    if run.best is not None:
        yield f"  best evaluation: loss {run.best[0]:.6g} at step {run.best[1]}\n"
    for reason, count in sorted(run.skipped.items()):
        yield f"  {count} lines skipped: {reason}\n"


def _run_object(run: Snapshot) -> dict[str, object]:
    return {
        "run": run.run,
        "file": run.file,
        "dialect": run.dialect,
        "profile": run.profile,
        "records": {kind.value: run.records.get(kind, 0) for kind in (Kind.TRAIN, Kind.EVAL)},
        "first_step": run.first_step,
        "last_step": run.last_step,
        "max_steps": run.max_steps,
        "resumes": [{"from": resume.last, "to": resume.first} for resume in run.resumes],
        "state": run.state.value,
        "health": run.health.name.lower(),
        "signals": [],
        "incidents": [],
        "best": None if run.best is None else {"eval_loss": run.best[0], "step": run.best[1]},
        "skipped_lines": run.skipped,
    }


def _follow_progress(checked: Iterator[Snapshot | NoRun], shown: bool) -> Iterator[Snapshot | NoRun]:
    """Say on standard error how many logs are done, on one line that is written over."""
    said = -math.inf
    count: Counter[bool] = Counter()
    for one in checked:
        count[isinstance(one, Snapshot)] += 1
        if shown and time.monotonic() - said > 0.2:
            said = time.monotonic()
            sys.stderr.write(f"\r{count.total()} logs read, {count[True]} runs")
            sys.stderr.flush()
        yield one
    if shown and said > 0:
        sys.stderr.write("\r" + " " * 60 + "\r")
