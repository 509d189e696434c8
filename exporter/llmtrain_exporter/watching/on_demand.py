"""A log that is read when somebody asks, from its first byte to its end."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.discover import ALONE, Found, Scan, Surroundings
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.model import NoRun, Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.observer import ObserverT, unobserved
from llmtrain_exporter.watching.rules import RunRules, problems_of

log = logging.getLogger(__name__)

BytesRead = Callable[[int], object]
"""Told how many bytes of a log were read since it was told last."""

ResultT = TypeVar("ResultT")

_WITHOUT_ROWS = (NoRunReason.EMPTY, NoRunReason.NO_RECORD, NoRunReason.NOT_UNDERSTOOD)

LogReader = Callable[[Found, RunOptions, Readers, float], ResultT | NoRun]
"""Reads one log to its end, at a Unix time."""


def open_log(
    found: Found, options: RunOptions, readers: Readers, observe: Callable[[Run], ObserverT]
) -> LiveRun[ObserverT]:
    """A log that is taken as it lies: nobody waits for what may still be on its way to it."""
    return LiveRun(found, found.run, options, open_source(found, readers, patient=False), observe)


def read_to_end(
    run: LiveRun[ObserverT], monotonic: float, now: float, progress: BytesRead | None = None
) -> None:
    """Read all that is new, anew where the log was rewritten; a half line at the end is left for later."""
    run.source.check(monotonic)
    # A log that is not watched goes by its file alone, however often it is read on.
    while (reading := run.read_on(monotonic, now, looked_at=0.0)) is not None:
        if progress is not None:
            progress(reading.size)


def read_once(run: LiveRun[ObserverT], now: float, progress: BytesRead | None = None) -> Snapshot | NoRun:
    """What is in a log that nobody looks at again: the run as it stands at `now`, Unix time."""
    try:
        read_to_end(run, 0.0, now, progress)
        run.take_rest(now)
        return run.outcome(now)
    finally:
        run.source.close()


def read_log(found: Found, options: RunOptions, readers: Readers, now: float) -> Snapshot | NoRun:
    """One log, read to its end; see `read_once`."""
    return read_once(open_log(found, options, readers, unobserved), now)


def read_each(
    reader: LogReader[ResultT],
    paths: Sequence[str],
    rules: RunRules,
    now: float,
    around: Surroundings = ALONE,
) -> Iterator[ResultT | NoRun]:
    """What `reader` makes of each log below `paths`, one after the other; or why there is none.

    `now`: Unix time; `around`: what the search has to know, and whom to tell where it is. What `reader`
    raises is kept in the log: a broken run must not silence the others.
    """
    scan = rules.search(paths, now, around=around)
    yield from problems_of(scan)
    for folder in _without_log(paths, scan):
        yield rules.no_log(folder, rules.survey(folder, scan))
    for file in _without_run(paths, scan):
        yield _no_run_in(file, rules)
    names: set[str] = set()
    for found in scan.found:
        name = rules.name(found, names)
        names.add(name)
        yield _guarded(reader, found, name, rules, now)


def missed(paths: Sequence[str], others: Sequence[NoRun]) -> bool:
    """Whether a path that was named has no run, or a log cannot be analysed."""
    named = {printable(os.path.abspath(path)) for path in paths}
    return any(other.reason is NoRunReason.BROKEN or printable(other.file) in named for other in others)


def _without_log(paths: Sequence[str], scan: Scan) -> Iterator[str]:
    """The folders among `paths` without a log below them: neither where it was found nor where it lies."""
    logs = [path for found in scan.found for path in (found.path, os.path.realpath(found.path))]
    for folder in dict.fromkeys(map(os.path.abspath, paths)):
        places = tuple(os.path.join(place, "") for place in (folder, os.path.realpath(folder)))
        known = printable(folder) in scan.errors
        if not known and os.path.isdir(folder) and not any(path.startswith(places) for path in logs):
            yield folder


def _without_run(paths: Sequence[str], scan: Scan) -> Iterator[str]:
    """The files among `paths` that a search took for a tracker's store, and that hold no run."""
    read = {os.path.realpath(found.file) for found in scan.found}
    beside = {left.path for left in scan.passed if left.instead}
    for file in dict.fromkeys(map(os.path.abspath, paths)):
        known = printable(file) in scan.errors or file in beside or os.path.realpath(file) in read
        if not known and os.path.isfile(file):
            yield file


def _no_run_in(file: str, rules: RunRules) -> NoRun:
    reason = NoRunReason.NO_RECORD if os.path.getsize(file) else NoRunReason.EMPTY
    return NoRun(file, reason, unread=rules.look_into(file))


def _guarded(
    reader: LogReader[ResultT], found: Found, name: str, rules: RunRules, now: float
) -> ResultT | NoRun:
    try:
        outcome = reader(found.called(name), rules.options(found), rules.readers, now)
        if isinstance(outcome, NoRun) and outcome.reason in _WITHOUT_ROWS:
            return replace(outcome, unread=rules.look_into(found.file, found.dialect))
        return outcome
    except Exception as error:
        log.debug("%s: cannot be analysed", found.path, exc_info=True)
        return NoRun(found.told, NoRunReason.BROKEN, detail=type(error).__name__)
