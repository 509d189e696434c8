"""Who scrapes, how often each comes, and so for how long a new run shows its counters at 0.

The rule: two scrape intervals of the slowest of those who came in the last two minutes, 60 seconds where the
interval of one of them is not known yet or nobody came, and never more. Counted from the scrape that showed
the 0 first. So each Prometheus with an interval of up to 60 seconds sees the 0 and then the increase.

Prometheus and what scrapes as it does (agents of VictoriaMetrics, Grafana, OpenTelemetry) is known by a
header; a person with curl has none and changes nothing. Two servers behind one address are one that comes
more often. That is safe for two; for more there is the time-out, which is never longer than the interval.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from math import isfinite

TIMEOUT_HEADER = "x-prometheus-scrape-timeout-seconds"
"""Source: prometheus/scrape/scrape.go."""

LONGEST_SECONDS = 60.0
REMEMBERED_SECONDS = 120.0
MOST_SCRAPERS = 100

_INTERVALS = 1.75
"""Two intervals, less what a scrape may come early: the second scrape after the first one is not to miss."""

Scraper = tuple[str, str]
"""Address and User-Agent."""


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """When one came last, seconds since the time before, and the seconds that it waits for an answer."""

    last: float
    interval: float | None
    timeout: float


class Scrapers:
    """Those who came lately. From any thread; times are those of a clock that never goes back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the dictionary
        self._rhythms: OrderedDict[Scraper, _Rhythm] = OrderedDict()  # who came longest ago first

    def came(self, scraper: Scraper, timeout: str, now: float) -> None:
        """It has asked for a scrape. `timeout`: its header as it was sent."""
        with self._lock:
            self._forget(now)
            before = self._rhythms.pop(scraper, None)
            interval = None if before is None else now - before.last
            self._rhythms[scraper] = _Rhythm(now, interval, _seconds(timeout))
            while len(self._rhythms) > MOST_SCRAPERS:
                self._rhythms.popitem(last=False)

    def hold(self, now: float) -> float:
        """For how many seconds a 0 has to be shown until each of them has seen it."""
        with self._lock:
            self._forget(now)
            rhythms = list(self._rhythms.values())
        return min(max(map(_needed, rhythms), default=LONGEST_SECONDS), LONGEST_SECONDS)

    def _forget(self, now: float) -> None:
        while self._rhythms and now - next(iter(self._rhythms.values())).last > REMEMBERED_SECONDS:
            self._rhythms.popitem(last=False)


def _needed(rhythm: _Rhythm) -> float:
    if rhythm.interval is None:
        return LONGEST_SECONDS
    return max(_INTERVALS * rhythm.interval, 2 * rhythm.timeout)


def _seconds(text: str) -> float:
    """A header's number; one that is none asks for the longest."""
    try:
        seconds = float(text[:32])
    except ValueError:
        return LONGEST_SECONDS
    return seconds if isfinite(seconds) and seconds >= 0 else LONGEST_SECONDS
