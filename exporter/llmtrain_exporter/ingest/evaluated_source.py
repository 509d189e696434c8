"""The log of a training together with those that hold its evaluations, in the order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from heapq import merge
from itertools import zip_longest
from math import inf

from llmtrain_exporter.ingest.fingerprint import Fingerprint
from llmtrain_exporter.ingest.reading import Reading, Source
from llmtrain_exporter.model import Record, RowKind

Timed = tuple[float, Record]


class EvaluatedSource:
    """A log, and the records of evaluations that lie elsewhere. Those come and go as the training runs."""

    def __init__(
        self, log: Source, places: Callable[[], Sequence[str]], opened: Callable[[str], Source]
    ) -> None:
        """`places`: the logs with evaluations by now; raises OSError. `opened`: makes the source of one."""
        self.path = log.path
        self._log, self._places, self._opened = log, places, opened
        self._evaluations: dict[str, Source] = {}  # by path
        self._ahead: list[Timed] = []  # evaluations, of which the log was not yet read as far
        self._list()

    @property
    def error(self) -> str | None:
        """The last I/O error that still stands, for people."""
        errors = (source.error for source in (self._log, *self._evaluations.values()))
        return next(filter(None, errors), None)

    @property
    def place(self) -> tuple[int, int] | None:
        """That of the log, while it is the only one."""
        return None if self._evaluations else self._log.place

    @property
    def fingerprint(self) -> Fingerprint | None:
        """Of the log."""
        return self._log.fingerprint

    def begins_with(self, fingerprint: Fingerprint) -> bool:
        """Whether the log begins so."""
        return self._log.begins_with(fingerprint)

    def grown(self) -> bool:
        """Whether a look may bring something."""
        return self._log.grown() or any(source.grown() for source in self._evaluations.values())

    def check(self, now: float) -> None:
        """Look for more evaluations, and whether the paths still name the same files."""
        self._list()
        self._log.check(now)
        for source in self._evaluations.values():
            source.check(now)

    def park(self) -> None:
        """Give back what is held open."""
        for source in (self._log, *self._evaluations.values()):
            source.park()

    def close(self) -> None:
        """Give back everything."""
        for source in (self._log, *self._evaluations.values()):
            source.close()

    def rest(self) -> list[Record]:
        """What is held of all."""
        held = [record for source in self._evaluations.values() for record in source.rest()]
        ahead, self._ahead = [record for _, record in self._ahead], []
        return [*self._log.rest(), *ahead, *filter(_is_evaluation, held)]

    def poll(self, now: float) -> Reading | None:
        """The next records, those of evaluations among them as they were logged."""
        reading = self._log.poll(now)
        if reading is not None and reading.restarted:
            self._begin_anew()
        if not self._evaluations:
            return reading
        until = _last_time(reading) if reading is not None and reading.more else inf
        found = [each for source in self._evaluations.values() for each in self._fetch(source, until, now)]
        ready = sorted((each for each in self._ahead if each[0] <= until), key=_time)
        self._ahead = [each for each in self._ahead if each[0] > until]
        if reading is None:
            reading = replace(found[-1], records=[], times=()) if found else None
        return None if reading is None else _joined(reading, ready, found)

    def _fetch(self, source: Source, until: float, now: float) -> list[Reading]:
        """Read evaluations up to that Unix time."""
        found: list[Reading] = []
        while (reading := source.poll(now)) is not None:
            found.append(reading)
            self._ahead += [each for each in _timed(reading) if _is_evaluation(each[1])]
            if not reading.more or _last_time(reading) > until:
                break
        return found

    def _begin_anew(self) -> None:
        for source in self._evaluations.values():
            source.close()
        self._evaluations.clear()
        self._ahead.clear()
        self._list()

    def _list(self) -> None:
        with suppress(OSError):
            places = self._places()
            for path in self._evaluations.keys() - set(places):
                self._evaluations.pop(path).close()
            for path in places:
                if path not in self._evaluations:
                    self._evaluations[path] = self._opened(path)


def _joined(reading: Reading, ready: Sequence[Timed], found: Sequence[Reading]) -> Reading:
    rows = list(merge(_timed(reading), ready, key=_time)) if ready else None
    skipped = sum((Counter(each.skipped) for each in found), Counter(reading.skipped))
    return replace(
        reading,
        records=[record for _, record in rows] if rows else reading.records,
        times=[time for time, _ in rows] if rows else reading.times,
        skipped=skipped,
        size=reading.size + sum(each.size for each in found),
    )


def _timed(reading: Reading) -> list[Timed]:
    """The records with their times, none of them before that of the record before it."""
    found: list[Timed] = []
    last = -inf
    for record, time in zip_longest(reading.records, reading.times):
        last = max(last, time if time is not None else last)
        found.append((last, record))
    return found


def _last_time(reading: Reading) -> float:
    """Unix time of the last record; before any where there is none."""
    return max((time for time in reading.times if time is not None), default=-inf)


def _time(each: Timed) -> float:
    return each[0]


def _is_evaluation(record: Record) -> bool:
    return record.kind is RowKind.EVAL
