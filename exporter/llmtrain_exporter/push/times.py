"""When the records of a log were written that was there before anybody looked.

The best that a log has is used: times that it states; the trainer's own clock, which ends with the last
write to the file or begins at the date in the name of the run's folder; how long each step took, or all of
them. What nothing tells is spread evenly, and said to be so. The times of a run always ascend, by a
millisecond at least.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import PurePath

DAY_SECONDS = 86400.0

ZONES_SECONDS = 26 * 3600.0
"""A date without a zone, read in another one, is off by so much at most (UTC-12 to UTC+14)."""

LONGEST_SECONDS = 20 * 365 * DAY_SECONDS
"""No training takes longer: a clock that says more is none."""

ORDINARY_SECONDS = 30 * DAY_SECONDS
"""A file that was written to later after its folder was made, and has no clock, is taken for a copy."""

LATEST_SECONDS = 253_402_300_799.0
"""The end of the year 9999: no record is later, whatever a hostile log says."""

GUESSED_GAP_SECONDS = 1.0
"""From one record to the next where nothing tells; so that they stand apart."""

_DATE = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)[-_T ]?(\d\d)[-_:]?(\d\d)[-_:]?(\d\d)(?!\d)", re.ASCII)


class TimeSource(str, Enum):
    """How the time of a record is known; the value of the label `source`."""

    ARRIVAL = "arrival"  # it was seen to come
    STATED = "stated"  # the log says it
    CLOCK = "clock"  # the trainer's clock, which stood still at the file's last write
    FOLDER = "folder"  # the trainer's clock, which began at the date in the folder's name
    PACE = "pace"  # how long each step took, back from the last write; pauses in between are not known
    SPREAD = "spread"  # known are beginning and end alone
    GUESSED = "guessed"  # only the end is known


@dataclass(frozen=True, slots=True)
class LogClocks:
    """What a log says of the times of its records, one entry for each. NaN: it does not say.

    `stated`: Unix times. `elapsed`: seconds since the start of the process that wrote the record.
    `trained`: seconds that all steps took up to the record, added up. `runtime`: seconds that the trainer
    says it took altogether. `written`: Unix time of the last write. `began`: Unix time that the name of the
    run's folder says, as if it were in the zone of this machine.
    """

    stated: Sequence[float]
    elapsed: Sequence[float]
    trained: Sequence[float]
    runtime: float | None
    written: float
    began: float | None


@dataclass(frozen=True, slots=True)
class RecordTimes:
    """Milliseconds of Unix time of each record, which ascend, and how they are known."""

    times_ms: array[int]
    source: TimeSource


def record_times(clocks: LogClocks) -> RecordTimes:
    """The times of all records of a log."""
    source, times = _times(clocks)
    return RecordTimes(ascending(times), source)


def _times(clocks: LogClocks) -> tuple[TimeSource, Iterator[float]]:
    if any(map(math.isfinite, clocks.stated)):
        return TimeSource.STATED, _stated(clocks.stated)
    if _goes_on(clocks.elapsed):
        return _clocked(clocks)
    trained = max(filter(_is_clock, clocks.trained), default=None)
    if trained is not None:
        whole = _Process(len(clocks.trained), trained)
        return TimeSource.PACE, _on_clock(clocks.trained, [whole], [clocks.written - trained])
    return _spread(clocks)


def _goes_on(elapsed: Sequence[float]) -> bool:
    """Whether that is a clock. One that stands still is none: rows came from a buffer when all was over."""
    known = filter(_is_clock, elapsed)
    first = next(known, None)
    second = next(known, None)
    return first is not None and (second is None or second != first or any(each != first for each in known))


def ascending(times: Iterator[float], after_ms: int = 0) -> array[int]:
    """Unix times as milliseconds, each later than the one before and than `after_ms`."""
    found = array("q")
    for time in times:
        after_ms = max(round(min(max(time, 0.0), LATEST_SECONDS) * 1000), after_ms + 1)
        found.append(after_ms)
    return found


def _stated(stated: Sequence[float]) -> Iterator[float]:
    """Those that are missing, or lie outside of the first and last, are those of the record before."""
    last = next(filter(math.isfinite, reversed(stated)))
    time = min(next(filter(math.isfinite, stated)), last)
    for each in stated:
        time = each if time <= each <= last else time
        yield time


@dataclass(frozen=True, slots=True)
class _Process:
    """The records of one process of a run: so many, and the last that its clock said."""

    records: int
    seconds: float


def _clocked(clocks: LogClocks) -> tuple[TimeSource, Iterator[float]]:
    processes = list(_processes(clocks.elapsed))
    zeros, source = _zeros(processes, clocks)
    return source, _on_clock(clocks.elapsed, processes, zeros)


def _zeros(processes: Sequence[_Process], clocks: LogClocks) -> tuple[list[float], TimeSource]:
    """Unix time at which the clock of each process began, and what that rests on.

    The last one ends with the last write. Those before end where the next one begins: how long nobody
    trained in between is logged nowhere. But the first one has begun when its folder was made.
    """
    zeros: list[float] = []
    ends = clocks.written
    for process in reversed(processes):
        ends -= process.seconds
        zeros.append(ends)
    zeros.reverse()
    began = clocks.began
    if began is None or zeros[0] - began <= ZONES_SECONDS:
        return zeros, TimeSource.CLOCK
    if len(processes) == 1:  # the file was copied since: its last write is none of the trainer's
        return [began], TimeSource.FOLDER
    return [began, *zeros[1:]], TimeSource.CLOCK


def _processes(elapsed: Sequence[float]) -> Iterator[_Process]:
    records, last = 0, 0.0
    for seconds in elapsed:
        if _is_clock(seconds):
            if seconds < last:
                yield _Process(records, last)
                records = 0
            last = seconds
        records += 1
    yield _Process(records, last)


def _on_clock(
    elapsed: Sequence[float], processes: Sequence[_Process], zeros: Sequence[float]
) -> Iterator[float]:
    """Records that have no clock were written with the one before."""
    rows = iter(elapsed)
    for process, zero in zip(processes, zeros, strict=True):
        time = zero
        for _ in range(process.records):
            seconds = next(rows)
            time = zero + seconds if _is_clock(seconds) else time
            yield time


def _spread(clocks: LogClocks) -> tuple[TimeSource, Iterator[float]]:
    records, written = len(clocks.elapsed), clocks.written
    seconds = clocks.runtime
    if seconds is None and clocks.began is not None and 0.0 <= written - clocks.began <= ORDINARY_SECONDS:
        seconds = written - clocks.began
    source = TimeSource.GUESSED if seconds is None else TimeSource.SPREAD
    gap = GUESSED_GAP_SECONDS if seconds is None else seconds / max(records, 1)
    return source, (written - gap * (records - 1 - at) for at in range(records))


def on_arrival(elapsed: Sequence[float], arrived: float) -> list[float]:
    """Unix times of records that were read at once, the last of them when it had `arrived`."""
    known = [seconds for seconds in elapsed if _is_clock(seconds)]
    if not known or known != sorted(known):
        return [arrived] * len(elapsed)
    times, seconds = [], known[0]
    for each in elapsed:
        seconds = each if _is_clock(each) else seconds
        times.append(arrived - (known[-1] - seconds))
    return times


def _is_clock(seconds: float) -> bool:
    """Whether that can be what a clock shows that began with a process."""
    return 0.0 <= seconds <= LONGEST_SECONDS


def date_in(path: str, unix_time: Callable[[datetime], float] = datetime.timestamp) -> float | None:
    """Unix time of the date in a path, of the last of its names that has one; None where none has.

    `unix_time`: of a date without a zone, by itself in that of this machine. As ms-swift
    (v0-20251126-022444), W&B (run-20251126_022444-id) and many scripts name their folders.
    """
    for name in reversed(PurePath(path).parts):
        found = _DATE.search(name)
        if found is not None:
            try:
                return unix_time(datetime(*map(int, found.groups())))  # type: ignore[arg-type]  # six of them
            except (ValueError, OverflowError, OSError):
                continue
    return None
