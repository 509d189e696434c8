"""When the records of a log that states times were written, as far as its clock is to be believed."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.ingest.reading import Reading

LOOK_LASTS_SECONDS = 1.0
"""A log can be written to after the clock was looked at and before it is read: that is no clock ahead."""

WRITTEN_LATE_SECONDS = 120.0
"""A tracker's store can have a row so long after it was logged; what is further off is another clock."""


def arrivals(reading: Reading, arrived: float, now: float, seen: bool) -> Sequence[float]:
    """Unix time of each record: the log's own, unless its writer's clock is off; none where it states none.

    `arrived`: when the last one was written, as well as one can know otherwise. `seen`: it was seen to come.
    """
    times = reading.times
    last = next((time for time in reversed(times) if time is not None), None)
    if last is None:
        return ()
    ahead = last - now > LOOK_LASTS_SECONDS
    behind = seen and arrived - last > WRITTEN_LATE_SECONDS
    shift = arrived - last if ahead or behind else 0.0
    return [arrived if time is None else time + shift for time in times]


def arrivals_of_rest(times: Sequence[float | None], written: float, now: float) -> Sequence[float]:
    """The same of records that are taken as they lie: the log's own time, but for one that is yet to come.

    `written`: Unix time of the last write.
    """
    if all(time is None for time in times):
        return ()
    return [written if time is None or time > now else time for time in times]
